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
import time
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
        found["digits"] = digits(h2o, H2ODeepLearningEstimator, epochs)
        with tempfile.TemporaryDirectory() as folder:
            found["tables"] = [cases.measure(h2o, H2ODeepLearningEstimator, case, Path(folder)) for case in cases.CASES]
    finally:
        h2o.cluster().shutdown()
    return found


def digits(h2o, estimator, epochs: float) -> dict[str, object]:
    """The default network on the digits: seconds to import, samples per second, test error."""
    data = mnist.load()
    paths = mnist.as_csv(data)
    started = time.perf_counter()
    train = h2o.import_file(str(paths[0]))
    imported = time.perf_counter() - started
    test = h2o.import_file(str(paths[1]))
    train[mnist.RESPONSE], test[mnist.RESPONSE] = train[mnist.RESPONSE].asfactor(), test[mnist.RESPONSE].asfactor()
    model = estimator(epochs=epochs, seed=1)
    started = time.perf_counter()
    model.train(x=train.names[: mnist.PIXELS], y=mnist.RESPONSE, training_frame=train, validation_frame=test)
    trained = time.perf_counter() - started
    history = model.scoring_history().to_dict("list") if hasattr(model.scoring_history(), "to_dict") else {}
    samples = max(history.get("samples", [epochs * train.nrow]))
    return {
        "real_digits": data.real,
        "rows": train.nrow,
        "epochs": epochs,
        "hidden": [200, 200],
        "import_seconds": round(imported, 2),
        "import_mb_per_second": round(paths[0].stat().st_size / 1e6 / imported, 1),
        "train_seconds_with_scoring": round(trained, 1),
        "samples": samples,
        "samples_per_second_with_scoring": round(samples / trained, 1),
        "training_speed_by_its_own_table": history.get("training_speed", [None])[-1],
        "test_error": 1 - float(model.model_performance(test).hit_ratio_table().cell_values[0][1]),
    }


if __name__ == "__main__":
    main()
