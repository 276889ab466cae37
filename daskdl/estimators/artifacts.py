"""What a model leaves as a file, and what h2o-py offers that this package does not."""

import json
import os
from collections.abc import Callable
from typing import Any

from daskdl.metrics import ModelMetrics
from daskdl.metrics.table import H2OTwoDimTable
from daskdl.model.versions import file_name
from frames.exceptions import FileExists

# Methods of h2o-py's models without a counterpart here, and what to use instead.
_INSTEAD = {
    "train_segments": "train one estimator per part of the frame",
}


class ModelArtifacts:
    """Files of an estimator's model; `_trained()` gives the model or raises."""

    _trained: Callable[[], Any]

    def __getattr__(self, name: str) -> Any:
        if name in _INSTEAD:
            raise AttributeError(f"{type(self).__name__} has no {name}(); {_INSTEAD[name]}.")
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def download_model(self, path: str = "", filename: str | None = None) -> str:
        """Write the model to `path`/`filename` (default: this folder, the model's name) and return where.

        What is there already is replaced. `h2o.load_model` reads it.
        """
        from daskdl.model import checkpoint  # here, so that importing the classes does not load zarr

        model = self._trained()
        return checkpoint.save(model, os.path.join(path or os.getcwd(), filename or file_name(model.key)), force=True)

    def save_model_details(self, path: str = "", force: bool = False, filename: str | None = None) -> str:
        """Write parameters, tables and metrics as JSON to `path`/`filename` (default: <model>.json); return where.

        Raises H2OValueError "File already exists" without `force`.
        """
        target = os.path.join(path or os.getcwd(), filename or f"{file_name(self._trained().key)}.json")
        if os.path.exists(target) and not force:
            raise FileExists(f"File already exists: {target}. Give force=True to replace it.")
        text = json.dumps(self._model_json, default=_plain, indent=1)  # type: ignore[attr-defined]
        with open(target, "w", encoding="utf-8") as file:
            file.write(text)
        return target


def _plain(value: Any) -> Any:
    if isinstance(value, H2OTwoDimTable):
        return {"name": value.table_header, "columns": value.col_header, "data": value.cell_values}
    if isinstance(value, ModelMetrics):
        return value.to_dict()
    if hasattr(value, "item"):
        return value.item()
    return str(value)
