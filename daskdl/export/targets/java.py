"""One Java class that needs no jar, with a `main` that scores CSV files.

The class is a template; a model adds its formulas, as Java, and its data: names, levels, scales and weights, as one
block of bytes. Nothing that a user may have named ever stands in the source as text.
"""

from __future__ import annotations

import base64
import os
import re
import struct
import zlib
from collections.abc import Iterable, Sequence
from importlib import metadata, resources
from typing import Any

import numpy as np

from daskdl.export.formula import Formula, Operand, Step, Value
from daskdl.export.program import Program
from daskdl.export.targets.base import Target, identifier
from frames.exceptions import H2OValueError

INLINE = 1_500_000  # bytes of data that still stand in the source; more lie in a file beside the class
CHUNK = 60_000  # characters of one string constant; a class file takes 65,535
RESERVED = frozenset(
    re.findall(
        r"\w+",
        """
    abstract assert boolean break byte case catch char class const continue default do double else enum
    extends final finally float for goto if implements import instanceof int interface long native new package
    private protected public return short static strictfp super switch synchronized this throw throws
    transient try void volatile while true false null _ var record yield sealed permits
""",
    )
)
# names of classes that the template uses by their short name
TAKEN = frozenset(
    re.findall(r"\b[A-Z]\w*", resources.files("daskdl.export").joinpath("templates/Scorer.java").read_text())
)

OPERATIONS = {
    "add": "{} + {}", "subtract": "{} - {}", "multiply": "{} * {}", "divide": "{} / {}", "negative": "-{}",
    "positive": "+{}", "square": "{0} * {0}", "reciprocal": "1.0 / {}", "power": "Math.pow({}, {})",
    "float_power": "Math.pow({}, {})", "absolute": "Math.abs({})", "fabs": "Math.abs({})", "sign": "Math.signum({})",
    "maximum": "Math.max({}, {})", "minimum": "Math.min({}, {})", "sqrt": "Math.sqrt({})", "cbrt": "Math.cbrt({})",
    "exp": "Math.exp({})", "expm1": "Math.expm1({})", "exp2": "Math.pow(2.0, {})", "log": "Math.log({})",
    "log1p": "Math.log1p({})", "log10": "Math.log10({})", "log2": "Math.log({}) / Math.log(2.0)",
    "logaddexp": "Math.max({0}, {1}) + Math.log1p(Math.exp(-Math.abs({0} - {1})))", "hypot": "Math.hypot({}, {})",
    "tanh": "Math.tanh({})", "sinh": "Math.sinh({})", "cosh": "Math.cosh({})", "sin": "Math.sin({})",
    "cos": "Math.cos({})", "tan": "Math.tan({})", "arctan": "Math.atan({})", "arcsin": "Math.asin({})",
    "arccos": "Math.acos({})", "arcsinh": "Math.signum({0}) * Math.log(Math.abs({0}) + Math.sqrt({0} * {0} + 1.0))",
    "floor": "Math.floor({})", "ceil": "Math.ceil({})", "rint": "Math.rint({})",
    "greater": "({} > {} ? 1.0 : 0.0)", "greater_equal": "({} >= {} ? 1.0 : 0.0)", "less": "({} < {} ? 1.0 : 0.0)",
    "less_equal": "({} <= {} ? 1.0 : 0.0)", "equal": "({} == {} ? 1.0 : 0.0)", "not_equal": "({} != {} ? 1.0 : 0.0)",
    "isnan": "(Double.isNaN({}) ? 1.0 : 0.0)", "logical_not": "({} == 0 ? 1.0 : 0.0)",
    "logical_and": "({} != 0 && {} != 0 ? 1.0 : 0.0)", "logical_or": "({} != 0 || {} != 0 ? 1.0 : 0.0)",
    "where": "({} != 0 ? {} : {})", "row_max": "max", "row_sum": "sum",
}  # fmt: skip
REDUCED = {"row_max": ("Double.NEGATIVE_INFINITY", "Math.max({0}, {1})"), "row_sum": ("0.0", "{0} + {1}")}


