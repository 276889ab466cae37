"""One Python file that needs only NumPy: for functions in a cloud, notebooks, small machines."""

from __future__ import annotations

import base64
import inspect
import zlib
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy as np

from daskdl.export import scorer
from daskdl.export.formula import Formula, Operand, Value
from daskdl.export.program import Program
from daskdl.export.targets.base import Target

LINE = 110  # characters of a line of weights
BINARY = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "greater": ">", "less": "<"}
ROWS = {"row_max": "{}.max(axis=1, keepdims=True)", "row_sum": "{}.sum(axis=1, keepdims=True)"}


class NumpyFunctions(Mapping):
    """NumPy has a word for every operation: its own functions' names."""

    _names = [name for name, one in vars(np).items() if isinstance(one, np.ufunc) and one.nout == 1]  # noqa: RUF012

    def __getitem__(self, operation: str) -> str:
        if operation in ROWS:
            return ROWS[operation]
        if operation in BINARY:
            return f"{{}} {BINARY[operation]} {{}}"
        if operation == "where":
            return "np.where({}, {}, {})"
        return f"np.{operation}({', '.join(['{}'] * getattr(np, operation).nin)})"

    def __iter__(self) -> Any:
        return iter(dict.fromkeys(["where", *ROWS, *self._names]))

    def __len__(self) -> int:
        return len(list(iter(self)))


class Numpy(Target):
    """The scorer of `daskdl.export.scorer` with a model behind it."""

    name = "numpy"
    sentence = "one Python file that needs only NumPy, with a command line"
    ending = ".py"
    operations = NumpyFunctions()

    def files(self, program: Program, path: str, **options: Any) -> dict[str, bytes]:
        self.check(program)
        return {self.place(program.name, path): self.text(program).encode("ascii")}

    def text(self, program: Program) -> str:
        """Return the file's text, in ASCII."""
        distinct = list(dict.fromkeys(program.formulas))
        functions = [_function(f"_formula_{k}", one, self.operations) for k, one in enumerate(distinct)]
        chosen = ", ".join(f"_formula_{distinct.index(one)}" for one in program.formulas)
        facts = "\n".join(f"    {key!r}: {value!a}," for key, value in program.to_dict().items())
        text = packed_weights(program)
        weights = "\n".join(text[start : start + LINE] for start in range(0, len(text), LINE))
        return "\n\n\n".join(
            [
                inspect.getsource(scorer).rstrip(),
                f"# The model, as daskdl {metadata.version('daskdl')} wrote it.\n_FACTS = {{\n{facts}\n}}",
                *functions,
                f'_WEIGHTS = """\n{weights}\n"""\n_SCORER = Scorer(_FACTS, _WEIGHTS, [{chosen}])\n'
                "predict, anomaly = _SCORER.predict, _SCORER.anomaly",
                'if __name__ == "__main__":\n    sys.exit(main(_SCORER, sys.argv[1:]))\n',
            ]
        )


def packed_weights(program: Program) -> str:
    """Return all weights as text: float32, the table first (with a row of zeros behind it), then layer by layer."""
    blocks = [program.table.ravel(), np.zeros(len(program.layers[0].bias))]
    for layer in program.layers:
        blocks += [layer.weights.ravel(), layer.bias]
    return base64.b64encode(zlib.compress(np.concatenate(blocks).astype("<f4").tobytes())).decode()


def _function(name: str, formula: Formula, words: Mapping[str, str]) -> str:
    lines = [f"def {name}(v0: Any) -> Any:"]
    for number, step in enumerate(formula.steps, 1):
        lines.append(f"    v{number} = {words[step.operation].format(*map(_written, step.operands))}")
    return "\n".join([*lines, f"    return v{formula.result.number}"])


def _written(one: Operand) -> str:
    if isinstance(one, Value):
        return f"v{one.number}"
    if isinstance(one, tuple):
        return f"np.array([{', '.join(map(_written, one))}])"
    return repr(one) if np.isfinite(one) else f"float({str(one)!r})"
