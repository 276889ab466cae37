"""Train a model on the cluster that is there, with checkpoints: what the job pod of a DaskJob runs.

    python job.py job.json --checkpoints /checkpoints --workers 2

The file says what to learn from what (`Task`). Training goes in stretches of `epochs_per_checkpoint` epochs; after each
one the model replaces the older one in the folder of checkpoints, in one step. Started again, the job goes on with the
model that it finds there; where training had come to its end it only says so. SIGTERM ends training after the round
that is under way, saves that model, and the process ends with 143, so that nobody takes the job for done.
"""

import contextlib
import json
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import click
import distributed

import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator

MODEL = "model"  # folder of the model inside the folder of checkpoints
FINISHED = "finished.json"  # why training is over, beside it
FAILED = 1
REFUSED = 2
TERMINATED = 128 + signal.SIGTERM

# What stretches of training exclude, and what to do instead.
EXCLUDED = {
    "checkpoint": "the job finds its checkpoint in --checkpoints",
    "export_checkpoints_dir": "the job saves in --checkpoints",
    "max_runtime_secs": "it would count for each stretch; limit the pod with activeDeadlineSeconds",
    "nfolds": "cross-validation has no checkpoints; run it without this job",
    "fold_column": "cross-validation has no checkpoints; run it without this job",
}


@dataclass(frozen=True)
class Task:
    """What to learn from what, as the job's file says it.

    Files are paths or addresses that the job pod and every worker can read; `response_type` is "enum" for classes,
    "numeric" for numbers, None for the column as it was read. `parameters` are those of H2ODeepLearningEstimator.
    """

    training_frame: str
    response: str
    validation_frame: str | None = None
    response_type: str | None = None
    predictors: list[str] | None = None
    epochs_per_checkpoint: float = 1.0
    parameters: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(path: str | Path) -> "Task":
        """Read the job's file. Raises ValueError for what it must not hold, before any work."""
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
        except json.JSONDecodeError as cause:
            raise ValueError(f"{path} must be JSON: {cause}.") from cause
        allowed = {one.name for one in fields(Task)}
        if (
            not isinstance(content, dict)
            or set(content) - allowed
            or not {"training_frame", "response"} <= set(content)
        ):
            got = sorted(content) if isinstance(content, dict) else type(content).__name__
            raise ValueError(
                f"{path} must hold training_frame and response, and may hold {sorted(allowed)}; got {got}."
            )
        task = Task(**content)
        for name, what in (("training_frame", "a path or an address"), ("response", "the name of a column")):
            if not isinstance(content[name], str) or not content[name]:
                raise ValueError(f"{name} must be {what}; got {content[name]!r} in {path}.")
        if task.response_type not in (None, "enum", "numeric"):
            raise ValueError(f'response_type must be "enum", "numeric" or null; got {task.response_type!r} in {path}.')
        for name, number in (
            ("epochs_per_checkpoint", task.epochs_per_checkpoint),
            ("epochs", task.parameters.get("epochs", 10)),
        ):
            if not isinstance(number, int | float) or not number > 0:
                raise ValueError(f"{name} must be a positive number; got {number!r} in {path}.")
        for name in set(task.parameters) & set(EXCLUDED):
            raise ValueError(f"parameters must not hold {name}: {EXCLUDED[name]}. It is in {path}.")
        return task

    @property
    def epochs(self) -> float:
        """How many epochs training has in all."""
        return float(self.parameters.get("epochs", 10))

    def stretches(self, done: float) -> Iterator[float]:
        """Yield the epochs at which checkpoints follow, from `done` to the end."""
        count = 1
        while count * self.epochs_per_checkpoint <= done:
            count += 1
        while done < self.epochs:
            done = min(count * self.epochs_per_checkpoint, self.epochs)
            count += 1
            yield done