class Java(Target):
    """A class without dependencies, in double precision, with H2O's `score0`."""

    name = "java"
    sentence = "one Java class without any jar, with H2O's score0 and a main that scores CSV files"
    ending = ".java"
    operations = OPERATIONS
    options = {  # noqa: RUF012
        "package": "Package of the class, such as com.acme.models.",
        "class_name": "Name of the class; default: the file's, or the model's.",
    }

    def files(
        self, program: Program, path: str, package: str | None = None, class_name: str | None = None, **_: Any
    ) -> dict[str, bytes]:
        """Return the source, and where the weights are many a file of data that must lie beside the class.

        Raises H2OValueError for names that Java does not take.
        """
        self.check(program)
        target = self._target(program, path, package, class_name)
        named = os.path.basename(target).removesuffix(".java")
        for part in [named, *(package or "").split(".")] if package else [named]:
            _check_name(part, "class_name" if part == named else "package")
        vectors: list[tuple[float, ...]] = []
        source = self._source(program, named, package, vectors)
        data = zlib.compress(_data(program, vectors))
        if len(data) <= INLINE:
            return {target: _with_data(source, data).encode("ascii")}
        beside = f"{target.removesuffix('.java')}.bin"
        return {target: _with_resource(source, named).encode("ascii"), beside: data}

    def _target(self, program: Program, path: str, package: str | None, class_name: str | None) -> str:
        if path.endswith(".java"):
            stem = os.path.basename(path).removesuffix(".java")
            if class_name not in (None, stem):
                raise H2OValueError(f"A class must bear the name of its file; got class_name {class_name} and {path}.")
            return path
        name = class_name or safe_class(program.name)
        folder = os.path.join(path or os.getcwd(), *(package or "").split("."))
        if package and os.path.isdir(path or os.getcwd()):
            for part in package.split("."):
                _check_name(part, "package")
            os.makedirs(folder, exist_ok=True)
        return os.path.join(folder, f"{name}.java")

    def _source(self, program: Program, named: str, package: str | None, vectors: list[tuple[float, ...]]) -> str:
        template = resources.files("daskdl.export").joinpath("templates/Scorer.java").read_text(encoding="ascii")
        kinds = list(dict.fromkeys(layer.formula for layer in program.layers))
        functions = [_function(f"formula{k}", one, vectors) for k, one in enumerate(kinds)]
        cases = "".join(f"            case {k}: return formula{k}(z);\n" for k in range(len(kinds)))
        fire = (
            "    private static double[] fire(int kind, double[] z) {\n        switch (kind) {\n"
            f"{cases}            default: throw new IllegalStateException();\n        }}\n    }}\n"
        )
        words = {
            "VERSION": metadata.version("daskdl"),
            "CLASS": named,
            "QUALIFIED": f"{package}.{named}" if package else named,
            "PACKAGE": f"package {package};\n" if package else "",
            "FORMULAS": "\n".join([fire, *functions, _function("respond", program.answer, vectors)]),
        }
        return re.sub(r"@([A-Z]+)@", lambda found: words.get(found[1], found[0]), template)


def safe_class(name: str) -> str:
    """Return the class name of a model: letters, digits and underscores, and no word of Java's own."""
    made = identifier(name)
    return f"{made}_" if made in RESERVED or made in TAKEN or made == "_" else made


def _check_name(name: str, what: str) -> None:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or name in RESERVED:
        raise H2OValueError(
            f"{what} must be a name in Java, of letters, digits and underscores, and no word of the language; "
            f"got {name!r}."
        )
    if what == "class_name" and name in TAKEN:
        raise H2OValueError(f"class_name must not be that of a class that the scorer uses; got {name!r}. Take another.")


# ---- formulas ------------------------------------------------------------------------------------------------------
def _function(name: str, formula: Formula, vectors: list[tuple[float, ...]]) -> str:
    """Write a formula as a method: neighbouring steps that work on each unit alone share a loop."""
    lines = [f"    private static double[] {name}(double[] z) {{"]
    last, places = formula.last_use(), {0: "z[k]"}
    group: list[int] = []

    def flush(after: int) -> None:
        kept = [number for number in group if last.get(number, 0) > after]
        lines.extend(f"        double[] a{number} = new double[z.length];" for number in kept)
        if group:
            lines.append("        for (int k = 0; k < z.length; k++) {")
            for number in group:
                written = _expression(formula.steps[number - 1], places, vectors)
                places[number] = f"t{number}"
                lines.append(f"            double t{number} = {written};")
            lines.extend(f"            a{number}[k] = t{number};" for number in kept)
            lines.append("        }")
        places.update({number: f"a{number}[k]" for number in group})
        group.clear()

    for number, step in enumerate(formula.steps, 1):
        if step.wide and step.operation not in REDUCED:
            group.append(number)
            continue
        flush(number - 1)
        lines.extend(_narrow(number, step, places, vectors))
        places[number] = f"s{number}"
    flush(len(formula.steps))
    result = formula.result.number
    return "\n".join([*lines, f"        return {f'a{result}' if result else 'z'};", "    }\n"])


def _narrow(number: int, step: Step, places: dict[int, str], vectors: list[tuple[float, ...]]) -> Iterable[str]:
    """Write a step that gives one number for the whole row."""
    if step.operation not in REDUCED:
        return [f"        double s{number} = {_expression(step, places, vectors)};"]
    start, more = REDUCED[step.operation]
    (operand,) = (_written(one, places, vectors) for one in step.operands)
    return [
        f"        double s{number} = {start};",
        "        for (int k = 0; k < z.length; k++) {",
        f"            s{number} = {more.format(f's{number}', operand)};",
        "        }",
    ]


