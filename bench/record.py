"""H2O's record network on the digits, trained for as long as you like: the test error over time, resumable.

    DASKDL_DATA=... python bench/record.py FOLDER --minutes 60
    python bench/record.py FOLDER --minutes 600             goes on where it left off, also after a kill
    python bench/record.py OTHER --adam 120 --minutes 60    batches of 128, Adam's rate falling to 0 at epoch 120

1024-1024-2048 rectifiers with dropout, input dropout 0.2, l1 1e-5, max_w2 10, as in H2O's booklet (0.83% after 8,000
epochs on ten machines). Training runs in stretches; each goes on exactly where the one before left off, ends with a
checkpoint in FOLDER and adds a line to FOLDER/error.csv: trained seconds, processor seconds, epochs, test error, test
log loss. Where other work shares the machine, processor seconds say what an idle one would have taken: on two cores an
hour has 7,200 of them.
"""

import argparse
import csv
import json
import shutil
import time
from pathlib import Path
from typing import Any

import machine
import mnist

import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator

NET = {
    "activation": "RectifierWithDropout",
    "hidden": [1024, 1024, 2048],
    "input_dropout_ratio": 0.2,
    "l1": 1e-5,
    "max_w2": 10.0,
    "epochs": 1e6,
    "seed": 1,
    "stopping_rounds": 0,
    "classification_stop": -1,
    "overwrite_with_best_model": False,
    "score_training_samples": 1000,
    "score_duty_cycle": 0,
    "variable_importances": False,
}
# Fixed before the first run; every stretch of a folder must be given the same epochs, for the rate falls with them.
ADAM = {"optimizer": "adam", "adam_rate": 0.001, "rate_schedule": "cosine", "mini_batch_size": 128, "l1": 0.0}
COLUMNS = ("trained_seconds", "processor_seconds", "epochs", "test_error", "test_logloss")


def main() -> None:
    """Train stretch by stretch until the minutes are over; print each line as it is written."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("folder", type=Path, help="of checkpoints and error.csv; taken up again where it exists")
    arguments.add_argument("--minutes", type=float, default=60.0, help="how long to train now (default 60)")
    arguments.add_argument("--stretch", type=float, default=5.0, help="minutes between two checkpoints (default 5)")
    arguments.add_argument("--adam", type=float, metavar="EPOCHS", help="Adam in batches, over so many epochs")
    given = arguments.parse_args()
    if mnist.folder() is None:
        raise SystemExit("DASKDL_DATA must name a folder with mnist/; the record is about the real digits.")
    given.folder.mkdir(parents=True, exist_ok=True)
    h2o.init(verbose=False)
    h2o.no_progress()
    train, test = _frames()
    end = time.monotonic() + 60 * given.minutes
    net = NET if given.adam is None else NET | ADAM | {"epochs": given.adam}
    while (left := end - time.monotonic()) > 0 and not _is_over(given.folder, net):
        print(stretch(given.folder, train, test, min(60 * given.stretch, left), net), flush=True)


def _frames() -> tuple[Any, Any]:
    frames = [h2o.import_file(str(path)) for path in mnist.as_csv(mnist.load())]
    for frame in frames:
        frame[mnist.RESPONSE] = frame[mnist.RESPONSE].asfactor()
    return frames[0], frames[1]


def stretch(folder: Path, train, test, seconds: float, net: dict[str, Any]) -> dict[str, float]:
    """Train for so many seconds from where the folder left off; save the model, then the line. Returns the line."""
    state = _state(folder)
    before = h2o.load_model(str(folder / state["model"])) if state else None
    model = H2ODeepLearningEstimator(**net, max_runtime_secs=seconds, checkpoint=before)
    started, spent = time.monotonic(), time.process_time()
    model.train(x=train.names[: mnist.PIXELS], y=mnist.RESPONSE, training_frame=train)
    trained, processor = time.monotonic() - started, time.process_time() - spent
    if state:
        trained += state["line"]["trained_seconds"]
        processor += state["line"]["processor_seconds"]
    found = model.model_performance(test)
    line = {
        "trained_seconds": round(trained, 1),
        "processor_seconds": round(processor, 1),
        "epochs": round(max(model.scoring_history()["epochs"]), 3),
        "test_error": round(1 - float(found.hit_ratio_table().cell_values[0][1]), 5),
        "test_logloss": round(float(found.logloss()), 5),
    }
    name = f"after-{int(trained)}-seconds"
    h2o.save_model(model, path=str(folder), filename=name, force=True)
    _note(folder, {"model": name, "line": line, "machine": machine.notes("daskdl", "numba")})
    if state and state["model"] != name:
        shutil.rmtree(folder / state["model"])  # 50 MB each, and not needed any more
    return line


def _is_over(folder: Path, net: dict[str, Any]) -> bool:
    state = _state(folder)
    return state is not None and state["line"]["epochs"] >= net["epochs"]


def _state(folder: Path) -> dict[str, Any] | None:
    """Return the last finished stretch; its line and its model belong together, whatever was killed when."""
    path = folder / "state.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _note(folder: Path, state: dict[str, Any]) -> None:
    """Add a line to the table of errors, and make the stretch the last finished one, in this order."""
    table = folder / "error.csv"
    lines = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines())) if table.exists() else []
    last = _state(folder)
    done = last["line"]["trained_seconds"] if last else 0.0
    lines = [one for one in lines if float(one["trained_seconds"]) <= done]  # a line whose stretch was not noted
    unfinished = folder / "error.part"
    with open(unfinished, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*lines, state["line"]])
    unfinished.replace(table)
    part = folder / "state.part"
    part.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
    part.replace(folder / "state.json")


if __name__ == "__main__":
    main()
