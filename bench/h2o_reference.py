"""What real H2O does on this machine: import, samples per second, test error, and metrics on the small tables.

    python bench/h2o_reference.py [--epochs 1] [--result FILE]
    python bench/h2o_reference.py --only california adult      these tables; the rest of the file stays as it is

H2O needs a Java runtime. It is installed into a virtual environment of its own in the cache folder, started on the
loopback address with all cores, and shut down afterwards. The result is a JSON file with notes on the machine.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import cases
import machine
import mnist

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "h2o.json"
PORT = 54397  # one of its own: another H2O of this machine must be neither used nor shut down


def main() -> None:
    """Run this file again inside H2O's own environment, or measure when we are there already."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--epochs", type=float, default=1.0, help="passes over the digits (default 1)")
    arguments.add_argument("--result", type=Path, default=RESULT, help=f"default {RESULT.name} in bench/results")
    arguments.add_argument("--memory", default="4g", help="memory for the Java process (default 4g)")
    arguments.add_argument("--only", nargs="+", choices=[case.name for case in cases.CASES], help="these tables alone")
    arguments.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.inside:
        found = measure(given.epochs, given.memory, given.only)
        if given.only:
            found = merged(json.loads(given.result.read_text(encoding="utf-8")), found)
        given.result.parent.mkdir(exist_ok=True)
        given.result.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        print(json.dumps(found, indent=2))
        return
    subprocess.run([environment(), __file__, "--inside", *sys.argv[1:]], check=True)


def environment() -> Path:
    """The Python of a virtual environment that holds H2O; made on the first call."""
    place = mnist.cache() / "h2o-venv"
    python = place / "bin" / "python"
    if not (place / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "h2o", "numpy", "pandas"], check=True)
        (place / "installed").touch()
    return python


def measure(epochs: float, memory: str, only: list[str] | None) -> dict[str, object]:
    """Start H2O, run everything, or `only` some tables, and shut it down; tables that are not here are named."""
    import h2o
    from h2o.estimators import H2ODeepLearningEstimator

    found: dict[str, object] = {"machine": machine.notes("h2o", "numpy")}
    chosen = [case for case in cases.CASES if not only or case.name in only]
    for case in chosen:
        print(cases.lacking(case) or f"{case.name} will be measured")
    h2o.init(
        nthreads=-1, ip="127.0.0.1", port=PORT, bind_to_localhost=True, max_mem_size=memory, strict_version_check=False
    )
    h2o.no_progress()
    try:
        if not only:
            found["digits"] = cases.measure_digits(h2o, H2ODeepLearningEstimator, epochs)
        with tempfile.TemporaryDirectory() as folder:
            present = [case for case in chosen if cases.lacking(case) is None]
            found["tables"] = [cases.measure(h2o, H2ODeepLearningEstimator, case, Path(folder)) for case in present]
    finally:
        h2o.cluster().shutdown()
    return found


def merged(before: dict, found: dict) -> dict:
    """Put newly measured tables into what was found before, each with the machine and time of its own."""
    fresh = {one["case"]: {**one, "machine": found["machine"]} for one in found["tables"]}
    old = {one["case"]: one for one in before["tables"]}
    tables = {**old, **fresh}
    return {**before, "tables": [tables[case.name] for case in cases.CASES if case.name in tables]}


if __name__ == "__main__":
    main()
