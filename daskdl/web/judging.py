"""A model applied to a frame: predictions, metrics where the response is there, and what is worth a chart."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from daskdl.model import apply
from daskdl.web.charts import MOST_POINTS, histogram, residuals
from daskdl.web.jobs import Job, heard
from daskdl.web.model_views import Drawn, Table, drawings, tables, values_of
from daskdl.web.script import Key, Step, call
from daskdl.web.site import Site, link
from frames.cluster import registry
from frames.frame import H2OFrame

BINS = 40
MOST_SORTED = 2_000_000  # rows whose errors are fetched for that
ODDEST = 20  # rows with the largest reconstruction errors that are listed


@dataclass
class Judged:
    """What was found when a model met a frame."""

    model: str
    frame: str
    facts: list[tuple[str, Any]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    drawings: list[Drawn] = field(default_factory=list)


def predict(site: Site, job: Job, model: Any, frame: H2OFrame) -> str:
    """Predict every row of a frame, judge what can be judged, and return the address of the predictions."""
    source = str(frame.frame_id)
    key = registry.file_key(f"prediction_{model.key}_{source.removesuffix('.hex')}")
    with heard(job):
        found = apply.predict(model, frame)
        errors = apply.anomaly(model, frame) if model.category == "AutoEncoder" else None
        if errors is not None:
            found = found.cbind(errors)
        found.frame_id = key
        found.summaries()  # reading them waits until the predictions are there
        judged = Judged(model.key, source)
        if errors is not None:
            _judge_errors(judged, errors)
        elif model.response in frame.names:
            _judge_metrics(judged, model, frame, found)
    site.judged[key] = judged
    site.history.add(prediction_step(model.key, source, key, errors is not None))
    return link("/frame", key=key)


def prediction_step(model: str, frame: str, key: str, errors: bool) -> Step:
    """Return the statements that predict a frame."""
    estimator, source, made = Key(model, "model"), Key(frame), Key(key)
    pieces = (made, " = ", estimator, *call(".predict", source))
    if errors:
        pieces = (*pieces, ".cbind(", estimator, *call(".anomaly", source), ")")
    return Step((*pieces, "\n", made, f".frame_id = {key!r}"), makes=(made,), needs=(estimator, source))


def _judge_metrics(judged: Judged, model: Any, frame: H2OFrame, predictions: H2OFrame) -> None:
    measured = apply.performance(model, frame)
    judged.facts, judged.tables, judged.drawings = values_of(measured), tables(measured), drawings(measured)
    if model.category == "Regression":
        rows = range(0, frame.nrow, max(1, math.ceil(frame.nrow / MOST_POINTS)))
        pair = predictions[["predict"]].cbind(frame[[model.response]])[list(rows), :]
        both = np.asarray(pair.as_data_frame(), dtype=np.float64)
        item = residuals(both[:, 0].tolist(), both[:, 1].tolist())
        judged.drawings.append(Drawn("Residuals", "Actual minus predicted over predicted values", item))


def _judge_errors(judged: Judged, errors: H2OFrame) -> None:
    summary = errors.summaries()["Reconstruction.MSE"]
    judged.facts = [
        ("rows", summary.rows),
        ("mean reconstruction error", summary.mean),
        ("smallest", summary.minimum),
        ("largest", summary.maximum),
    ]
    bins = errors.hist(BINS, plot=False).as_data_frame()
    item = histogram(bins["breaks"].tolist(), bins["counts"].tolist()[1:], "reconstruction error (MSE)")
    judged.drawings = [Drawn("Reconstruction errors", "Histogram of the reconstruction errors of all rows", item)]
    if summary.rows > MOST_SORTED:
        judged.facts.append(("rows up to which the worst are listed", MOST_SORTED))
        return
    values = np.asarray(errors.as_data_frame(), dtype=np.float64)[:, 0]
    worst = np.argsort(-values, kind="stable")[:ODDEST]
    rows = [[int(at), float(values[at])] for at in worst]
    judged.tables = [Table("Rows that are reconstructed worst", ["row, from 0", "error"], rows, [0, 1])]
