"""What each input contributes to each prediction, as a frame: computed where the rows lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from daskdl.encoding.adaptation import Adaptation
from daskdl.explanation.attribution import (
    BIAS,
    COMPACT,
    FORMATS,
    ORIGINAL,
    OTHER,
    ROW,
    Background,
    Features,
    averaged,
    encoded,
    referenced,
)
from daskdl.explanation.deepshap import Network
from daskdl.model import apply
from daskdl.model.apply import design_of, held, needed_columns, reading
from daskdl.model.model import Model
from daskdl.scoring.partitions import Scorer
from frames.chunks.chunk import Chunk
from frames.chunks.column import Column
from frames.chunks.schema import Schema
from frames.cluster.sending import gather, resident, submit, tasks_named
from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import Group, H2OFrame

PAIRS_AT_ONCE = 1 << 18  # rows of a chunk where every pair of rows is a row
LARGEST_BACKGROUND = 1 << 28  # bytes; every worker holds it


class Ranking(NamedTuple):
    """How many of the largest and of the smallest contributions of each row are shown, in their order."""

    top: int
    bottom: int
    absolute: bool

    @staticmethod
    def of(top: int | None, bottom: int | None, absolute: bool, count: int) -> Ranking | None:
        """Return the ranking of `count` features that was asked for; a negative number means all, None none."""
        top, bottom = top or 0, bottom or 0
        if not top and not bottom:
            return None
        if top < 0:
            return Ranking(count, 0, absolute)
        if bottom < 0:
            return Ranking(0, count, absolute)
        top = min(top, count)
        return Ranking(top, min(bottom, count - top), absolute)

    def columns(self, names: Sequence[str]) -> list[Column]:
        """Return the columns that show it."""
        ends = [("top", self.top), ("bottom", self.bottom)]
        return [
            column
            for end, count in ends
            for k in range(1, count + 1)
            for column in (Column(f"{end}_feature_{k}", "enum", tuple(names)), Column(f"{end}_value_{k}", "real"))
        ]

    def apply(self, found: np.ndarray) -> list[np.ndarray]:
        """Return the values of those columns for contributions (rows, features)."""
        size = np.abs(found) if self.absolute else found
        falling, rising = np.argsort(-size, axis=1, kind="stable"), np.argsort(size, axis=1, kind="stable")
        chosen = [*falling[:, : self.top].T, *rising[:, : self.bottom].T]
        every = np.arange(len(found))
        return [values for at in chosen for values in (at.astype(np.int32), found[every, at])]


@dataclass(frozen=True)
class Question:
    """What is asked of a model's rows; the model itself travels beside it."""

    target: int
    in_response: bool
    output_format: str
    ranking: Ranking | None
    per_reference: bool

    def network(self, scorer: Scorer) -> Network:
        """Return the network that the contributions are of."""
        return Network(scorer.predictor, scorer.weights, self.target, self.in_response)

    def columns(self, features: Features) -> list[Column]:
        """Return names and types of the columns of the answer."""
        plain = [Column(name, "real") for name in features.names]
        shown = plain if self.ranking is None else self.ranking.columns(features.names)
        pair = [Column(ROW, "int"), Column(OTHER, "int")] if self.per_reference else []
        return [*shown, Column(BIAS, "real"), *pair]


@tasks_named("daskdl-contributions")
def contributions(
    model: Model,
    frame: H2OFrame,
    background: H2OFrame,
    *,
    output_format: str = ORIGINAL,
    ranking: tuple[int | None, int | None, bool] = (None, None, False),
    in_response: bool = False,
    per_reference: bool = False,
    target: str | None = None,
) -> H2OFrame:
    """Return the contributions of the inputs to the predictions of a frame, against the rows of another.

    Every row has a number per feature and a `BiasTerm`, which add up to its prediction: the probability of `target`
    (default: the second of two classes), or the response; where it has a link, the link of it unless `in_response`.
    Rows are those of `frame`; with `per_reference` all pairs with a background row. Returns at once.

    Raises H2OValueError for autoencoders, for a background that is empty or too large, for a target that is no class.
    """
    number = target_class(model, target)
    form = _format(output_format)
    features = Features.of(model.encoder, form)
    question = Question(
        target=number,
        in_response=in_response,
        output_format=form,
        ranking=Ranking.of(*ranking, len(features.names)),
        per_reference=per_reference,
    )
    scorer = model.scorer()
    other = _gathered(model, scorer, background)
    frame, plan = reading(model, frame)
    rows, chunks = _sent(model, scorer, question, frame, plan=plan, background=other)
    columns = question.columns(features)
    names = tuple(column.name for column in columns)
    return H2OFrame._from_groups(Schema(tuple(columns)), rows, [Group(tuple(chunks), names)])


