"""The hyper-parameters to try: which combinations there are, in which order they come, and when enough were tried."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from daskdl.declarations.kinds import simplified
from daskdl.metrics.registry import METRICS
from daskdl.parameters import declarations
from frames.exceptions import H2OResponseError, H2OTypeError

NAMES_OF_DATA = ("model_id", "training_frame", "validation_frame")
NOT_SEARCHED = (*NAMES_OF_DATA, "response_column")
STRATEGIES = ("Cartesian", "RandomDiscrete")
LISTED = 1 << 16  # combinations up to which a random order is a shuffled list


@dataclass(frozen=True)
class Space:
    """`values` holds the values of each hyper-parameter, names in alphabetical order."""

    values: dict[str, list[Any]]

    @staticmethod
    def of(hyper_params: Mapping[str, Any]) -> Space:
        """Check what the user gave.

        Raises H2OTypeError where it is no dict of lists, H2OResponseError for unknown names and empty lists.

        Example: ``Space.of({"hidden": [[20], [50, 50]], "l1": [0, 1e-4]}).size == 4``
        """
        if not isinstance(hyper_params, Mapping):
            raise H2OTypeError(
                f"Argument `hyper_params` should be a dict name -> list of values, got {type(hyper_params).__name__}"
            )
        values = {}
        for name in sorted(hyper_params):
            if name not in declarations() or name in NOT_SEARCHED:
                raise H2OResponseError(
                    f"Illegal hyper parameter for grid search! The parameter '{name}' is not gridable. Use names of "
                    "H2ODeepLearningEstimator's parameters, such as hidden, epochs or l1."
                )
            given = hyper_params[name]
            if isinstance(given, (str, bytes, Mapping)) or not hasattr(given, "__iter__"):
                raise H2OTypeError(
                    f"Values of the hyper-parameter `{name}` should be a list, got {type(given).__name__} {given}"
                )
            values[name] = list(given)
            if not values[name]:
                raise H2OResponseError(
                    f"The list of values of the hyper-parameter '{name}' must not be empty. Add values or leave it out."
                )
        return Space(values)

    @property
    def size(self) -> int:
        """Number of combinations, equal ones counted as often as they occur."""
        total = 1
        for values in self.values.values():
            total *= len(values)
        return total

    def at(self, number: int) -> dict[str, Any]:
        """Return combination `number` (from 0) of the Cartesian order: the first name varies fastest."""
        chosen = {}
        for name, values in self.values.items():
            number, place = divmod(number, len(values))
            chosen[name] = values[place]
        return chosen

    def walk(self, criteria: Criteria, seed: int) -> Iterator[dict[str, Any]]:
        """Yield every combination once, in the order of the strategy; `seed` serves a random one without its own."""
        chosen = seed if criteria.seed == -1 else criteria.seed
        order = range(self.size) if criteria.strategy == "Cartesian" else _shuffled(self.size, chosen)
        return (self.at(number) for number in order)


def _shuffled(size: int, seed: int) -> Iterator[int]:
    """Numbers below `size` in random order without repetition; of a huge space no list is made."""
    draw = random.Random(seed)
    if size <= LISTED:
        yield from draw.sample(range(size), size)
        return
    seen: set[int] = set()
    while len(seen) < size:
        number = draw.randrange(size)
        if number not in seen:
            seen.add(number)
            yield number


@dataclass(frozen=True)
class Criteria:
    """How a grid is searched and when it ends: H2O's `search_criteria`; 0 (seed: -1) switches a limit off."""

    strategy: str = "Cartesian"
    max_models: int = 0
    max_runtime_secs: float = 0.0
    seed: int = -1
    stopping_rounds: int = 0
    stopping_metric: str = "AUTO"
    stopping_tolerance: float = 1e-3

    @staticmethod
    def of(given: Mapping[str, Any] | None) -> Criteria:
        """Check what the user gave.

        Raises H2OTypeError for wrong types, H2OResponseError for unknown names and impossible values.

        Example: ``Criteria.of({"strategy": "RandomDiscrete", "max_models": 10, "seed": 1})``
        """
        if given is None:
            return Criteria()
        if not isinstance(given, Mapping):
            raise H2OTypeError(f"Argument `search_criteria` should be a ?dict, got {type(given).__name__} {given}")
        known = {field.name: field.default for field in fields(Criteria)}
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise H2OResponseError(
                f"search_criteria must hold names of {', '.join(known)}; got '{unknown[0]}'. Leave it out."
            )
        values = {name: _typed(name, value, known[name]) for name, value in given.items() if value is not None}
        return Criteria(**values)._checked()

    def _checked(self) -> Criteria:
        for name in ("max_models", "max_runtime_secs", "stopping_rounds", "stopping_tolerance"):
            if getattr(self, name) < 0:
                raise H2OResponseError(f"search_criteria: {name} must be at least 0; got {getattr(self, name):g}.")
        if self.strategy == "Cartesian" and self.seed != -1:
            raise H2OResponseError(
                "search_criteria: a seed belongs to the strategy RandomDiscrete; Cartesian order has no chance in it."
            )
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def _typed(name: str, value: Any, default: Any) -> Any:
    if isinstance(default, str):
        return _strategy(value) if name == "strategy" else _metric(value)
    number = hasattr(value, "__float__") and not isinstance(value, (bool, str))
    if not number or (isinstance(default, int) and float(value) != int(value)):
        word = "integer" if isinstance(default, int) else "number"
        raise H2OTypeError(f"search_criteria: {name} should be a {word}, got {type(value).__name__} {value}")
    return int(value) if isinstance(default, int) else float(value)


def _strategy(value: Any) -> str:
    for name in STRATEGIES:
        if isinstance(value, str) and simplified(value) == simplified(name):
            return name
    raise H2OResponseError(f"search_criteria: strategy must be one of {', '.join(STRATEGIES)}; got {value!r}.")


def _metric(value: Any) -> str:
    stopping = [metric.stopping for metric in METRICS.values() if metric.stopping is not None]
    if isinstance(value, str) and (value.lower() == "auto" or metric_known(value)):
        return value
    raise H2OResponseError(
        f"search_criteria: stopping_metric must be AUTO or one of {', '.join(stopping)}; got {value!r}."
    )


def metric_known(name: str) -> bool:
    """Tell whether early stopping knows a metric of this name."""
    return any(name.lower() in metric.aliases for metric in METRICS.values() if metric.stopping is not None)
