"""A model as one program: what it asks of a raw row, how that becomes the network's input, layers, and the answer.

Pure data, made once from a model, read by every target. Cells are numbers, levels or missing; nothing here knows of
frames or of the cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from daskdl.encoding.encoder import Encoder
from daskdl.export.formula import Formula, Untraceable, trace
from daskdl.kernels.activations import Activation
from daskdl.model.matching import meanings
from daskdl.model.model import Model
from daskdl.scoring.predictor import Predictor


@dataclass(frozen=True)
class Field:
    """One predictor of a raw row: a number (`levels` is None; `time`: milliseconds since 1970 UTC), or a category.

    `texts` and `numbers` say which level (its code) a cell means besides a level's own text: the text True may mean the
    level 1, and the number 1 the level "1.0".
    """

    name: str
    levels: tuple[str, ...] | None
    time: bool = False
    texts: Mapping[str, int] | None = None
    numbers: Mapping[float, int] | None = None


@dataclass(frozen=True)
class LevelUnits:
    """A category as one active unit: `rows` (levels + 1,) are rows of the table, -1 for none, the last for missing."""

    field: int
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Number:
    """One numeric input, in single precision: `(x - sub) * mul`, where `fill` stands for a missing x.

    `values` (levels + 1,) is looked up by code instead (last: missing), and is scaled already.
    """

    field: int
    sub: float = 0.0
    mul: float = 1.0
    fill: float = 0.0
    values: tuple[float, ...] | None = None


@dataclass(frozen=True, eq=False)
class Layer:
    """Units of `pieces` competing sums each: `kept * formula(max over pieces of (weights @ below + bias))`.

    `weights` (pieces * units, below) and `bias` (pieces * units,) float32, all first pieces before all second ones.
    """

    weights: np.ndarray
    bias: np.ndarray
    pieces: int
    formula: Formula
    kept: float = 1.0

    @property
    def units(self) -> int:
        """Number of units."""
        return len(self.bias) // self.pieces


@dataclass(frozen=True, eq=False)
class Program:
    """The way from a raw row to the columns of `predict`.

    name       the model's name
    category   Binomial, Multinomial, Regression or AutoEncoder
    fields     predictors: categories first, then numbers
    offset     a column that is added to the net output, times `offset_scale`; None: there is none
    table      (level units, sums of the first layer) float32: the row of an active level is added to the first sums
    answer     from the last layer's units to class probabilities, the response, or a reconstruction in raw units
    columns    names of the columns of `predict`
    domain     classes; the label of two is the second from `threshold` on, of more the most probable one, and of equal
               ones that which comes first in `order`
    """

    name: str
    category: str
    response: str | None
    fields: tuple[Field, ...]
    offset: str | None
    offset_scale: float
    levels: tuple[LevelUnits, ...]
    numbers: tuple[Number, ...]
    table: np.ndarray
    layers: tuple[Layer, ...]
    answer: Formula
    columns: tuple[str, ...]
    domain: tuple[str, ...] | None = None
    threshold: float = 0.5
    order: tuple[int, ...] = ()

    @property
    def is_autoencoder(self) -> bool:
        """Whether the last layer reconstructs the input."""
        return self.category == "AutoEncoder"

    @cached_property
    def formulas(self) -> tuple[Formula, ...]:
        """All formulas, those of the layers first."""
        return (*(layer.formula for layer in self.layers), self.answer)

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return self.table.size + sum(layer.weights.size + layer.bias.size for layer in self.layers)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but weights and formulas as plain values."""
        return {
            "name": self.name,
            "category": self.category,
            "response": self.response,
            "fields": [_plain_field(one) for one in self.fields],
            "offset": self.offset,
            "offset_scale": self.offset_scale,
            "levels": [[one.field, list(one.rows)] for one in self.levels],
            "numbers": [_plain_number(one) for one in self.numbers],
            "columns": list(self.columns),
            "domain": None if self.domain is None else list(self.domain),
            "threshold": self.threshold,
            "order": list(self.order),
            "level_units": len(self.table),
            "layers": [{"units": one.units, "pieces": one.pieces, "kept": one.kept} for one in self.layers],
        }


def _plain_field(one: Field) -> dict[str, Any]:
    if one.levels is None:
        return {"name": one.name, "time": True} if one.time else {"name": one.name}
    also = {"texts": dict(one.texts or {}), "numbers": list((one.numbers or {}).items())}
    return {"name": one.name, "levels": list(one.levels), **{key: value for key, value in also.items() if value}}