def target_class(model: Model, target: str | None) -> int:
    """Return the number of the class that is explained; 0 for a numeric response.

    Raises H2OValueError for an autoencoder, for a name that is no class, and where one of more than two must be named.
    """
    if model.category == "AutoEncoder":
        raise H2OValueError(
            f"Contributions need a model with a response; {model.key} is an autoencoder. "
            "anomaly(frame, per_feature=True) says what is odd in a row."
        )
    if model.category == "Regression":
        if target is not None:
            raise H2OValueError(f"target names a class; {model.key} predicts a number. Leave it out.")
        return 0
    if model.resolved.distribution.output != "Softmax":
        raise H2OValueError(f"Contributions need classes with a softmax; got {model.resolved.distribution.name}.")
    levels = list(model.domain or ())
    if target is None and len(levels) == 2:
        return 1
    if target not in levels:
        raise H2OValueError(
            f"target must be a class of '{model.response}' ({', '.join(levels[:20])}); got {target}. "
            "Name the class whose probability is to be explained."
        )
    return levels.index(target)


def _format(name: str) -> str:
    found = next((one for one in FORMATS if one.lower() == str(name).lower()), None)
    if found is None:
        raise H2OValueError(f'output_format must be "{ORIGINAL}" or "{COMPACT}"; got {name!r}.')
    return found


def _gathered(model: Model, scorer: Scorer, background: Any) -> Background:
    """Return the encoded rows of the background frame, brought here."""
    if not isinstance(background, H2OFrame):
        raise H2OTypeError(f"Argument `background_frame` should be an H2OFrame, got {type(background).__name__}")
    if not background.nrow:
        raise H2OValueError("background_frame must have a row; it has none.")
    size = background.nrow * 4 * (len(model.encoder.numbers) + len(model.encoder.levels))
    if size > LARGEST_BACKGROUND:
        raise H2OValueError(
            f"background_frame must be small, as every row is compared with each of its rows; got {background.nrow} "
            f"rows, {size >> 20} MB encoded of at most {LARGEST_BACKGROUND >> 20}. Give a sample of it."
        )
    frame, plan = reading(model, background)
    parts = gather(apply.tasks(model, frame, plan, scorer, _encoded), f"Reading the background of {model.key}")
    return Background.joined(parts)


def _sent(
    model: Model, scorer: Scorer, question: Question, frame: H2OFrame, plan: Adaptation, background: Background
) -> tuple[list[int], list[Any]]:
    """Send the tasks; return the rows of each partition of the answer, and the futures of its chunks."""
    placed = frame.placement(needed_columns(model.encoder, plan, frame.names) or frame.names[:1])
    shared, other = held(scorer, placed.client), resident(background, placed.client)
    how, where = resident(plan, placed.client), resident(placed.where, placed.client)
    count = len(background.numbers)
    sizes, futures, first = [], [], 0
    for rows, parts in zip(placed.rows, placed.parts, strict=True):
        for low, high in _slices(rows, count if question.per_reference else 0):
            cut = (first, low, high)
            futures.append(submit(_contribute, shared, how, list(parts), where, question, other, cut))
            sizes.append((high - low) * count if question.per_reference else rows)
        first += rows
    return sizes, futures


def _slices(rows: int, background: int) -> Iterator[tuple[int, int]]:
    """Yield the rows of a partition that are answered together: all, or few enough where all pairs are rows."""
    step = max(1, PAIRS_AT_ONCE // background) if background else max(rows, 1)
    yield from ((low, min(low + step, rows)) for low in range(0, max(rows, 1), step))


def _encoded(scorer: Scorer, plan: Adaptation, chunks: list, where: dict) -> Background:
    return encoded(design_of(scorer, plan, chunks, where))


def _contribute(
    scorer: Scorer,
    plan: Adaptation,
    chunks: list,
    where: dict,
    question: Question,
    background: Background,
    cut: tuple[int, int, int],
) -> Chunk:
    design = design_of(scorer, plan, chunks, where)
    network = question.network(scorer)
    features = Features.of(scorer.encoder, question.output_format)
    pair: list[np.ndarray] = []
    if question.per_reference:
        first, low, high = cut
        index, others = np.arange(low, high), np.arange(len(background.numbers))
        found = referenced(network, features, design, background, index)
        pair = [np.repeat(first + index, len(others)), np.tile(others, len(index))]
    else:
        found = averaged(network, features, design, background)
    plain = list(found[:, :-1].T)
    shown = plain if question.ranking is None else question.ranking.apply(found[:, :-1])
    columns = question.columns(features)
    levels = [None if column.domain is None else len(column.domain) for column in columns]
    return Chunk.pack([*shown, found[:, -1], *pair], [column.type for column in columns], levels)