class Terminated:
    """Whether SIGTERM came; training meets it as Ctrl-C, which daskdl answers with the model so far."""

    def __init__(self) -> None:
        self.asked = False
        self._held = False
        signal.signal(signal.SIGTERM, self._told)

    def _told(self, *_: Any) -> None:
        self.asked = True
        if not self._held:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let what is inside a with statement finish, such as a model that is being saved."""
        self._held = True
        try:
            yield
        finally:
            self._held = False


def learn(task: Task, checkpoints: Path, terminated: Terminated) -> int:
    """Train to the end, or until SIGTERM; return the exit code."""
    saved, marker = checkpoints / MODEL, checkpoints / FINISHED
    if marker.exists():
        say(f"Nothing to do, the model is in {saved}: {json.loads(marker.read_text())['ended']}")
        return 0
    train = _table(task, task.training_frame)
    valid = None if task.validation_frame is None else _table(task, task.validation_frame)
    model = h2o.load_model(str(saved)) if saved.exists() else None
    done = 0.0 if model is None else model.model.epochs
    say(f"{train.nrow} rows; " + ("a new model." if model is None else f"going on after {done:g} epochs."))
    for target in task.stretches(done):
        # One name for all: a stretch takes the place of the one before it, in memory, too.
        chosen = {"model_id": MODEL, **task.parameters, "epochs": target, "checkpoint": model}
        model = H2ODeepLearningEstimator(**chosen)
        model.train(x=task.predictors, y=task.response, training_frame=train, validation_frame=valid)
        if model.model.trouble:
            say(f"Training failed, the checkpoint is what it was: {model.model.trouble}")
            return FAILED
        with terminated.held():
            h2o.save_model(model, str(checkpoints), force=True, filename=MODEL)
        say(f"{model.model.epochs:g} of {task.epochs:g} epochs; saved in {saved}.")
        if terminated.asked:
            say("SIGTERM: started again, the job goes on from here.")
            return TERMINATED
        if model.model.epochs < target:
            break  # a stopping rule
    ended = "Training was complete." if model is None else model.model.notes["ended"]
    marker.write_text(json.dumps({"ended": ended}))
    say(f"{ended}\n{model.model_performance(valid=valid is not None, train=valid is None)}")
    return 0


def _table(task: Task, path: str) -> Any:
    table = h2o.import_file(path)
    if task.response_type is not None and task.response in table.names:
        answer = table[task.response]
        table[task.response] = answer.asfactor() if task.response_type == "enum" else answer.asnumeric()
    return table


def say(sentence: str) -> None:
    """Print at once: the log of a pod that is killed must not end in a buffer."""
    print(sentence, flush=True)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--checkpoints", required=True, type=click.Path(file_okay=False), help="Folder that outlives the pod.")
@click.option("--address", envvar="DASK_SCHEDULER_ADDRESS", required=True, help="The scheduler.", show_envvar=True)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Workers to wait for.")
@click.option("--patience", type=float, default=600.0, show_default=True, help="Seconds to wait for them.")
def main(file: str, checkpoints: str, address: str, workers: int, patience: float) -> None:
    """Train what FILE describes, from the newest checkpoint on."""
    terminated = Terminated()
    try:
        task = Task.of(file)
        Path(checkpoints).mkdir(parents=True, exist_ok=True)
        with distributed.Client(address, timeout=patience) as client:
            client.wait_for_workers(workers, timeout=patience)
            h2o.init(client=client, verbose=False)
            h2o.no_progress()
            sys.exit(learn(task, Path(checkpoints), terminated))
    except KeyboardInterrupt:
        say("Stopped before a round was done; the checkpoint is what it was.")
        sys.exit(TERMINATED if terminated.asked else 128 + signal.SIGINT)
    except (OSError, TypeError, ValueError) as error:
        if os.environ.get("DASKDL_TRACEBACK"):
            raise
        print(f"Error: {error}", file=sys.stderr, flush=True)
        sys.exit(REFUSED)


if __name__ == "__main__":
    warnings.simplefilter("always", RuntimeWarning)
    main()
