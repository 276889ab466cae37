"""A folder that MLflow loads as a model: the NumPy scorer with a signature and an example, no daskdl in the process.

The folder is written by hand in MLflow's storage format (file MLmodel, flavour python_function), so that writing needs
no MLflow. Its module bears the hash of its content in its name: Python keeps one module per name, and two models that
are loaded in one process must not be taken for each other.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from importlib import metadata
from typing import Any

from daskdl.export.folder import write_folder
from daskdl.export.program import Field, Program
from daskdl.export.targets.base import Target, identifier
from daskdl.export.targets.numpy import Numpy, NumpyFunctions

MARK = "MLmodel"
LOADER = '''

# MLflow's way in.
class _PyFunc:
    """Predictions of a DataFrame as a DataFrame. `params`: strict, and anomaly (autoencoders)."""

    def predict(self, model_input: Any, params: Any = None) -> Any:
        import pandas as pd

        asked = params or {}
        table = model_input if isinstance(model_input, pd.DataFrame) else pd.DataFrame(model_input)
        session = _SCORER.session(bool(asked.get("strict", False)))
        found = session.anomaly(table) if asked.get("anomaly", False) else session.predict(table)
        for sentence in session.odd:
            warnings.warn(f"{sentence}. They count as missing.", UserWarning, stacklevel=2)
        return pd.DataFrame(found, index=table.index)


def _load_pyfunc(path: str, model_config: Any = None) -> _PyFunc:
    return _PyFunc()
'''


class Mlflow(Target):
    """A model folder of MLflow, flavour python_function."""

    name = "mlflow"
    sentence = "a folder that mlflow.pyfunc loads, with signature and input example"
    ending = ""
    operations = NumpyFunctions()

    def files(self, program: Program, path: str, **_: Any) -> dict[str, bytes]:
        self.check(program)
        folder = self.place(program.name, path)
        code = Numpy().text(program).replace("import sys\n", "import sys\nimport warnings\n", 1)
        code = code.replace('\n\n\nif __name__ == "__main__":', LOADER + '\n\nif __name__ == "__main__":')
        digest = hashlib.sha256(code.encode("ascii")).hexdigest()
        module = f"daskdl_{identifier(program.name)[:60]}_{digest[:16]}"
        example = _example(program)
        requirements = f"mlflow\nnumpy=={metadata.version('numpy')}\npandas=={metadata.version('pandas')}\n"
        python = (
            f"python: {platform.python_version()}\nbuild_dependencies:\n- pip\ndependencies:\n- -r requirements.txt\n"
        )
        made = {
            MARK: _description(program, module, digest),
            f"code/{module}.py": code,
            "input_example.json": json.dumps(example),
            "serving_input_example.json": json.dumps({"dataframe_split": example}),
            "requirements.txt": requirements,
            "python_env.yaml": python,
        }
        return {os.path.join(folder, name): text.encode("ascii") for name, text in made.items()}

    def write(self, program: Program, path: str, force: bool = False, **options: Any) -> str:
        """Write the folder and return it; it appears whole or not at all.

        Raises FileExists for something that is there: without `force`, or if it is no model of MLflow.
        """
        made = self.files(program, path, **options)
        folder = self.place(program.name, path)
        inside = {os.path.relpath(one, folder).replace(os.sep, "/"): content for one, content in made.items()}
        return write_folder(folder, inside, MARK, force)

    def place(self, name: str, path: str) -> str:
        """Return the folder that a path means: in one that is no model of MLflow, a new one named after the model."""
        if os.path.isfile(os.path.join(path or os.getcwd(), MARK)):
            return os.path.normpath(path or os.getcwd())
        return os.path.normpath(super().place(name, path))


def _description(program: Program, module: str, digest: str) -> str:
    """Return the file MLmodel: YAML whose values are JSON, in which no name can mean anything."""
    number, text = "double", "string"
    inputs = [{"type": _kind(one), "name": one.name, "required": False} for one in program.fields]
    inputs += [] if program.offset is None else [{"type": number, "name": program.offset, "required": True}]
    labels = program.columns[:1] if program.domain is not None else ()
    outputs = [{"type": text if one in labels else number, "name": one, "required": True} for one in program.columns]
    params = [{"name": "strict", "default": False, "shape": None, "type": "boolean"}]
    if program.is_autoencoder:
        params.append({"name": "anomaly", "default": False, "shape": None, "type": "boolean"})
        outputs = []  # with the parameter anomaly there is one column, else there is one for each unit
    signature = {"inputs": json.dumps(inputs), "outputs": json.dumps(outputs), "params": json.dumps(params)}
    example = {
        "artifact_path": "input_example.json",
        "pandas_orient": "split",
        "serving_input_path": "serving_input_example.json",
        "type": "dataframe",
    }
    flavour = {
        "code": "code",
        "env": {"virtualenv": "python_env.yaml"},
        "loader_module": module,
        "python_version": platform.python_version(),
    }
    parts = {
        "flavors": {"python_function": flavour},
        "metadata": {"daskdl": metadata.version("daskdl"), "category": program.category},
        "model_uuid": digest[:32],
        "saved_input_example_info": example,
        "signature": {name: one for name, one in signature.items() if one != "[]"},
        "utc_time_created": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()),
    }
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in parts.items())


def _kind(one: Field) -> str:
    return "string" if one.levels is not None else "datetime" if one.time else "double"


def _example(program: Program) -> dict[str, Any]:
    """Return a row in which nothing is odd: each category's first level, each number's mean."""
    fills = {one.field: one.fill for one in program.numbers if one.values is None}
    row: list[Any] = []
    for place, one in enumerate(program.fields):
        if one.levels is not None:
            row.append(one.levels[0] if one.levels else None)
        elif one.time:
            row.append(_moment(fills.get(place, 0.0)))
        else:
            row.append(fills.get(place, 0.0))
    columns = [one.name for one in program.fields]
    if program.offset is not None:
        columns.append(program.offset)
        row.append(0.0)
    return {"columns": columns, "data": [row]}


def _moment(milliseconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds / 1000))
