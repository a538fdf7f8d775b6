"""Has every library score task folders, at its recommended settings and at a grid of its main setting.

    python score.py TUNING_FOLDER
    cargo run -p openledger-laboratory --example judge -- TUNING_FOLDER json=judged.json
    python score.py --best-of judged.json TASK_FOLDER...

The first line tries the whole grid. The last one runs each method at its recommended settings and at those that were
best on the tuning folder, whose data, subsets and seed no reported folder shares. Scores go to a folder's `scores/`,
what the libraries print to its `logs/`. What the same drivers have scored before is left out. A library that fails is
named and left out."""

import argparse
import hashlib
import importlib
import json
import multiprocessing
import os
import runpy
import sys
import tempfile
import time
from pathlib import Path

import common

HERE = Path(__file__).resolve().parent

# Method: driver, options of all its lines, and the options of each line. The first are the library's own defaults or
# what its documentation recommends. Dampings are shares of the mean eigenvalue where it says nothing else.
GRID = {
    "bergson index": ("bergson_index", {}, [{}, {"projection": 0}]),
    "bergson trackstar": ("bergson_trackstar", {}, [{}, {"mix": 0}, {"mix": 0, "damping": 0.01}, {"damping": 1.0}]),
    "bergson ekfac": ("bergson_ekfac", {}, [{}, {"damping": 0.01}, {"damping": 0.03}, {"damping": 0.3}, {"damping": 1.0}]),
    "bergson shampoo": ("bergson_ekfac", {"factors": "shampoo"}, [{}, {"damping": 0.01}, {"damping": 1.0}]),
    "bergson source": ("bergson_source", {}, [{}, {"damping": 0.01}, {"damping": 1.0}, {"segments": 6}, {"segments": 2}]),
    # By conjugate gradients: its own momentum SGD takes minutes a query, and with few steps it is not itself. A product
    # with all examples takes three quarters of a minute on one core, so each is of a part of them.
    "bergson astra-cg": ("bergson_astra", {"solver": "cg", "batch": 128}, [{}, {"damping": 1.0}]),
    # Absolute, but for the first: 0.1 of the mean eigenvalue.
    "kronfluence ekfac": ("kronfluence_ekfac", {}, [{}, {"damping": 1e-8}, {"damping": 1e-5}, {"damping": 1e-3}]),
    # Absolute. 0 leaves the choice to dattri.
    "dattri logra": (
        "dattri_logra",
        {"checkpoints": 1},
        [{"damping": 0.0}, {"damping": 0.01}, {"damping": 0.1}, {}, {"damping": 1.0, "projection": 32}],
    ),
    "dattri datainf": (
        "dattri_datainf",
        {"checkpoints": 1},
        [{}, {"regularization": 0.01}, {"regularization": 1.0}, {"regularization": 10.0}],
    ),
    "dattri trak": (
        "dattri_trak",
        {"checkpoints": 1},
        [{}, {"regularization": 1.0}, {"regularization": 100.0}, {"regularization": 1.0, "projection": 2048}],
    ),
    "torch projected": ("torch_projected", {}, [{}]),
}


def lines(method):
    """The method's lines: name and options. Only what differs from the first line is in a name."""
    _, common, variants = GRID[method]
    for i, variant in enumerate(variants):
        suffix = "".join(f" {key}={value}" for key, value in variant.items()) if i else ""
        yield method + suffix, common | variant


def chosen(judged, method):
    """The first line, and the one that was best on the judged folder."""
    mean = {row["name"]: sum(v["mean"] for v in row["lds"].values()) for row in judged}
    every = list(lines(method))
    best = max(every, key=lambda line: mean.get(line[0], float("-inf")))
    return every[:1] + [best] * (best[0] != every[0][0])


def origin(driver, options):
    """A key for everything but the folder that a line's scores depend on."""
    key = hashlib.sha256(json.dumps(options, sort_keys=True).encode())
    shared = [p for p in HERE.iterdir() if p.name.endswith("common.py") or p.suffix == ".txt"]
    for path in sorted([HERE / f"{driver}.py", *shared]):
        key.update(path.read_bytes())
    return key.hexdigest()


def drive(command, log):
    """Runs a driver in this process, which is a fork; what it prints goes to `log`."""
    with open(log, "w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = command
    runpy.run_path(command[0], run_name="__main__")


def score(folder, driver, name, options, threads, limit):
    slug = "".join(c if c.isalnum() or c in ".-=" else "-" for c in name)
    stamp, wanted = folder / "logs" / f"{slug}.complete", origin(driver, options)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    for part in ("scores", "logs"):
        (folder / part).mkdir(exist_ok=True)
    log, begin = folder / "logs" / f"{slug}.log", time.monotonic()
    command = [HERE / f"{driver}.py", folder, folder / "scores" / f"{slug}.json", "--threads", threads, "--name", name]
    command += [part for key, value in options.items() for part in (f"--{key}", value)]
    # A fork has the libraries loaded already, which takes longer than most lines.
    process = multiprocessing.get_context("fork").Process(target=drive, args=([str(c) for c in command], log))
    process.start()
    process.join(limit)
    status = process.exitcode
    if status is None:
        process.kill()
        process.join()
        status = f"{limit:.0f} s were not enough"
    if status == 0:
        stamp.write_text(wanted)
        print(f"{name}, {folder.name}: {time.monotonic() - begin:.0f} s", flush=True)
    else:
        last = (log.read_text().strip().splitlines() or [""])[-1]
        print(f"{name}, {folder.name}: left out ({status}): {last}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", metavar="TASK_FOLDER", type=Path, nargs="+", help="written by `lds folder=DIR`")
    parser.add_argument("--best-of", metavar="JUDGED.json", type=Path, help="what `judge` wrote of the tuning folder")
    parser.add_argument("--only", default="", help="methods whose names contain one of these, separated by commas")
    parser.add_argument("--magic", action="store_true", help="bergson's MAGIC too, on the first folder; takes long")
    parser.add_argument("--threads", type=int, default=1, help="threads of every library (default 1)")
    parser.add_argument("--limit", type=float, default=7200, help="most seconds of one line (default 7200)")
    options = parser.parse_args()
    for folder in options.folders:
        if not (folder / "training.json").is_file():
            sys.exit(f"{folder} is not a task folder: it has no training.json")
    judged = json.loads(options.best_of.read_text()) if options.best_of else None
    home = tempfile.TemporaryDirectory(prefix="peers-")
    common.environment(options.threads, Path(home.name))
    # What a driver leaves behind goes with this folder.
    tempfile.tempdir = home.name
    for library in ("torch", "transformers", "peft", "datasets", "scipy.stats", "bergson", "dattri", "kronfluence"):
        importlib.import_module(library)
    wanted = [m for m in GRID if any(part in m for part in options.only.split(","))]
    for folder in (f.resolve() for f in options.folders):
        for method in wanted:
            for name, settings in lines(method) if judged is None else chosen(judged, method):
                score(folder, GRID[method][0], name, settings, options.threads, options.limit)
    if options.magic:
        folder = options.folders[0].resolve()
        score(folder, "bergson_magic", "bergson magic", {}, options.threads, options.limit)


if __name__ == "__main__":
    main()
