"""Batches that are worth it: Adam with automatic batches beside PyTorch on the processor, on the digits, in one run.

    DASKDL_DATA=... python bench/batches.py [--torch PYTHON] [--target 0.025] [--threads 2] [--batches 64 256]

`--torch` names the interpreter of an environment that has PyTorch. The network is the same (200-200 rectifiers,
softmax of ten), so are the rows (standardised), the optimizer and the schedule. PyTorch has its best of `--batches` and
of one or all threads: each is timed over a part of an epoch, then trained for 2, 3, ... epochs until the test error is
reached. Processor seconds are told beside seconds: on a busy machine only they compare.
"""

import argparse
import json
import subprocess
import time
from pathlib import Path

import machine
import mnist

import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator

PEER = Path(__file__).resolve().parent / "torch_digits.py"
EPOCHS = range(2, 9)
RECIPE = {"optimizer": "adam", "mini_batch_size": "auto"}  # torch_digits.py has the same rate and memories
STILL = {"score_interval": 1e9, "score_duty_cycle": 0, "stopping_rounds": 0, "variable_importances": False}


def main() -> None:
    """Measure both sides, print what each needed and the ratio."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--torch", help="interpreter of an environment with PyTorch")
    arguments.add_argument("--target", type=float, default=0.025, help="test error to reach (default 0.025)")
    arguments.add_argument("--batches", type=int, nargs="+", default=[64, 128, 256], help="batches that PyTorch tries")
    arguments.add_argument("--threads", type=int, default=-1, help="threads of daskdl; all cores where not given")
    given = arguments.parse_args()
    print("machine:", json.dumps(machine.notes("daskdl", "numba")))
    mine = ours(given.target, given.threads)
    print(f"daskdl: {told(mine)}")
    if given.torch is None:
        print("PyTorch was not measured: --torch must name the interpreter of an environment that has it.")
        return
    theirs = peer(given.torch, given.target, given.batches)
    print(f"PyTorch {theirs['version']}: {told(theirs)}")
    for unit in ("seconds", "processor_seconds"):
        print(f"daskdl took {mine[unit] / theirs[unit]:.2f} of PyTorch's {unit.replace('_', ' ')}")


def told(found: dict) -> str:
    """One line about a training that reached the target."""
    return (
        f"test error {100 * found['error']:.2f} % after {found['epochs']} epochs in {found['seconds']:.1f} seconds "
        f"({found['processor_seconds']:.1f} of the processors), batch {found['batch']}, {found['threads']} threads"
    )


def ours(target: float, threads: int) -> dict:
    """Train with Adam and an automatic batch, an epoch more each time, until the test error is reached."""
    h2o.init(nthreads=threads, verbose=False)
    h2o.no_progress()
    train, test = (h2o.import_file(str(path)) for path in mnist.as_csv(mnist.load()))
    for frame in (train, test):
        frame[mnist.RESPONSE] = frame[mnist.RESPONSE].asfactor()
    pixels = train.names[: mnist.PIXELS]
    _fit(pixels, train, epochs=0.05)  # kernels are compiled, partitions decoded
    for epochs in EPOCHS:
        model, seconds, processor = _fit(pixels, train, epochs=epochs)
        error = 1 - float(model.model_performance(test).hit_ratio_table().cell_values[0][1])
        if error <= target:
            return {
                "error": error,
                "epochs": epochs,
                "seconds": seconds,
                "processor_seconds": processor,
                "batch": model.actual_params["mini_batch_size"],
                "threads": model.model.notes["threads"],
            }
    raise SystemExit(f"The test error must fall to {target}; got {error} after {epochs} epochs.")


def _fit(pixels: list[str], train: object, epochs: float) -> tuple[H2ODeepLearningEstimator, float, float]:
    model = H2ODeepLearningEstimator(epochs=epochs, seed=1, **RECIPE, **STILL)
    began, spent = time.perf_counter(), time.process_time()
    model.train(x=pixels, y=mnist.RESPONSE, training_frame=train)
    return model, time.perf_counter() - began, time.process_time() - spent


def peer(interpreter: str, target: float, batches: list[int]) -> dict:
    """Run PyTorch's side in its own environment; its last line is JSON."""
    asked = [interpreter, str(PEER), "--target", str(target), "--batches", *map(str, batches)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    print(done.stdout.rstrip().rpartition("\n")[0])
    if done.returncode:
        raise SystemExit(f"PyTorch's side failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout.rstrip().rpartition("\n")[2])


if __name__ == "__main__":
    main()
