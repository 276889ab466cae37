"""An ONNX graph of standard operators: raw columns in, predictions out, for any runtime and language.

Each predictor is an input (rows, 1) under its column's name: text for a category (missing: an empty text), float for a
number (missing: NaN), double for a time (milliseconds since 1970). Numbers are scaled in double precision, layers are
float, the answer is made in double precision as the predictor does it.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from importlib import metadata
from typing import Any

import numpy as np

from daskdl.export.formula import Formula, Operand, Value
from daskdl.export.program import Number, Program
from daskdl.export.targets.base import Target
from frames.exceptions import H2OResponseError, H2OValueError

OPSET, ML_OPSET, IR = 15, 2, 8  # old enough for runtimes of 2022
DOUBLE, FLOAT = np.float64, np.float32

# An operation is a node type, or the node types that make it, from the operands' names.
NODES = {
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "negative": "Neg", "positive": "Identity",
    "power": "Pow", "absolute": "Abs", "fabs": "Abs", "sign": "Sign", "maximum": "Max", "minimum": "Min",
    "sqrt": "Sqrt", "exp": "Exp", "log": "Log", "tanh": "Tanh", "sinh": "Sinh", "cosh": "Cosh", "sin": "Sin",
    "cos": "Cos", "tan": "Tan", "arctan": "Atan", "arcsin": "Asin", "arccos": "Acos", "arcsinh": "Asinh",
    "floor": "Floor", "ceil": "Ceil", "rint": "Round", "reciprocal": "Reciprocal",
}  # fmt: skip
COMPARISONS = {
    "greater": "Greater", "greater_equal": "GreaterOrEqual", "less": "Less", "less_equal": "LessOrEqual",
    "equal": "Equal", "isnan": "IsNaN",
}  # fmt: skip
LOGICAL = {"logical_not": "Not", "logical_and": "And", "logical_or": "Or"}


class Onnx(Target):
    """A graph that onnxruntime and others run."""

    name = "onnx"
    sentence = "a graph of standard operators with the preprocessing inside, for any ONNX runtime"
    ending = ".onnx"

    @property
    def operations(self) -> dict[str, Callable[..., str]]:  # type: ignore[override]
        """How each operation is added to a graph."""
        plain = {name: _plain(node) for name, node in NODES.items()}
        plain |= {name: _truth(node, of_truths=False) for name, node in COMPARISONS.items()}
        plain |= {name: _truth(node, of_truths=True) for name, node in LOGICAL.items()}
        return plain | {
            "where": lambda graph, a, b, c: graph.add("Where", graph.cast(a, np.bool_), b, c),
            "not_equal": lambda graph, a, b: graph.cast(graph.add("Not", graph.add("Equal", a, b)), graph.kind),
            "square": lambda graph, a: graph.add("Mul", a, a),
            "log1p": lambda graph, a: graph.add("Log", graph.add("Add", a, graph.constant(1.0))),
            "expm1": lambda graph, a: graph.add("Sub", graph.add("Exp", a), graph.constant(1.0)),
            "logaddexp": _logaddexp,
            "row_max": lambda graph, a: graph.add("ReduceMax", a, axes=[1], keepdims=1),
            "row_sum": lambda graph, a: graph.add("ReduceSum", a, graph.integers([1]), keepdims=1),
        }

    def files(self, program: Program, path: str, **_: Any) -> dict[str, bytes]:
        """Return the graph; H2OResponseError where the package onnx is missing, H2OValueError for names it refuses."""
        self.check(program)
        return {self.place(program.name, path): graph_of(program, self.operations).SerializeToString()}


def graph_of(program: Program, operations: dict[str, Any]) -> Any:
    """Return the checked model (an onnx.ModelProto) of a program."""
    onnx = _onnx()
    graph = _Graph(onnx, _input_names(program))
    outputs = _Outputs(program, graph, operations).made()
    proto = onnx.helper.make_graph(graph.nodes, "daskdl", _inputs(onnx, program), outputs, graph.constants)
    versions = [onnx.helper.make_opsetid("", OPSET), onnx.helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    version = metadata.version("daskdl")
    model = onnx.helper.make_model(
        proto, opset_imports=versions, ir_version=IR, producer_name="daskdl", producer_version=version
    )
    told = {"daskdl": version, "category": program.category, "columns": json.dumps(program.columns)}
    onnx.helper.set_model_props(model, told | {"program": json.dumps(program.to_dict())})
    onnx.checker.check_model(model, full_check=True)
    return model


def _onnx() -> Any:
    try:
        import onnx
        import onnx.checker
        import onnx.helper
    except ImportError as cause:
        raise H2OResponseError(
            "Export to ONNX needs the package onnx, which is not installed. Install it: pip install 'daskdl[onnx]'."
        ) from cause
    return onnx


def _input_names(program: Program) -> list[str]:
    names = [one.name for one in program.fields] + ([] if program.offset is None else [program.offset])
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise H2OValueError(
                f"Names of columns must be valid Unicode to be inputs of an ONNX graph; got {name!a}. Rename it and "
                "train again."
            ) from None
        if not name:
            raise H2OValueError("Names of columns must not be empty to be inputs of an ONNX graph. Rename the column.")
    return names


def _inputs(onnx: Any, program: Program) -> list[Any]:
    types = onnx.TensorProto
    kinds = {
        one.name: types.STRING if one.levels else types.DOUBLE if one.time else types.FLOAT for one in program.fields
    }
    kinds |= {} if program.offset is None else {program.offset: types.FLOAT}
    return [onnx.helper.make_tensor_value_info(name, kind, ["rows", 1]) for name, kind in kinds.items()]


class _Graph:
    """Nodes and constants; every result has a name of its own, which no input has."""

    def __init__(self, onnx: Any, taken: Iterable[str]) -> None:
        self.onnx, self.nodes, self.constants = onnx, [], []
        self.taken = set(taken)
        self._numbers = itertools.count()
        self._known: dict[tuple, str] = {}
        self.kind: Any = FLOAT  # of the numbers that formulas name

    def name(self, wish: str | None = None) -> str:
        """Return a name that is free, the wished one if it is, and take it."""
        wishes = itertools.chain([wish] if wish else [], (f"{wish or 'v'}.{k}" for k in self._numbers))
        name = next(one for one in wishes if one not in self.taken)
        self.taken.add(name)
        return name

    def add(self, node: str, *inputs: str, domain: str = "", wish: str | None = None, **attributes: Any) -> str:
        """Add a node and return the name of its result."""
        result = self.name(wish)
        self.nodes.append(self.onnx.helper.make_node(node, list(inputs), [result], domain=domain, **attributes))
        return result

    def array(self, values: Any, kind: Any) -> str:
        """Return the name of a constant array."""
        array = np.asarray(values, dtype=kind, order="C")
        key = (array.shape, array.dtype.str, array.tobytes())
        if key not in self._known:
            self._known[key] = self.name()
            self.constants.append(self.onnx.numpy_helper.from_array(array, self._known[key]))
        return self._known[key]

    def constant(self, value: float | tuple[float, ...]) -> str:
        """Return the name of a number, or of a row (1, units), of the kind that formulas work in."""
        return self.array(np.reshape(value, (1, -1)) if isinstance(value, tuple) else value, self.kind)

    def integers(self, values: Any) -> str:
        """Return the name of an array of int64."""
        return self.array(values, np.int64)

    def texts(self, values: Iterable[str]) -> str:
        """Return the name of a constant array of texts."""
        listed = [one.encode("utf-8", "surrogatepass") for one in values]
        name, kind = self.name(), self.onnx.TensorProto.STRING
        self.constants.append(self.onnx.helper.make_tensor(name, kind, [len(listed)], listed))
        return name

    def cast(self, value: str, kind: Any, wish: str | None = None) -> str:
        """Return the name of a value as another kind of number."""
        return self.add("Cast", value, to=self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind)), wish=wish)

    def formula(self, formula: Formula, argument: str, operations: dict[str, Any], kind: Any) -> str:
        """Add the steps of a formula and return the name of its result."""
        self.kind = kind
        values = [argument]

        def of(one: Operand) -> str:
            return values[one.number] if isinstance(one, Value) else self.constant(one)

        for step in formula.steps:  # each works on values before it
            values.append(operations[step.operation](self, *map(of, step.operands)))  # noqa: PERF401
        return values[formula.result.number]


def _plain(node: str) -> Callable[..., str]:
    return lambda graph, *operands: graph.add(node, *operands)


def _truth(node: str, of_truths: bool) -> Callable[..., str]:
    """Truths are the numbers 0 and 1 in formulas, as in NumPy's arithmetic."""

    def add(graph: _Graph, *operands: str) -> str:
        given = [graph.cast(one, np.bool_) for one in operands] if of_truths else operands
        return graph.cast(graph.add(node, *given), graph.kind)

    return add


