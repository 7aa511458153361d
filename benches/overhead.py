#!/usr/bin/env python3
"""What polling for events costs programs that never wait: instructions with and without it.

    python3 benches/overhead.py
    python3 benches/overhead.py --only fib,json --gene target/release/gene -- --no-jit

The interpreter charges calls and loop back-edges to a counter and looks for events when it runs out. Each program is
run under callgrind with the default interval and with `--poll-interval 0`, which turns the polls off. Instructions
are counted because a share this small is lost in the noise of times. What follows `--` goes to `gene run`.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys

BENCHES = os.path.dirname(os.path.abspath(__file__))
GENE = os.path.join(os.path.dirname(BENCHES), "target/release/gene")

# Sizes that callgrind gets through in seconds and that still leave the start-up far behind.
PROGRAMS = {
    "fib": 24,
    "loop_sum": 500_000,
    "mandelbrot": 60,
    "nbody": 5_000,
    "spectral_norm": 60,
    "fannkuch": 7,
    "nsieve": 1,
    "binary_trees": 9,
    "queens": 7,
    "method_calls": 300_000,
    "closures": 100,
    "map_ops": 100_000,
    "string_ops": 1_000,
    "sort": 5_000,
    "json": 2,
    "levenshtein": 300,
    "collatz": 3_000,
    "exceptions": 10_000,
    "generators": 50_000,
}


def instructions(gene, options, name, n):
    """Instructions of one run, or None with a word on stderr."""
    program = os.path.join(BENCHES, "programs", name + ".gene")
    argv = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", gene, "run"] + options + [program, str(n)]
    done = subprocess.run(argv, capture_output=True, text=True)
    count = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not count:
        print("%s: exit %s\n%s" % (name, done.returncode, done.stderr[-500:]), file=sys.stderr)
        return None
    return int(count.group(1))


def main():
    words = sys.argv[1:]
    split = words.index("--") if "--" in words else len(words)
    own, extra = words[:split], words[split + 1:]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gene", default=GENE)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(PROGRAMS))
    options = parser.parse_args(own)
    if not shutil.which("valgrind"):
        sys.exit("valgrind is not installed")
    unknown = [name for name in options.only if name not in PROGRAMS]
    if unknown:
        parser.error("unknown program: " + ", ".join(unknown))

    print("%-14s %10s %15s %15s %9s" % ("program", "N", "polling", "not polling", "overhead"))
    total_on = total_off = 0
    for name in options.only:
        n = PROGRAMS[name]
        on = instructions(options.gene, extra, name, n)
        off = instructions(options.gene, extra + ["--poll-interval", "0"], name, n)
        if on is None or off is None:
            print("%-14s %10s %15s %15s %9s" % (name, format(n, ","), "-", "-", "FAIL"))
            continue
        total_on += on
        total_off += off
        print("%-14s %10s %15s %15s %8.3f%%" % (name, format(n, ","), format(on, ","), format(off, ","), (on / off - 1) * 100), flush=True)
    if total_off:
        print("%-14s %10s %15s %15s %8.3f%%" % ("all", "", format(total_on, ","), format(total_off, ","), (total_on / total_off - 1) * 100))


if __name__ == "__main__":
    main()
