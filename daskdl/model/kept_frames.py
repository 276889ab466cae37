"""Frames that a model keeps (what cross-validation left), as plain values and bytes: on their way to disk and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from daskdl.model.model import Model
from frames.chunks.chunk import Chunk
from frames.chunks.column import Column
from frames.chunks.schema import Schema
from frames.cluster import registry
from frames.cluster.sending import gather, submit
from frames.cluster.tasks import columns_at, pack
from frames.frame import Group, H2OFrame
from frames.table.make import place

# What a model keeps in its `extras` as frames, and the parameter that asks for it.
FRAMES = {
    "cross_validation_predictions": "keep_cross_validation_predictions",
    "cross_validation_holdout_predictions": "keep_cross_validation_predictions",
    "cross_validation_fold_assignment": "keep_cross_validation_fold_assignment",
}

KEPT = "Saving what cross-validation kept"  # the error of a wait for its rows begins so


@dataclass(frozen=True)
class KeptFrame:
    """A frame away from the cluster: its id, its columns, and the bytes of one chunk per partition."""

    frame_id: str
    columns: tuple[Column, ...]
    chunks: tuple[bytes, ...]

    @staticmethod
    def of(frame: H2OFrame | KeptFrame) -> KeptFrame:
        """Return a frame as it can be written; one that is so already as it is."""
        if isinstance(frame, KeptFrame):
            return frame
        columns = frame.schema.columns
        placed = frame.placement()
        where = [placed.where[column.name] for column in columns]
        types = tuple(column.type for column in columns)
        levels = tuple(column.levels for column in columns)
        found = gather([submit(_bytes, list(parts), where, types, levels) for parts in placed.parts], KEPT)
        return KeptFrame(frame.frame_id, columns, tuple(found))

    def frame(self) -> H2OFrame:
        """Return the frame on the cluster in use, registered under its id."""
        names = tuple(column.name for column in self.columns)
        chunks = [Chunk.from_bytes(one) for one in self.chunks]
        group = Group(tuple(place(chunks)), names)
        return H2OFrame._from_groups(Schema(self.columns), [chunk.rows for chunk in chunks], [group], self.frame_id)

    def record(self) -> dict[str, Any]:
        """Return what there is besides the chunks, as plain values."""
        return {"frame_id": self.frame_id, "columns": [list(c) for c in self.columns], "chunks": len(self.chunks)}

    @staticmethod
    def from_record(record: Mapping[str, Any], chunks: Sequence[bytes]) -> KeptFrame:
        """Return the frame of a record that `record` wrote."""
        columns = tuple(
            Column(name, type_, None if domain is None else tuple(domain)) for name, type_, domain in record["columns"]
        )
        return KeptFrame(record["frame_id"], columns, tuple(chunks))


def _bytes(chunks: Sequence[Chunk], where: Sequence[tuple[int, int]], types: Any, levels: Any) -> bytes:
    return pack(columns_at(where, chunks), types, levels).to_bytes()


def kept_by(model: Model) -> dict[str, KeptFrame | list[KeptFrame]]:
    """Return the frames of a model by their names in `extras`, ready to be written."""
    found: dict[str, Any] = {}
    for name in FRAMES:
        frames = model.extras.get(name)
        if frames is not None:
            found[name] = [KeptFrame.of(one) for one in frames] if isinstance(frames, list) else KeptFrame.of(frames)
    return found


def any_away(model: Model) -> bool:
    """Tell whether a model holds frames that are not on a cluster."""
    found = [model.extras.get(name) for name in FRAMES]
    return any(isinstance(one, KeptFrame) for each in found for one in (each if isinstance(each, list) else [each]))


def on_cluster(model: Model) -> Model:
    """Return a model that was read from disk with its frames on the cluster in use, under their ids; so for its folds.

    Fold models are registered, too.
    """
    extras: dict[str, Any] = {}
    for name in FRAMES:
        frames = model.extras.get(name)
        if isinstance(frames, KeptFrame):
            extras[name] = frames.frame()
        elif isinstance(frames, list):
            extras[name] = [one.frame() if isinstance(one, KeptFrame) else one for one in frames]
    for fold in model.extras.get("cross_validation_models") or ():
        registry.register(fold.key, fold)
    return replace(model, extras={**model.extras, **extras})
