"""A training that a page begins: the job that carries it out, and the same as Python."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from daskdl.estimators.request import TrainRequest
from daskdl.parameters import declarations, plain
from daskdl.shell.shell import Shell
from daskdl.training.compile_ahead import heard as compiling
from daskdl.training.train import train
from daskdl.web.jobs import Job
from daskdl.web.script import Key, Piece, Step, call
from daskdl.web.site import Site, link
from frames.cluster import registry

COMPILING = "Compiling kernels, once per machine."
STOPPED = "Training was stopped from daskdl Flow."
FRAMES = ("training_frame", "validation_frame")
MODELS = ("checkpoint", "pretrained_autoencoder")
FRAME_LISTS = ("initial_weights", "initial_biases")
OF_TRAIN = (*FRAMES, "response_column", "ignored_columns")


def new_name(what: str = "model") -> str:
    """Return a name for a model or grid that was given none."""
    return f"DeepLearning_{what}_flow_{time.time_ns() // 10**6}"


def carry_out(site: Site, job: Job, request: TrainRequest, values: Mapping[str, Any], key: str) -> str:
    """Train, keep the model under its name, and return the address of its page."""

    def started(shell: Shell) -> None:
        job.stop = lambda: shell.stop(STOPPED)

    def compile_told(busy: bool) -> None:
        if busy or job.note == COMPILING:
            job.note = COMPILING if busy else ""

    with compiling(compile_told):
        model = train(
            request.parameters,
            request.frame,
            request.x,
            request.y,
            validation_frame=request.validation,
            model_id=key,
            progress=job.report,
            started=started,
        )
    registry.register(model.key, model)
    job.told += model.warnings
    site.history.add(training_step(values, key))
    return link("/model", key=key)


def training_step(values: Mapping[str, Any], key: str) -> Step:
    """Return the statements that train this model: an estimator with what differs from the defaults, and train()."""
    model = Key(key, "model")
    estimator, given, needs = constructor(values)
    roles, more = train_arguments(values)
    pieces = (model, " = ", *call(estimator, **given, model_id=key), "\n", model, *call(".train", **roles))
    return Step(pieces, makes=(model,), needs=(*needs, *more), imports=(f"from daskdl.estimators import {estimator}",))


def constructor(values: Mapping[str, Any]) -> tuple[str, dict[str, Any], tuple[Key, ...]]:
    """Return the estimator's class, its arguments for the script, and the models and frames among them."""
    needs: list[Key] = []
    given: dict[str, Any] = {}
    for name, value in values.items():
        if name in (*OF_TRAIN, "model_id", "autoencoder") or plain(value) == plain(declarations()[name].default):
            continue
        if name in MODELS:
            value = Key(str(value), "model")
            needs.append(value)
        elif name in FRAME_LISTS:
            value = [None if one is None else Key(str(one)) for one in value]
            needs += [one for one in value if one is not None]
        given[name] = value
    return "H2OAutoEncoderEstimator" if values.get("autoencoder") else "H2ODeepLearningEstimator", given, tuple(needs)


def train_arguments(values: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Key, ...]]:
    """Return the arguments of train() for the script, and the frames among them."""
    arguments: dict[str, Any] = {}
    if values.get("response_column") is not None:
        arguments["y"] = values["response_column"]
    if values.get("ignored_columns"):
        arguments["ignored_columns"] = list(values["ignored_columns"])
    frames = {name: Key(str(values[name])) for name in FRAMES if values.get(name) is not None}
    return arguments | frames, tuple(frames.values())


def show_step(key: Key) -> Step:
    """Return the statement that prints a model or grid."""
    pieces: tuple[Piece, ...] = ("print(", key, ")")
    return Step(pieces, needs=(key,))


def grid_step(values: Mapping[str, Any], key: str, hyper: Mapping[str, Any], search: Mapping[str, Any]) -> Step:
    """Return the statements that search a grid: an estimator with what all models share, and train()."""
    grid = Key(key, "grid")
    estimator, given, needs = constructor(values)
    roles, more = train_arguments(values)
    pieces = (
        grid,
        " = H2OGridSearch(",
        *call(estimator, **given),
        ", ",
        *call("", dict(hyper), grid_id=key, **search)[1:],
    )
    imports = (f"from daskdl.estimators import {estimator}", "from daskdl.grid import H2OGridSearch")
    return Step((*pieces, "\n", grid, *call(".train", **roles)), makes=(grid,), needs=(*needs, *more), imports=imports)