def _logaddexp(graph: _Graph, a: str, b: str) -> str:
    away = graph.add("Exp", graph.add("Neg", graph.add("Abs", graph.add("Sub", a, b))))
    return graph.add("Add", graph.add("Max", a, b), graph.add("Log", graph.add("Add", away, graph.constant(1.0))))


class _Outputs:
    """A program as nodes of a graph."""

    def __init__(self, program: Program, graph: _Graph, operations: dict[str, Any]) -> None:
        self.program, self.graph, self.operations = program, graph, operations
        self.codes = {k: self._code(k) for k, one in enumerate(program.fields) if one.levels is not None}
        self.active = [
            graph.add("Gather", graph.integers(self._rows(one.rows)), self.codes[one.field]) for one in program.levels
        ]

    def made(self) -> list[Any]:
        """Add all nodes; return what the graph gives back."""
        program, graph, types = self.program, self.graph, self.graph.onnx.TensorProto
        net = self._net()
        found = graph.formula(program.answer, graph.cast(net, DOUBLE), self.operations, DOUBLE)
        if program.is_autoencoder:
            predict = graph.cast(found, FLOAT, wish="predict")
            error = self._error(net)
            shape = ["rows", len(program.columns)]
            return [self._info(predict, types.FLOAT, shape), self._info(error, types.FLOAT, ["rows"])]
        if program.domain is None:
            flat = graph.add("Reshape", graph.cast(found, FLOAT), graph.integers([-1]), wish="predict")
            return [self._info(flat, types.FLOAT, ["rows"])]
        label = graph.add("Gather", graph.texts(program.domain), self._label(found), wish="predict")
        shares = graph.cast(found, FLOAT, wish="probabilities")
        shape = ["rows", len(program.domain)]
        return [self._info(label, types.STRING, ["rows"]), self._info(shares, types.FLOAT, shape)]

    def _info(self, name: str, kind: Any, shape: list[Any]) -> Any:
        return self.graph.onnx.helper.make_tensor_value_info(name, kind, shape)

    def _code(self, field: int) -> str:
        """Add the way from the texts (rows, 1) of a category to codes (rows,); missing: the number of levels."""
        one = self.program.fields[field]
        levels = {text: code for code, text in enumerate(one.levels or ())} | dict(one.texts or {})
        known = {text.encode("utf-8", "surrogatepass"): code for text, code in levels.items() if text}
        flat = self.graph.add("Reshape", one.name, self.graph.integers([-1]))
        missing = len(one.levels or ())
        if not known:
            shape = self.graph.add("Shape", flat)
            value = self.graph.onnx.numpy_helper.from_array(np.array([missing], np.int64))
            return self.graph.add("ConstantOfShape", shape, value=value)
        return self.graph.add(
            "LabelEncoder", flat, domain="ai.onnx.ml",
            keys_strings=list(known), values_int64s=list(known.values()), default_int64=missing,
        )  # fmt: skip

    def _rows(self, rows: tuple[int, ...]) -> np.ndarray:
        """Return rows of the table, where none is the row of zeros behind it."""
        return np.where(np.array(rows) < 0, len(self.program.table), rows)

    def _net(self) -> str:
        """Add the layers; return the last one's units (rows, units) float."""
        graph, program = self.graph, self.program
        below = self._input()
        for number, layer in enumerate(program.layers):
            parts = [] if below is None else [graph.add("MatMul", below, graph.array(layer.weights.T, FLOAT))]
            if number == 0 and self.active:
                table = np.vstack([program.table, np.zeros((1, len(layer.bias)), FLOAT)])
                parts += [graph.add("Gather", graph.array(table, FLOAT), rows) for rows in self.active]
            sums = self._sum([*parts, graph.array(layer.bias.reshape(1, -1), FLOAT)])
            if number == len(program.layers) - 1 and program.offset is not None:
                scaled = graph.add("Mul", program.offset, graph.array(program.offset_scale, FLOAT))
                sums = graph.add("Add", sums, scaled)
            if layer.pieces > 1:
                cut = graph.add("Reshape", sums, graph.integers([-1, layer.pieces, layer.units]))
                sums = graph.add("ReduceMax", cut, axes=[1], keepdims=0)
            below = graph.formula(layer.formula, sums, self.operations, FLOAT)
            if layer.kept != 1:
                below = graph.add("Mul", below, graph.array(layer.kept, FLOAT))
        assert below is not None  # there is always an output layer
        return below

    def _sum(self, parts: list[str]) -> str:
        total = parts[0]
        for one in parts[1:]:
            total = self.graph.add("Add", total, one)
        return total

    def _input(self) -> str | None:
        """Add the scaled numbers (rows, numbers) float; None where there are none."""
        parts = []
        for (looked_up, field), group in itertools.groupby(self.program.numbers, _run):
            members = list(group)
            parts.append(self._looked_up(field, members) if looked_up else self._scaled(members))
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else self.graph.add("Concat", *parts, axis=1)

    def _looked_up(self, field: int, members: list[Number]) -> str:
        values = np.array([one.values for one in members], FLOAT).T
        return self.graph.add("Gather", self.graph.array(values, FLOAT), self.codes[field])

    def _scaled(self, members: list[Number]) -> str:
        graph, fields = self.graph, self.program.fields
        wide = [graph.cast(fields[one.field].name, DOUBLE) if not fields[one.field].time else fields[one.field].name
                for one in members]  # fmt: skip
        raw = wide[0] if len(wide) == 1 else graph.add("Concat", *wide, axis=1)
        sub, mul, fill = (
            graph.array(np.array([[getattr(one, what) for one in members]]), DOUBLE) for what in ("sub", "mul", "fill")
        )
        known = graph.add("Where", graph.add("IsNaN", raw), fill, raw)
        return graph.cast(graph.add("Mul", graph.add("Sub", known, sub), mul), FLOAT)

    def _label(self, shares: str) -> str:
        """Add the way from probabilities (rows, classes) to class numbers (rows,)."""
        graph, program = self.graph, self.program
        if program.category == "Binomial":
            second = graph.add("Gather", shares, graph.integers(1), axis=1)
            reached = graph.add("GreaterOrEqual", second, graph.array(program.threshold, DOUBLE))
            return graph.cast(reached, np.int64)
        order = graph.integers(program.order)
        first = graph.add("ArgMax", graph.add("Gather", shares, order, axis=1), axis=1, keepdims=0)
        return graph.add("Gather", order, first)

    def _error(self, net: str) -> str:
        """Add the mean squared error (rows,) of a reconstruction."""
        graph, program = self.graph, self.program
        parts = []
        if self.active:
            lit = np.vstack([np.eye(len(program.table), dtype=FLOAT), np.zeros((1, len(program.table)), FLOAT)])
            parts.append(self._sum([graph.add("Gather", graph.array(lit, FLOAT), rows) for rows in self.active]))
        dense = self._input()
        parts += [] if dense is None else [dense]
        wanted = parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)
        away = graph.add("Sub", net, wanted)
        return graph.add("ReduceMean", graph.add("Mul", away, away), axes=[1], keepdims=0, wish="anomaly")


def _run(one: Number) -> tuple[bool, int]:
    """Return what neighbouring numbers share that are read at once: all plain ones, or those of one category."""
    return one.values is not None, one.field if one.values is not None else -1
