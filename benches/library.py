#!/usr/bin/env python3
"""Library speed on large data: Gene and CPython side by side, the best of three each.

    python3 benches/library.py                      all measurements
    python3 benches/library.py json                 those whose name contains "json" (both sides still run everything)
    GENE=target/quick/gene python3 benches/library.py

Standard library only. `library.gene` measures the same operations on the same data, in the same order of magnitude of work.
"""

import collections
import csv
import functools
import io
import json
import math
import os
import re
import subprocess
import sys
import time

BENCHES = os.path.dirname(os.path.abspath(__file__))
GENE = os.environ.get("GENE") or os.path.join(BENCHES, "..", "target", "release", "gene")
WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]

state = 12345


def random_below(n):
    global state
    state = (state * 1103515245 + 12345) % 2147483648
    return (state >> 8) % n


def measure(results, name, f):
    best = math.inf
    for _ in range(3):
        start = time.perf_counter()
        f()
        best = min(best, time.perf_counter() - start)
    results[name] = best * 1000


def cpython():
    r = {}
    m = functools.partial(measure, r)
    parts, size = [], 0
    while size < 10_000_000:
        piece = str(random_below(100000)) if random_below(4) == 0 else WORDS[random_below(10)]
        parts.append(piece)
        size += len(piece) + 1
    text = " ".join(parts)
    uni = text.replace("eta", "\u00e9ta")
    lines = text.replace(" gamma ", "\n")

    m("split at blanks", lambda: text.split())
    m("split at a character", lambda: text.split(" "))
    m("split at a word", lambda: text.split("gamma"))
    m("lines", lambda: lines.splitlines())
    m("join", lambda: ", ".join(parts))
    m("replace", lambda: text.replace("delta", "DELTA!"))
    m("replace a character", lambda: text.replace(" ", "_"))
    m("find what is missing", lambda: text.find("omega"))
    m("find in Unicode", lambda: uni.find("omega"))
    m("count", lambda: text.count("theta"))
    m("upper case", lambda: text.upper())
    m("upper case of Unicode", lambda: uni.upper())
    m("trim lines", lambda: [s.strip() for s in lines.splitlines()])
    m("reverse", lambda: text[::-1])

    m("regex find all numbers", lambda: re.findall(r"[0-9]+", text))
    m("regex find all words", lambda: re.findall(r"[a-z]+ta\b", text))
    m("regex replace", lambda: re.sub(r"([a-z]+) ([0-9]+)", r"\2 \1", text))
    m("regex replace by function", lambda: re.sub(r"[0-9]+", lambda _: "n", text))
    m("regex split", lambda: re.split(r" [0-9]+ ", text))
    m("regex find what is missing", lambda: re.search(r"omega|upsilon", text))

    def record(i):
        name, value = WORDS[random_below(10)], random_below(1000000) / 1000.0
        tags = [WORDS[random_below(10)], WORDS[random_below(10)]]
        nested = {"flag": i % 2 == 0, "nothing": None, "text": "line one\nline \"two\" \u00e9"}
        return {"id": i, "name": name, "value": value, "tags": tags, "nested": nested, "numbers": [i, i * 2, i * 3]}

    records = [record(i) for i in range(60000)]
    dumps = functools.partial(json.dumps, ensure_ascii=False, separators=(",", ":"))
    document = dumps(records)
    m("json parse", lambda: json.loads(document))
    m("json stringify", lambda: dumps(records))
    m("json stringify indented", lambda: json.dumps(records, ensure_ascii=False, indent=2))

    numbers = [random_below(1000000000) for _ in range(1000000)]
    floats = [n / 3 for n in numbers]
    texts = [str(n) for n in numbers]
    m("sort ints", lambda: sorted(numbers))
    m("sort floats", lambda: sorted(floats))
    m("sort strings", lambda: sorted(texts))
    m("sort with a comparator", lambda: sorted(numbers, key=functools.cmp_to_key(lambda a, b: b - a)))
    m("sort by a key", lambda: sorted(numbers, key=lambda n: -n))
    m("tally", lambda: collections.Counter(parts))
    m("uniq", lambda: list(dict.fromkeys(texts)))
    m("sum", lambda: sum(numbers))
    m("max", lambda: max(numbers))
    m("csv parse", lambda: list(csv.reader(io.StringIO(lines.replace(" ", ",")))))
    return r


def gene():
    out = subprocess.run([GENE, "run", os.path.join(BENCHES, "library.gene")], capture_output=True, text=True)
    if out.returncode != 0:
        sys.exit(out.stderr)
    return {name: float(ms) for name, ms in (line.split("\t") for line in out.stdout.splitlines())}


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    ours, theirs = gene(), cpython()
    print(f"{'':32}{'Gene ms':>10}{'CPython ms':>12}{'ratio':>8}")
    for name, ms in theirs.items():
        if wanted in name:
            mine = ours.get(name, math.nan)
            print(f"{name:32}{mine:10.1f}{ms:12.1f}{mine / ms:8.2f}")


if __name__ == "__main__":
    main()