def _expression(step: Step, places: dict[int, str], vectors: list[tuple[float, ...]]) -> str:
    return OPERATIONS[step.operation].format(*(_written(one, places, vectors) for one in step.operands))


def _written(one: Operand, places: dict[int, str], vectors: list[tuple[float, ...]]) -> str:
    if isinstance(one, Value):
        return places[one.number]
    if isinstance(one, tuple):
        vectors.append(one)
        return f"VECTORS[{len(vectors) - 1}][k]"
    if np.isfinite(one):
        return repr(one) if one >= 0 and not str(one).startswith("-") else f"({one!r})"
    return "Double.NaN" if np.isnan(one) else f"Double.{'POSITIVE' if one > 0 else 'NEGATIVE'}_INFINITY"


# ---- data ----------------------------------------------------------------------------------------------------------
class _Writer:
    """Bytes as Java's DataInputStream reads them."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def text(self, text: str) -> None:
        units = text.encode("utf-16-be", "surrogatepass")
        self.parts += [struct.pack(">i", len(units) // 2), units]

    def texts(self, texts: Sequence[str]) -> None:
        self.parts.append(struct.pack(">i", len(texts)))
        for one in texts:
            self.text(one)

    def domain(self, levels: Sequence[str] | None) -> None:
        self.parts.append(struct.pack(">?", levels is not None))
        self.texts(levels or ())

    def numbers(self, values: Any, kind: str) -> None:
        array = np.asarray(values, dtype=kind).ravel()
        self.parts += [struct.pack(">i", array.size), array.tobytes()]

    def integer(self, value: int) -> None:
        self.parts.append(struct.pack(">i", value))

    def double(self, value: float) -> None:
        self.parts.append(struct.pack(">d", value))


def _data(program: Program, vectors: list[tuple[float, ...]]) -> bytes:
    """Return names, levels, scales and weights in the order in which the template's class reads them."""
    to = _Writer()
    to.text(program.name)
    to.text(program.category)
    to.texts([one.name for one in program.fields])
    to.integer(len(program.fields) + 1)
    for levels in (*(one.levels for one in program.fields), program.domain):
        to.domain(levels)
    to.texts(program.columns)
    to.texts([] if program.offset is None else [program.offset])
    to.double(program.threshold)
    to.numbers([k for k, one in enumerate(program.fields) if one.time], ">i4")
    for one in program.fields:
        to.texts(list(one.texts or {}))
        to.numbers(list((one.texts or {}).values()), ">i4")
    for one in program.fields:
        to.numbers(list(one.numbers or {}), ">f8")
        to.numbers(list((one.numbers or {}).values()), ">i4")
    to.double(program.offset_scale)
    to.numbers(program.order, ">i4")
    to.numbers([one.field for one in program.levels], ">i4")
    for one in program.levels:
        to.numbers(one.rows, ">i4")
    _network(to, program, vectors)
    return b"".join(to.parts)


def _network(to: _Writer, program: Program, vectors: list[tuple[float, ...]]) -> None:
    for what in ("field", "sub", "mul", "fill"):
        to.numbers([getattr(one, what) for one in program.numbers], ">i4" if what == "field" else ">f8")
    for one in program.numbers:
        to.numbers(one.values or (), ">f4")
    to.integer(len(program.table))
    kinds = list(dict.fromkeys(layer.formula for layer in program.layers))
    to.numbers([one.units for one in program.layers], ">i4")
    to.numbers([one.pieces for one in program.layers], ">i4")
    to.numbers([kinds.index(one.formula) for one in program.layers], ">i4")
    to.numbers([one.kept for one in program.layers], ">f8")
    to.numbers(program.table, ">f4")
    for one in program.layers:
        to.numbers(one.weights.T, ">f4")
        to.numbers(one.bias, ">f4")
    to.integer(len(vectors))
    for one in vectors:
        to.numbers(one, ">f8")


def _with_data(source: str, data: bytes) -> str:
    text = base64.b64encode(data).decode()
    listed = ",\n".join(f'            "{text[start : start + CHUNK]}"' for start in range(0, len(text), CHUNK))
    parts = f"        static final String[] PARTS = {{\n{listed}\n        }};"
    holder = f"\n    private static final class Data {{\n{parts}\n    }}\n"
    body = 'return new ByteArrayInputStream(Base64.getDecoder().decode(String.join("", Data.PARTS)));'
    return source.replace("@PACKED@", body).replace("@DATA@", holder)


def _with_resource(source: str, named: str) -> str:
    body = (
        f'InputStream in = {named}.class.getResourceAsStream("{named}.bin");\n'
        "        if (in == null) {\n"
        f'            throw new IllegalStateException("File {named}.bin must lie beside the class; it does not.");\n'
        "        }\n"
        "        return new java.io.BufferedInputStream(in, 1 << 16);"
    )
    return source.replace("@PACKED@", body).replace("@DATA@", "")
