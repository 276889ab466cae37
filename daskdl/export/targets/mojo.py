"""H2O's MOJO archive, for H2O's own readers and for programs that are built around them."""

from __future__ import annotations

from typing import Any

from daskdl.export.mojo.writing import mojo_bytes
from daskdl.export.targets.base import Writer
from daskdl.model.model import Model


class Mojo(Writer):
    """A zip that H2O's h2o-genmodel scores."""

    name = "mojo"
    sentence = "a zip that H2O's h2o-genmodel.jar scores, where its format allows"
    ending = ".zip"

    def files_of(self, model: Model, path: str, **_: Any) -> dict[str, bytes]:
        """Return the archive. Raises H2OValueError for a model that H2O's reader could not score."""
        return {self.place(model.key, path): mojo_bytes(model)}
