"""What real H2O does on this machine: import, samples per second, test error, and metrics on the small tables.

    python bench/h2o_reference.py [--epochs 1] [--result FILE]

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


def main() -> None:
    """Run this file again inside H2O's own environment, or measure when we are there already."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--epochs", type=float, default=1.0, help="passes over the digits (default 1)")
    arguments.add_argument("--result", type=Path, default=RESULT, help=f"default {RESULT.name} in bench/results")
    arguments.add_argument("--memory", default="4g", help="memory for the Java process (default 4g)")
    arguments.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.inside:
        found = measure(given.epochs, given.memory)
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


def measure(epochs: float, memory: str) -> dict[str, object]:
    """Start H2O, run everything, shut it down."""
    import h2o
    from h2o.estimators import H2ODeepLearningEstimator

    found: dict[str, object] = {"machine": machine.notes("h2o", "numpy")}
    h2o.init(nthreads=-1, ip="127.0.0.1", bind_to_localhost=True, max_mem_size=memory, strict_version_check=False)
    h2o.no_progress()
    try:
        found["digits"] = cases.measure_digits(h2o, H2ODeepLearningEstimator, epochs)
        with tempfile.TemporaryDirectory() as folder:
            found["tables"] = [cases.measure(h2o, H2ODeepLearningEstimator, case, Path(folder)) for case in cases.CASES]
    finally:
        h2o.cluster().shutdown()
    return found


if __name__ == "__main__":
    main()