def _plain_number(one: Number) -> dict[str, Any]:
    if one.values is not None:
        return {"field": one.field, "values": list(one.values)}
    return {"field": one.field, "sub": one.sub, "mul": one.mul, "fill": one.fill}


def program_of(model: Model) -> Program:
    """Return the program of a trained model; its threshold is that of this moment.

    Raises H2OJobError where training ended with unstable weights, Untraceable where a formula of its activation or
    distribution cannot be written out.
    """
    scorer = model.scorer()  # refuses unstable weights
    encoder, predictor = model.encoder, model.predictor
    fields = _fields(encoder)
    place = {one.name: position for position, one in enumerate(fields)}
    layout, weights = predictor.layout, np.array(model.state.weights)
    domain = model.domain if model.category in ("Binomial", "Multinomial") else None
    priors = np.zeros(len(domain or ())) if model.priors is None else np.array(model.priors)
    return Program(
        name=model.key,
        category=model.category,
        response=model.response,
        fields=fields,
        offset=encoder.offset,
        offset_scale=encoder.response.mul if encoder.response else 1.0,
        levels=tuple(
            LevelUnits(place[one.column], tuple(unit if unit < 0 else unit + one.start for unit in one.units))
            for one in encoder.levels
        ),
        numbers=tuple(_number(one, place) for one in encoder.numbers),
        table=layout.level_table(weights),
        layers=tuple(_layer(predictor, weights, k) for k in range(1, layout.depth + 1)),
        answer=_answer(predictor, encoder),
        columns=tuple(column.name for column in model.prediction_columns),
        domain=domain,
        threshold=float(scorer.threshold),
        order=tuple(np.argsort(-priors, kind="stable").tolist()),
    )


def _fields(encoder: Encoder) -> tuple[Field, ...]:
    """Return the predictors: categories in the order in which units and looked-up numbers use them, then numbers."""
    columns = {column.name: column for column in encoder.columns}
    used = dict.fromkeys([*(one.column for one in encoder.levels), *(one.column for one in encoder.numbers)])
    found = [columns[name] for name in used]
    made = []
    for column in sorted(found, key=lambda column: column.domain is None):
        if column.domain is None:
            made.append(Field(column.name, None, column.type == "time"))
            continue
        texts, numbers = meanings(column.domain)
        also = {text: code for text, code in texts.items() if text not in column.domain}
        made.append(Field(column.name, column.domain, False, also, {float(n): code for n, code in numbers.items()}))
    return tuple(made)


def _number(one: Any, place: Mapping[str, int]) -> Number:
    if one.values is None:
        return Number(place[one.column], one.sub, one.mul, one.fill)
    values = np.array(one.values)
    scaled = ((np.where(np.isnan(values), one.fill, values) - one.sub) * one.mul).astype(np.float32)
    return Number(place[one.column], values=tuple(scaled.tolist()))


def _layer(predictor: Predictor, weights: np.ndarray, number: int) -> Layer:
    layout = predictor.layout
    last = number == layout.depth
    fires = not last or predictor.category == "AutoEncoder"
    dropped = predictor.hidden_dropout[number - 1] if predictor.hidden_dropout and not last else 0.0
    return Layer(
        layout.dense(weights, number),
        layout.bias(weights, number),
        int(layout.channels[number]),
        _activation(predictor.activation) if fires else trace(lambda z: z),
        float(np.float32(1.0 - dropped)),
    )


def _activation(activation: Activation) -> Formula:
    return _told(f"the activation {activation.name}", activation.activate)


def _answer(predictor: Predictor, encoder: Encoder) -> Formula:
    whose = f"the distribution {predictor.distribution.name}"
    if predictor.category == "AutoEncoder":
        return trace(
            lambda z: (
                z / np.array([1.0] * encoder.level_units + [o.mul for o in encoder.numbers])
                + np.array([0.0] * encoder.level_units + [o.sub for o in encoder.numbers])
            )
        )
    if predictor.category == "Regression":
        return _told(whose, predictor.respond)
    return _told(whose, lambda net: predictor.correct(predictor.distribution.probabilities(net)))


def _told(whose: str, function: Any) -> Formula:
    try:
        return trace(function)
    except Untraceable as cause:
        raise Untraceable(f"The model cannot be exported because of {whose}. {cause}") from cause
