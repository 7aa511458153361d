#!/usr/bin/env python3
"""Runs the benchmark programs in Gene and in peer languages, side by side, and prints ratios.

    python3 benches/run.py                                    CPU programs against Lua 5.4
    python3 benches/run.py --peers lua5.4,luajit,node --only fib,json --reps 3
    python3 benches/run.py --suite conc --peers go,node       concurrency programs
    python3 benches/run.py --check                            small inputs, outputs compared with programs/expected.tsv
    GENE_CMD='/path/gene run {file} {n}' python3 benches/run.py

Standard library only. A peer that is not installed leaves "-". What the numbers mean is in peers/README.md.
"""

import argparse
import collections
import json
import math
import os
import shlex
import shutil
import statistics
import subprocess
import sys

BENCHES = os.path.dirname(os.path.abspath(__file__))
WORKSPACE = os.path.dirname(BENCHES)
PROGRAMS = os.path.join(BENCHES, "programs")
PEERS = os.path.join(BENCHES, "peers")
SCRATCH = os.path.join(PEERS, "tmpdata")  # everything built or written here; git ignores it
MEASURE = os.path.join(SCRATCH, "measure")
SMALL_FILES = os.path.join(SCRATCH, "files")
GENE_CMD = os.environ.get("GENE_CMD") or shlex.quote(os.path.join(WORKSPACE, "target/release/gene")) + " run {file} {n}"

# name -> (N, what it measures)
CPU = {
    "startup": (1, "process start and one line of output"),
    "fib": (37, "recursive calls"),
    "loop_sum": (40_000_000, "int arithmetic, modulo"),
    "mandelbrot": (1500, "float loop"),
    "nbody": (1_000_000, "float fields of objects"),
    "spectral_norm": (1000, "floats and small calls"),
    "fannkuch": (10, "int array shuffling"),
    "nsieve": (30, "bool arrays, rounds of a million"),
    "matmul": (450, "nested float arrays"),
    "binary_trees": (15, "allocation, collection"),
    "queens": (12, "recursive closure and arrays"),
    "method_calls": (20_000_000, "virtual calls on three classes"),
    "closures": (15_000, "map, filter, reduce, compose; rounds of 1000"),
    "map_ops": (10_000_000, "string-keyed hash map"),
    "string_ops": (60_000, "build, join, split, replace, concatenate"),
    "sort": (200_000, "sorting with a comparator"),
    "json": (100, "stringify and parse, rounds of 1000 records"),
    "richards": (150, "object-oriented task scheduler"),
    "levenshtein": (5000, "dynamic programming over two strings"),
    "collatz": (600_000, "branchy ints beyond 32 bits"),
    "bitmix": (80_000, "SHA-256 compression, 32-bit operations"),
    "exceptions": (300_000, "throw and catch through three frames"),
    "generators": (5_000_000, "three chained generators"),
}

# name -> (N, operations, unit of the cell). Without operations the cell is the program's own milliseconds.
CONC = {
    "spawn_join": (200_000, 200_000, "ns/task"),
    "pingpong": (200_000, 200_000, "ns/round trip"),
    "ring": (300_007, 300_007, "ns/hop"),
    "channel_throughput": (500_000, 500_000, "ns/message"),
    "fan_in_select": (100_000, 100_000, "ns/message"),
    "sleepers": (100_000, None, "ms, ideally 1000"),
    "timers": (10_000, None, "ms"),
    "three_reads": (1, None, "ms, ideally 100"),
    "file_reads": (10, 10_000, "ns/file"),
    "tcp_echo": (500, 50_000, "ns/echo"),
    "cpu_parallel": (4_000_000, None, "ms"),
}

# name of the column -> the command's executable, looked up in PATH; rust, tokio and smol are built here.
EXECUTABLES = {
    "lua5.4": "lua5.4",
    "luajit": "luajit",
    "node": "node",
    "pypy3": "pypy3",
    "python3": "/usr/bin/python3",
    "go": "go",
    "go-1p": "go",
    "rust": "cargo",
    "tokio-ct": "cargo",
    "tokio-mt": "cargo",
    "smol": "cargo",
}
CPU_PEERS = ["lua5.4", "luajit", "node", "pypy3", "python3", "go", "rust"]
CONC_PEERS = ["lua5.4", "luajit", "node", "pypy3", "python3", "go", "go-1p", "tokio-ct", "tokio-mt", "smol"]
LUA_CONC = {"spawn_join", "pingpong", "ring", "channel_throughput", "fan_in_select"}

Command = collections.namedtuple("Command", "argv env", defaults=({},))


def log(*words):
    print(*words, file=sys.stderr, flush=True)


# ------------------------------------------------------------------------------------------------ commands


