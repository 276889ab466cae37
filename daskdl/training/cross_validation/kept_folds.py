"""What a cross-validated training keeps while it runs: what it is about, and its finished fold models.

Both lie beside the versions of its model in export_checkpoints_dir, so that h2o.resume() trains no fold twice:

    job.json      parameters, columns, seed and what the frame looks like
    folds/0/...   the first fold's model as save_model writes it
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

from daskdl.model.model import Model
from daskdl.model.record import loose, strict
from daskdl.model.versions import file_name
from daskdl.parameters import Parameters, Resolved
from frames.exceptions import FileMissing, H2OResponseError, H2OValueError
from frames.frame import H2OFrame
from frames.stores.choose import store_at

JOB, FOLDS = "job.json", "folds"
FORMAT, SCHEMA_VERSION = "daskdl-folds", 1


@dataclass
class KeptFolds:
    """The folds of one training below the place of its model; without a place nothing is kept.

    `began` is when the training began (milliseconds since 1970), `warnings` say what could not be written.

    Example: `KeptFolds("models/crossed").fold(0)` is the first fold's model, or None.
    """

    place: str | None = None
    began: int = field(default_factory=lambda: int(time.time() * 1000))
    warnings: list[str] = field(default_factory=list)

    @staticmethod
    def of(parameters: Parameters, key: str) -> KeptFolds:
        """Return where the parameters want checkpoints of the training `key` to be."""
        folder = parameters.export_checkpoints_dir
        wanted = folder is not None and bool(parameters.checkpoint_interval)
        return KeptFolds(f"{str(folder).rstrip('/')}/{file_name(key)}" if wanted else None)

    def begin(self, parameters: Parameters, resolved: Resolved, frame: H2OFrame, key: str) -> None:
        """Write what the training is about; folds that an earlier one has left are removed."""
        content = {
            "format": FORMAT,
            "schema_version": SCHEMA_VERSION,
            "key": key,
            "began": self.began,
            "seed": resolved.seed,
            "parameters": parameters.to_dict(),
            "x": list(resolved.predictors),
            "y": resolved.response,
            "training_frame": frame.frame_id,
            "looks": looks(frame),
        }
        try:
            if self.place is not None:
                store = store_at(self.place)
                store.delete([name for name in store.names() if name.startswith(f"{FOLDS}/")])
                store.replace(JOB, json.dumps(strict(content)).encode())
        except OSError as cause:
            self._give_up(cause)

    def record(self) -> dict[str, Any]:
        """Return what `begin` wrote. Raises H2OValueError for what is damaged, or of a later program."""
        store = store_at(str(self.place))
        try:
            content = loose(json.loads(store.read(JOB)))
            known = content["format"] == FORMAT and content["schema_version"] <= SCHEMA_VERSION
            self.began = content["began"]
        except (ValueError, KeyError, TypeError) as error:
            raise H2OValueError(
                f"{store.shown(JOB)} must be what a cross-validated training wrote; it is damaged ({error}). Train "
                "again."
            ) from error
        if not known:
            raise H2OValueError(f"{store.shown(JOB)} must be of format {FORMAT}, version {SCHEMA_VERSION} or before.")
        return content

    def fold(self, number: int) -> Model | None:
        """Return the finished model of a fold; None where it must be trained."""
        from daskdl.model import checkpoint  # here, so that training does not wait for zarr

        if self.place is None:
            return None
        try:
            return checkpoint.load(f"{self.place}/{FOLDS}/{number}")
        except FileMissing:  # it was not finished
            return None
        except H2OValueError as cause:
            self.warnings.append(f"A fold is trained again: {cause}")
            return None

    def keep(self, number: int, model: Model) -> None:
        """Write the finished model of a fold."""
        from daskdl.model import checkpoint  # here, so that training does not wait for zarr

        if self.place is None:
            return
        try:
            checkpoint.save(model, f"{self.place}/{FOLDS}/{number}", force=True)
        except (OSError, H2OValueError) as cause:
            self._give_up(cause)

    def main(self) -> Model | None:
        """Return the main model of this very training, finished or under way, where it had begun."""
        from daskdl.model import checkpoint  # here, so that training does not wait for zarr

        try:
            found = checkpoint.load(str(self.place))
        except H2OValueError:  # there is none yet, or what there is cannot be gone on from
            return None
        return found if found.start_time >= self.began else None

    def over(self) -> None:
        """Remove what was kept: the finished model is there."""
        if self.place is None:
            return
        store = store_at(self.place)
        try:
            store.delete([name for name in store.names() if name == JOB or name.startswith(f"{FOLDS}/")])
        except OSError as cause:
            self._give_up(cause)

    def _give_up(self, cause: Exception) -> None:
        said = f"What h2o.resume() needs of the folds could not be written in export_checkpoints_dir: {cause}"
        self.warnings = [*self.warnings, *([] if said in self.warnings else [said])]


def looks(frame: H2OFrame) -> dict[str, Any]:
    """Return what a frame must be like to be dealt to the same folds."""
    return {"rows": frame.nrow, "columns": frame.types}


def require_alike(frame: H2OFrame, wanted: dict[str, Any]) -> None:
    """Raise H2OResponseError where a frame is not like the one that a training began with."""
    found = looks(frame)
    if found != wanted:
        raise H2OResponseError(
            f"The training_frame must be like the one that cross-validation began with ({wanted['rows']} rows, columns "
            f"{', '.join(wanted['columns'])}); got {found['rows']} rows, columns {', '.join(found['columns'])}."
        )
