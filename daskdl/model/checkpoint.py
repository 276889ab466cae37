"""Models on disk and in object stores: everything of a model, opened in any process, without a cluster.

A saved model is a place of versions (see `versions`); each version is one Zarr v3 group:

    zarr.json            attributes: format, schema_version, made_by, record (the model as plain values), manifest,
                         digest
    state/weights ...    the flat float32 buffers of `network.State`, optimizer slots under the names that the optimizer
                         gives them; `last/...` where training ended with other ones, `own/0/...` those of workers
                         under elastic averaging
    folds/0/...          the models of cross-validation, where they were kept: groups like this one
    frames/0/0 ...       what cross-validation kept as frames, if asked for: a file per frame and partition

Every file but zarr.json stands in the manifest with its checksum, and the digest covers the rest of the attributes.
A missing, cut or changed file is found before anything is made of it: what is decoded are the bytes that were checked.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec
from zarr.core.buffer import Buffer
from zarr.core.buffer.cpu import Buffer as Bytes
from zarr.storage import MemoryStore

from daskdl.model.kept_frames import KeptFrame, kept_by
from daskdl.model.model import Model
from daskdl.model.record import FOLDS, layout_of, model_of, record_of, slots_of, states_of
from daskdl.model.versions import SEAL, Versions, manifest, sound_files
from daskdl.network.layout import Layout
from daskdl.network.state import State
from frames.exceptions import FileExists, FileMissing, H2OResponseError, H2OValueError
from frames.stores.base import Store
from frames.stores.choose import store_at

FORMAT = "daskdl-model"
SCHEMA_VERSION = 1
CHUNK = 16 << 20  # float32 numbers in one file: 64 MB
PACKAGES = ("daskdl", "numpy", "numba", "zarr")
SAVE_AGAIN = "Save the model again, or take another copy."
BESIDE = ("folds", "job.json")  # what a cross-validated training keeps beside the versions of its model

Files = Mapping[str, bytes]


def save(model: Model, path: str | Path, force: bool = False, frames: bool = False) -> str:
    """Write a model to the folder `path` and return that.

    With `frames` also what cross-validation kept as frames: predictions, the fold of each row. `path` may be an address
    that fsspec or obstore know (s3://...). With `force` a model that is there already is replaced, in one step: whoever
    kills this process finds the old one or the new one. Raises FileExists where something is there and `force` is not
    given, or something that is no model; H2OResponseError where the disk or store takes no more.

    Example: `load(save(model, "models/iris")).key`
    """
    store = store_at(path)
    versions = Versions(store)
    try:
        _may_write(versions, force)
        draft = versions.begin()
        try:
            for name, data in files_of(model, frames).items():
                draft.write(name, data)
            _read_back(store, draft.name)
            versions.commit(draft, first=not force)
        except BaseException:
            versions.abandon(draft)
            raise
    except (H2OResponseError, H2OValueError):
        raise
    except OSError as cause:
        raise H2OResponseError(
            f"{path} must be a place that can be written; model {model.key} could not be saved there: {cause}. What "
            "was saved before stands."
        ) from cause
    return str(path)


def load(path: str | Path) -> Model:
    """Read the model that `save` wrote; no cluster is needed and nothing is unpickled.

    Where the newest version is damaged and an older one is sound, that one is read, with a warning. Raises
    H2OValueError "File not found" for nothing at all, and names the file for what is no model or damaged.
    """
    store = store_at(path)
    while True:
        versions = Versions(store).in_order()
        if not versions:
            raise _nothing(store, str(path))
        model, troubles = _first_sound(store, versions)
        if not troubles or Versions(store).in_order() == versions:  # else another process has just replaced the model
            break
    if model is None:
        raise H2OValueError(f"The model in {path} is damaged: {troubles[0]}. {SAVE_AGAIN}")
    if troubles:
        said = f"{troubles[0]}. The older version {versions[len(troubles)]} of the model is read instead. "
        warnings.warn(said + SAVE_AGAIN, RuntimeWarning, stacklevel=2)
    return model


def _nothing(store: Store, shown: str) -> H2OValueError:
    """Return what to say of a place that holds no version."""
    if store.entries() or ("://" not in shown and Path(shown).exists()):
        return H2OValueError(
            f"{shown} must be a folder that save_model wrote; it holds no version of a model. Give the path that "
            "save_model returned."
        )
    return FileMissing(f"File not found: {shown}. Give the path that save_model returned.")


def _first_sound(store: Store, versions: Sequence[str]) -> tuple[Model | None, list[str]]:
    """Return the model of the first sound version, and what is wrong with those before it."""
    troubles = []
    for version in versions:
        files, trouble = _sound(store, version)
        if trouble is None:
            return _read_whole(store, version, files), troubles
        troubles.append(trouble)
    return None, troubles


def _read_whole(store: Store, version: str, files: Files) -> Model:
    """Return the model of a version whose files are known to be sound."""
    content = _attributes(files[SEAL])
    try:
        return _read(content["record"], files, "")
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as cause:
        made = content["made_by"].get("daskdl")
        raise H2OValueError(
            f"{store.shown('versions/' + version)}: the model was saved by daskdl {made} and this one cannot read it "
            f"({cause}). Use a daskdl that is at least as new."
        ) from cause


# ---- one version -----------------------------------------------------------------------------------------------------
def files_of(model: Model, frames: bool = False) -> dict[str, bytes]:
    """Return the files of a version that holds a model, in the order in which they are to be written: its seal last."""
    held: dict[str, Buffer] = {}
    root = zarr.create_group(store=MemoryStore(held))
    record = _write(model, root)
    kept: dict[str, bytes] = {}
    if frames:
        record["frames"] = _write_frames(kept_by(model), kept)
    files = {name: data.to_bytes() for name, data in held.items() if name != SEAL} | kept
    content = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "made_by": _versions_of_packages(),
        "record": record,
        "manifest": manifest(files),
    }
    root.attrs.put({**content, "digest": _digest(content)})
    return {**files, SEAL: held[SEAL].to_bytes()}


def _write(model: Model, group: zarr.Group) -> dict[str, Any]:
    """Write the arrays of a model and of its fold models below a group; return their record."""
    for name, state in states_of(model).items():
        below = group.create_group(name)
        for kind, values in _arrays(state, model.resolved.optimizer.slots).items():
            _write_array(below, kind, values)
    folds = []
    for number, fold in enumerate(model.extras.get(FOLDS) or ()):
        folds.append(_write(fold, group.create_group(f"folds/{number}")))
    return {**record_of(model), "folds": folds}


def _write_frames(kept: Mapping[str, Any], files: dict[str, bytes]) -> dict[str, Any]:
    """Put frames into `files`, numbered, a file per partition; return their records, each with its number."""
    count = 0

    def write(one: KeptFrame) -> dict[str, Any]:
        nonlocal count
        number, count = count, count + 1
        files.update({f"frames/{number}/{partition}": chunk for partition, chunk in enumerate(one.chunks)})
        return {**one.record(), "number": number}

    return {
        name: [write(one) for one in found] if isinstance(found, list) else write(found) for name, found in kept.items()
    }


def _read_frames(records: Mapping[str, Any], files: Files, folder: str) -> dict[str, Any]:
    """Read the frames that `_write_frames` wrote; they stay bytes until somebody wants them on a cluster."""

    def read(record: Mapping[str, Any]) -> KeptFrame:
        number = int(record["number"])
        return KeptFrame.from_record(record, [files[f"{folder}{number}/{p}"] for p in range(record["chunks"])])

    return {
        name: [read(one) for one in found] if isinstance(found, list) else read(found)
        for name, found in records.items()
    }


def _arrays(state: State, slots: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the arrays of a state by the names of their files; slots have those that the optimizer gives them."""
    return {"weights": state.weights, **dict(zip(slots, state.slots, strict=True)), "activity": state.activity}


def _write_array(group: zarr.Group, name: str, values: np.ndarray) -> None:
    array = group.create_array(
        name,
        shape=values.shape,
        dtype=values.dtype,
        chunks=(max(1, min(len(values), CHUNK)),),
        compressors=BloscCodec(cname="lz4", shuffle="shuffle"),
        dimension_names=(name,),
    )
    if len(values):
        array[:] = values


def _read(record: Mapping[str, Any], files: Files, folder: str) -> Model:
    """Read a model from the files of a version (or a fold model from a folder inside) that are known to be sound."""
    folds = [_read(one, files, f"{folder}folds/{number}/") for number, one in enumerate(record["folds"])]
    layout, slots = layout_of(record), slots_of(record)
    states = {}
    own = [f"own/{number}" for number in range(len(files)) if f"{folder}own/{number}/{SEAL}" in files]
    for name in ("state", "last", *own):
        if f"{folder}{name}/{SEAL}" in files:
            states[name] = _read_state(files, f"{folder}{name}/", layout, slots)
    model = model_of(record, states, folds)
    model.extras.update(_read_frames(record.get("frames", {}), files, f"{folder}frames/"))
    return model


def _read_state(files: Files, folder: str, layout: Layout, slots: Sequence[str]) -> State:
    held = {name.removeprefix(folder): data for name, data in files.items() if name.startswith(folder)}
    store = MemoryStore({name: Bytes.from_bytes(data) for name, data in held.items()}, read_only=True)
    group = zarr.open_group(store, mode="r", zarr_format=3)
    state = layout.empty()
    for kind, wanted in _arrays(state, slots).items():
        array: Any = group[kind]
        if array.shape != wanted.shape or array.dtype != wanted.dtype:  # kernels trust the sizes
            raise ValueError(f"{kind} must be {wanted.shape} {wanted.dtype}; got {array.shape} {array.dtype}")
        try:
            wanted[:] = np.asarray(array[:])
        except Exception as cause:  # its checksum is right: made so on purpose; codecs raise what they like
            raise ValueError(f"{kind} must be what zarr wrote; {cause}") from cause
    return state


def _read_back(store: Store, version: str) -> None:
    _, trouble = _sound(store, version)
    if trouble:
        raise H2OValueError(f"A saved model must read back as it was written; got {trouble}. Is the disk sound?")


def _sound(store: Store, version: str) -> tuple[Files, str | None]:
    """Return the files of a version, and what is wrong with it as `file: what`, None for a sound one."""
    name = f"versions/{version}/{SEAL}"
    path = store.shown(name)
    try:
        seal = store.read(name)
        content = _attributes(seal)
        digest = content.pop("digest")
        wanted, schema = content["manifest"], content["schema_version"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as cause:
        return {}, f"{path}: the file cannot be read as the attributes of a model ({type(cause).__name__}: {cause})"
    if content.get("format") != FORMAT or _digest(content) != digest:
        return {}, f"{path}: the file does not have the contents that were written (its checksum differs)"
    if schema > SCHEMA_VERSION:
        made = content["made_by"].get("daskdl")
        raise H2OValueError(
            f"{path}: the model was saved by a later daskdl ({made}, schema {schema}); this one reads up to schema "
            f"{SCHEMA_VERSION}. Update daskdl."
        )
    files, trouble = sound_files(store, version, wanted)
    return {**files, SEAL: seal}, trouble


def _attributes(seal: bytes) -> dict[str, Any]:
    return dict(json.loads(seal)["attributes"])


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _versions_of_packages() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in PACKAGES}


# ---- where to ------------------------------------------------------------------------------------------------------
def _may_write(versions: Versions, force: bool) -> None:
    shown = versions.store.shown()
    if "://" not in shown and Path(shown).is_file():
        raise FileExists(
            f"File already exists: {shown}, and it is no model that save_model wrote. Give another path, or remove it."
        )
    foreign = versions.foreign(BESIDE)
    if foreign:
        raise FileExists(
            f"File already exists: {shown} is a folder with other things in it ({', '.join(foreign[:5])}). Give "
            "another path."
        )
    if versions.exist and not force:
        raise FileExists(f"File already exists: {shown}. Use force=True to replace the model, or another path.")