def gene_command(name, n):
    path = os.path.join(PROGRAMS, name + ".gene")
    if not os.path.exists(path):
        return None
    return Command([word.format(file=path, n=n, name=os.path.basename(name)) for word in shlex.split(GENE_CMD)])


def executable(peer):
    return shutil.which(EXECUTABLES[peer])


def cpu_command(peer, name, n):
    if peer == "gene":
        return gene_command(name, n)
    if not executable(peer):
        return None
    if peer == "rust":
        return Command([os.path.join(PEERS, "cpu/rust/target/release", name), str(n)])
    if peer == "go":
        return Command([os.path.join(SCRATCH, "go", name), str(n)])
    folder, suffix = {"lua5.4": ("lua", ".lua"), "luajit": ("lua", ".lua"), "node": ("js", ".js")}.get(peer, ("py", ".py"))
    path = os.path.join(PEERS, "cpu", folder, name + suffix)
    native_operators = path[: -len(suffix)] + ".lua54.lua"  # syntax LuaJIT does not have
    if peer == "lua5.4" and os.path.exists(native_operators):
        path = native_operators
    return Command([executable(peer), path, str(n)])


def conc_command(peer, name, n):
    arguments = [name, str(n), SMALL_FILES]
    if peer == "gene":
        command = gene_command(os.path.join("conc", name), n)
        return command and Command(command.argv + [SMALL_FILES])
    if not executable(peer):
        return None
    conc = os.path.join(PEERS, "conc")
    if peer.startswith("tokio"):
        return Command([os.path.join(conc, "tokio/target/release/conc_tokio")] + arguments, {"RT": peer[-2:]})
    if peer == "smol":
        return Command([os.path.join(conc, "smol/target/release/conc_smol")] + arguments)
    if peer.startswith("go"):
        return Command([os.path.join(SCRATCH, "go", "conc")] + arguments, {"GOMAXPROCS": "1"} if peer == "go-1p" else {})
    if peer in ("lua5.4", "luajit"):
        script = os.path.join(conc, "lua/conc.lua")
        return Command([executable(peer), script] + arguments) if name in LUA_CONC else None
    script = os.path.join(conc, "node/conc.js" if peer == "node" else "py/conc.py")
    return Command([executable(peer), script] + arguments)


# ------------------------------------------------------------------------------------------------ building


def stale(product, source):
    return not os.path.exists(product) or os.path.getmtime(product) < os.path.getmtime(source)


