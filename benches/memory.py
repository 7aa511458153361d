#!/usr/bin/env python3
"""Memory of an idle VM, and of one value or task of every kind that memory.gene can make.

    python3 benches/memory.py [--gene PATH] [--only tasks,strings] [--n 100000]

The resident set of a process that made N of them, minus that of an idle one, divided by N. Where the collector has
not run, garbage made on the way is part of the figure. Linux only: the program reads /proc.
"""

import argparse
import os
import subprocess
import sys

BENCHES = os.path.dirname(os.path.abspath(__file__))
GENE = os.path.join(os.path.dirname(BENCHES), "target/release/gene")
KINDS = ["ints", "floats", "strings", "arrays", "maps", "instances", "closures", "hash_entries", "generators", "channels", "tasks"]


def resident(gene, kind, n):
    """KiB, or None with a word on stderr."""
    done = subprocess.run([gene, "run", os.path.join(BENCHES, "memory.gene"), kind, str(n)], capture_output=True, text=True)
    if done.returncode != 0:
        print("%s: exit %s\n%s" % (kind, done.returncode, done.stderr[-500:]), file=sys.stderr)
        return None
    return int(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gene", default=GENE)
    parser.add_argument("--only", type=lambda text: text.split(","), default=KINDS)
    parser.add_argument("--n", type=int, default=100_000)
    options = parser.parse_args()
    unknown = [kind for kind in options.only if kind not in KINDS]
    if unknown:
        parser.error("unknown kind: " + ", ".join(unknown))

    idle = resident(options.gene, "idle", 0)
    if idle is None:
        sys.exit(1)
    print("idle VM: %.1f MB" % (idle / 1024))
    print("%-14s %12s %10s %12s" % ("kind", "N", "MB", "bytes each"))
    for kind in options.only:
        total = resident(options.gene, kind, options.n)
        if total is not None:
            print("%-14s %12s %10.1f %12.0f" % (kind, format(options.n, ","), total / 1024, (total - idle) * 1024 / options.n))


if __name__ == "__main__":
    main()
