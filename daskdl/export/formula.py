"""A formula as data: NumPy code called with a symbol leaves the list of its steps, which any language can write out.

Activations, distributions and the predictor stay the only places where their mathematics is written. Called with a
`Symbol` in place of an array, their functions of NumPy record what they would compute. What depends on the data in any
other way (a branch, an element picked by its number) cannot be recorded, and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from frames.exceptions import H2OValueError


class Untraceable(H2OValueError):
    """A formula cannot be written out: it does something that is not recorded, or a language has no word for it."""


class Value(NamedTuple):
    """What a step works on: value 0 is the formula's argument, value k the result of step k (counted from 1)."""

    number: int


Operand = Value | float | tuple[float, ...]  # a value, a constant, or a constant for each unit


class Step(NamedTuple):
    """One operation: a NumPy function of numbers by its name, `where`, or `row_max` and `row_sum` over a row's units.

    `wide` results have a number per unit, others one per row.
    """

    operation: str
    operands: tuple[Operand, ...]
    wide: bool


class Formula(NamedTuple):
    """The steps from one row of numbers to another one.

    >>> softplus = trace(lambda z: np.log1p(np.exp(z)))
    >>> [step.operation for step in softplus.steps], softplus.result
    (['exp', 'log1p'], Value(number=2))
    >>> softplus(np.array([[0.0]]))
    array([[0.69314718]])
    """

    steps: tuple[Step, ...]
    result: Value

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """Return the result (rows, units) for an argument (rows, units), by NumPy, step by step."""
        values = [z]

        def of(one: Operand) -> Any:
            return values[one.number] if isinstance(one, Value) else np.asarray(one)

        for step in self.steps:  # each works on values before it
            values.append(_run(step.operation)(*map(of, step.operands)))  # noqa: PERF401
        return values[self.result.number]

    @property
    def operations(self) -> set[str]:
        """Names of all operations."""
        return {step.operation for step in self.steps}

    def last_use(self) -> dict[int, int]:
        """Return for each value the number of the last step that works on it; the result outlives all steps."""
        found = {}
        for number, step in enumerate(self.steps, 1):
            found |= {one.number: number for one in step.operands if isinstance(one, Value)}
        return found | {self.result.number: len(self.steps) + 1}


def trace(function: Callable[[Any], Any]) -> Formula:
    """Return the steps that a function of one array (rows, units) takes.

    Raises Untraceable where the function branches on its argument, or does with it what only arrays can.

    >>> trace(lambda z: np.maximum(z, np.float32(0.5) * z)).steps[0]
    Step(operation='multiply', operands=(0.5, Value(number=0)), wide=True)
    """
    tape = Tape()
    try:
        result = function(Symbol(tape, Value(0), wide=True))
    except (TypeError, AttributeError, IndexError) as cause:
        if isinstance(cause, Untraceable):
            raise
        raise _untraceable(str(cause)) from cause
    if not isinstance(result, Symbol) or not result.wide:
        raise _untraceable("its result is not a number for each unit, made from its argument")
    return Formula(tuple(tape.steps), result.value)


class Tape:
    """The steps so far; the same operation on the same operands is one step."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._known: dict[str, int] = {}

    def record(self, operation: str, inputs: tuple[Any, ...], wide: bool | None = None) -> Symbol:
        """Add a step and return the symbol of its result."""
        if wide is None:
            wide = any(one.wide if isinstance(one, Symbol) else np.size(one) > 1 for one in inputs)
        step = Step(operation, tuple(_operand(one) for one in inputs), wide)
        known = repr(step)  # in which 0.0 is not -0.0
        if known not in self._known:
            self.steps.append(step)
            self._known[known] = len(self.steps)
        return Symbol(self, Value(self._known[known]), wide)


class Symbol(NDArrayOperatorsMixin):
    """Stands for an array (rows, units), or (rows, 1) where not `wide`, and records what is done with it."""

    def __init__(self, tape: Tape, value: Value, wide: bool) -> None:
        self._tape, self.value, self.wide = tape, value, wide

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Symbol:
        if method != "__call__" or options or ufunc.nout != 1:
            raise _untraceable(f"it calls np.{ufunc.__name__}.{method} with {sorted(options)}")
        return self._tape.record(ufunc.__name__, inputs)

    def __array_function__(self, function: Any, types: Any, arguments: tuple, options: dict) -> Symbol:
        if function is np.where and len(arguments) == 3 and not options:
            return self._tape.record("where", arguments)
        if function is np.clip and len(arguments) == 3 and not options:
            return self.clip(*arguments[1:])
        if function in (np.max, np.amax, np.sum):
            return (self.sum if function is np.sum else self.max)(*arguments[1:], **options)
        raise _untraceable(f"it calls np.{function.__name__}")

    def max(self, axis: int | None = None, keepdims: bool = False) -> Symbol:
        """Record the largest number of each row."""
        return self._reduced("row_max", axis, keepdims)

    def sum(self, axis: int | None = None, keepdims: bool = False) -> Symbol:
        """Record the sum of each row."""
        return self._reduced("row_sum", axis, keepdims)

    def clip(self, low: Any, high: Any) -> Symbol:
        """Record the number brought between two others."""
        return self._tape.record("minimum", (self._tape.record("maximum", (self, low)), high))

    def astype(self, *_: Any, **__: Any) -> Symbol:
        """Record nothing: which floats are used is the business of the language."""
        return self

    def _reduced(self, operation: str, axis: int | None, keepdims: bool) -> Symbol:
        if axis not in (1, -1) or not keepdims:
            raise _untraceable(f"it takes the {operation[4:]} along axis {axis}; write axis=1, keepdims=True")
        return self._tape.record(operation, (self,), wide=False)

    def __bool__(self) -> bool:
        raise _untraceable("it branches on its argument; write np.where(condition, one, other)")

    def __float__(self) -> float:
        raise _untraceable("it wants its argument as one number")

    __int__ = __index__ = __iter__ = __len__ = __float__  # type: ignore[assignment]


def _operand(one: Any) -> Operand:
    if isinstance(one, Symbol):
        return one.value
    numbers = np.asarray(one, dtype=np.float64)
    if numbers.size == 1:
        return float(numbers.reshape(()) if numbers.ndim == 0 else numbers.ravel()[0])
    return tuple(numbers.ravel().tolist())


def _run(operation: str) -> Callable[..., Any]:
    if operation == "row_max":
        return lambda values: values.max(axis=1, keepdims=True)
    if operation == "row_sum":
        return lambda values: values.sum(axis=1, keepdims=True)
    return getattr(np, operation)


def _untraceable(reason: str) -> Untraceable:
    return Untraceable(
        "A formula that is exported must be made of NumPy's functions of numbers and of sums and maxima over a row: "
        f"{reason}."
    )