def run_quietly(argv, cwd=None, env=None):
    done = subprocess.run(argv, cwd=cwd, env=dict(os.environ, **(env or {})), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit("%s failed:\n%s" % (" ".join(argv), (done.stdout + done.stderr)[-2000:]))


def build(suite, peers):
    """Builds what the chosen columns need and is out of date."""
    os.makedirs(SCRATCH, exist_ok=True)
    source = os.path.join(PEERS, "tools/measure.rs")
    if stale(MEASURE, source):
        run_quietly(["rustc", "-O", "-o", MEASURE, source])
    crates = []
    if suite == "cpu" and "rust" in peers:
        crates.append("cpu/rust")
    if any(p.startswith("tokio") for p in peers):
        crates.append("conc/tokio")
    if "smol" in peers:
        crates.append("conc/smol")
    for crate in crates:
        if shutil.which("cargo"):
            log("build", crate)
            run_quietly(["cargo", "build", "--release", "--quiet"], cwd=os.path.join(PEERS, crate),
                        env={"CARGO_TARGET_DIR": "target"})
    if shutil.which("go") and any(p.startswith("go") for p in peers):
        products = os.path.join(SCRATCH, "go")
        os.makedirs(products, exist_ok=True)
        names = CPU if suite == "cpu" else ["conc"]
        for name in names:
            source = os.path.join(PEERS, "cpu/go" if suite == "cpu" else "conc/go", name + ".go")
            if stale(os.path.join(products, name), source):
                run_quietly(["go", "build", "-o", os.path.join(products, name), source],
                            env={"GO111MODULE": "off", "GOCACHE": os.path.join(SCRATCH, "gocache")})
    if suite == "conc" and not os.path.isdir(SMALL_FILES):
        os.makedirs(SMALL_FILES)
        for i in range(1000):
            with open(os.path.join(SMALL_FILES, "f%04d.txt" % i), "wb") as f:
                f.write(bytes([32 + (i * 7) % 90]) * (512 + i))


# ------------------------------------------------------------------------------------------------ measuring


def environment(extra):
    """A small environment, the same for everybody: what a login shell exports changes how some peers start."""
    home = os.path.join(SCRATCH, "home")
    os.makedirs(home, exist_ok=True)
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": home, "LANG": "C.UTF-8", "TMPDIR": SCRATCH}
    env.update((k, v) for k, v in os.environ.items() if k.startswith("GENE_") and k != "GENE_CMD")
    env.update(extra)
    return env


def measure(command, timeout):
    """One run: its output, wall, user and system seconds, peak RSS in KiB; or `error`."""
    report = os.path.join(SCRATCH, "report.%d" % os.getpid())
    done = subprocess.run([MEASURE, report, str(timeout)] + command.argv, env=environment(command.env),
                          capture_output=True, text=True)
    try:
        with open(report) as f:
            wall, user, system, rss, code = f.read().split()
        os.unlink(report)
    except (OSError, ValueError):
        return {"error": done.stderr.strip()[-300:] or "did not start"}
    if int(code) != 0:
        return {"error": "exit %s %s" % (code, done.stderr.strip()[-300:])}
    return {"out": done.stdout.strip(), "wall": float(wall), "user": float(user), "sys": float(system),
            "cpu": float(user) + float(system), "rss": int(rss)}


def run_table(names, columns, command_of, size_of, options):
    """table[name][column] is a list of runs. Repetitions are the outer loop, so that a slow minute hits everyone."""
    table = {}
    for name in names:
        row = table[name] = {}
        for _ in range(options.reps):
            for column in columns:
                runs = row.setdefault(column, [])
                failed = runs and "error" in runs[-1]
                spent = sum(r.get("wall", 0) for r in runs)
                command = None if failed or (runs and spent > options.budget) else command_of(column, name, size_of(name))
                if command:
                    runs.append(measure(command, options.timeout))
                    if "error" in runs[-1]:
                        log("%s/%s: %s" % (name, column, runs[-1]["error"]))
        log("%-20s load %.1f" % (name, os.getloadavg()[0]))
    return table


def median(runs, key):
    values = [r[key] for r in runs if key in r]
    return statistics.median(values) if values else None


def disagreements(table, output_of):
    found = []
    for name, row in table.items():
        outputs = {}
        for column, runs in row.items():
            for r in runs:
                if "error" not in r:
                    outputs.setdefault(output_of(r), set()).add(column)
        if len(outputs) > 1:
            found.append("%s: %s" % (name, "; ".join("%s = %r" % (sorted(c), o) for o, c in outputs.items())))
    return found


def noisy(table, key):
    """Cells whose slowest run took over a quarter longer than the fastest."""
    found = []
    for name, row in table.items():
        for column, runs in row.items():
            values = [r[key] for r in runs if key in r]
            if len(values) > 1 and min(values) > 0.05 and max(values) / min(values) > 1.25:
                found.append("%s/%s %.1fx" % (name, column, max(values) / min(values)))
    return found


# ------------------------------------------------------------------------------------------------ reports


def markdown(head, rows):
    widths = [max(len(str(r[i])) for r in [head] + rows) for i in range(len(head))]
    def line(cells):
        return "| " + " | ".join(str(c).ljust(w) if i == 0 else str(c).rjust(w) for i, (c, w) in enumerate(zip(cells, widths))) + " |"
    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return "\n".join([line(head), rule] + [line(r) for r in rows])


def number(x):
    return "-" if x is None else "%.3f" % x if x < 1 else "%.2f" % x if x < 100 else "%.0f" % x


def cell(runs, key, scale=1.0):
    if runs and "error" in runs[-1]:
        return "FAIL"
    value = median(runs, key)
    return number(None if value is None else value * scale)


def ratio(row, peer, key):
    """Gene / peer, unless one is missing or too short to divide by."""
    gene, other = median(row.get("gene", []), key), median(row.get(peer, []), key)
    return gene / other if gene is not None and other is not None and other >= 0.002 else None


def ratio_table(table, peers, key, skip=()):
    rows, logs = [], {p: [] for p in peers}
    for name, row in table.items():
        cells = []
        for peer in peers:
            r = ratio(row, peer, key)
            cells.append("-" if r is None else "%.2f" % r)
            if r and name not in skip:
                logs[peer].append(math.log(r))
        rows.append([name] + cells)
    means = ["%.2f" % math.exp(statistics.fmean(l)) if l else "-" for l in logs.values()]
    rows.append(["geometric mean"] + means)
    return markdown(["Gene / peer"] + peers, rows)


def report_cpu(table, peers, key):
    columns = ["gene"] + peers
    out = ["## CPU programs, median %s seconds" % {"user": "user", "cpu": "user + system", "wall": "wall"}[key], ""]
    rows = [["%s (%s)" % (n, format(CPU[n][0], ","))] + [cell(row.get(c, []), key) for c in columns] for n, row in table.items()]
    out += [markdown(["program (N)"] + columns, rows), ""]
    out += ["### Ratios; below 1 Gene is faster", "", ratio_table(table, peers, key, skip=("startup",)), ""]
    rows = [[n] + [cell(row.get(c, []), "rss", 1 / 1024) for c in columns] for n, row in table.items()]
    out += ["### Peak memory, MB", "", markdown(["program"] + columns, rows), ""]
    if "startup" in table:
        start = ["%s %s" % (c, cell(table["startup"].get(c, []), "wall", 1e3)) for c in columns]
        out += ["Start to end of `startup`, wall ms: " + ", ".join(start) + ".", ""]
    return out


def fields(run):
    """The key=value words of a concurrency program's last line, numbers as floats."""
    words = dict(w.split("=", 1) for w in run["out"].splitlines()[-1].split() if "=" in w) if run.get("out") else {}
    return {k: v if k == "checksum" else float(v) for k, v in words.items()}


def report_conc(table, peers):
    columns = ["gene"] + peers
    for row in table.values():
        for runs in row.values():
            for r in runs:
                r.update((k, v) for k, v in fields(r).items())
    rows = []
    for name, row in table.items():
        n, operations, unit = CONC[name]
        scale = 1e6 / operations if operations else 1.0
        rows.append(["%s, %s" % (name, unit)] + [cell(row.get(c, []), "ms", scale) for c in columns])
    out = ["## Concurrency programs, medians of the workload's own time", "", markdown(["program"] + columns, rows), ""]
    out += ["### Ratios; below 1 Gene is faster", "", ratio_table(table, peers, "ms"), ""]
    rows = [[n] + [cell(row.get(c, []), "rss", 1 / 1024) for c in columns] for n, row in table.items()]
    out += ["### Peak memory, MB", "", markdown(["program"] + columns, rows), ""]
    return out


def check_outputs(only, timeout):
    """Every program at the small sizes of expected.tsv. Gives the number of wrong outputs."""
    wrong = 0
    with open(os.path.join(PROGRAMS, "expected.tsv"), encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f if line.strip()]
    for name, n, expected in rows:
        if only and name not in only:
            continue
        run = measure(gene_command(name, n), timeout)
        got = run.get("out", run.get("error"))
        if got != expected:
            wrong += 1
            print("FAIL %s %s: expected %r, got %r" % (name, n, expected, got))
        else:
            print("ok   %s %s" % (name, n))
    return wrong


def main():
    names = lambda text: text.split(",")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=["cpu", "conc"], default="cpu")
    parser.add_argument("--peers", type=names, default=["lua5.4"], help="columns beside Gene, or `all`: %s" % ", ".join(EXECUTABLES))
    parser.add_argument("--only", type=names, default=[], help="programs to run")
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--metric", choices=["user", "cpu", "wall"], default="user")
    parser.add_argument("--budget", type=float, default=60, help="no more repetitions of a cell after so many seconds")
    parser.add_argument("--timeout", type=float, default=120, help="kill a run after so many seconds")
    parser.add_argument("--check", action="store_true", help="compare small runs of Gene with programs/expected.tsv")
    parser.add_argument("--out", help="also write the report to this file (.md) and the samples beside it (.json)")
    options = parser.parse_args()

    if options.check:
        build("cpu", [])
        sys.exit(1 if check_outputs(options.only, options.timeout) else 0)

    programs, known, command_of = (
        (CPU, CPU_PEERS, cpu_command) if options.suite == "cpu" else (CONC, CONC_PEERS, conc_command))
    peers = known if options.peers == ["all"] else options.peers
    for name in [p for p in peers if p not in known] + [p for p in options.only if p not in programs]:
        parser.error("unknown name in the %s suite: %s" % (options.suite, name))
    build(options.suite, peers)
    chosen = [n for n in programs if not options.only or n in options.only]
    table = run_table(chosen, ["gene"] + peers, command_of, lambda name: programs[name][0], options)

    if options.suite == "cpu":
        lines = report_cpu(table, peers, options.metric)
        wrong = disagreements(table, lambda r: r["out"])
    else:
        lines = report_conc(table, peers)
        wrong = disagreements(table, lambda r: fields(r).get("checksum"))
    unsteady = noisy(table, options.metric)
    lines += ["Checksums: " + ("all agree." if not wrong else "DISAGREE: " + " / ".join(wrong))]
    if unsteady:
        lines += ["", "Noisy cells: " + ", ".join(unsteady)]
    print("\n".join(lines))
    if options.out:
        with open(options.out, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        with open(os.path.splitext(options.out)[0] + ".json", "w", encoding="utf-8") as f:
            json.dump({"reps": options.reps, "load": os.getloadavg(), "table": table}, f, indent=1)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
