"""Models on disk: a folder that holds everything of a model, opens in any process and needs no cluster.

A saved model is a folder of versions (see `versions`); each version is one Zarr v3 group:

    zarr.json            attributes: format, schema_version, made_by, record (the model as plain values), manifest,
                         digest
    state/weights ...    the flat float32 buffers of `network.State`, optimizer slots under the names that the optimizer
                         gives them; `last/...` where training ended with other ones
    folds/0/...          the models of cross-validation, where they were kept: groups like this one
    frames/0/0 ...       what cross-validation kept as frames, if asked for: a file per frame and partition

Every file but zarr.json stands in the manifest with its checksum, and the digest covers the rest of the attributes.
So a missing, cut or changed file is found before anything is read from it.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import zarr
from zarr.codecs import BloscCodec
from zarr.storage import LocalStore

from daskdl.model.kept_frames import KeptFrame, kept_by
from daskdl.model.model import Model
from daskdl.model.record import FOLDS, layout_of, model_of, record_of, slots_of, states_of
from daskdl.model.versions import Versions, damage, manifest, missing
from daskdl.network.layout import Layout
from daskdl.network.state import State
from frames.exceptions import FileExists, FileMissing, H2OValueError

FORMAT = "daskdl-model"
SCHEMA_VERSION = 1
ATTRIBUTES = "zarr.json"
CHUNK = 16 << 20  # float32 numbers in one file: 64 MB
PACKAGES = ("daskdl", "numpy", "numba", "zarr")
SAVE_AGAIN = "Save the model again, or take another copy."


def save(model: Model, path: str | Path, force: bool = False, frames: bool = False) -> str:
    """Write a model to the folder `path` and return that.

    With `frames` also what cross-validation kept as frames: predictions, the fold of each row. `path` may be an address
    that fsspec knows (s3://...). With `force` a model that is there already is replaced, in one step: whoever kills
    this process finds the old one or the new one. Raises H2OValueError where something is there and `force` is not
    given, or something that is no model.

    Example: `load(save(model, "models/iris")).key`
    """
    if _is_address(path):
        return _upload(model, str(path), force, frames)
    folder = Path(path)
    versions = Versions(folder)
    _may_write(versions, force)
    partial = versions.begin()
    try:
        write_version(model, partial, frames)
        _read_back(partial)
        versions.commit(partial)
    except BaseException:
        versions.abandon(partial)
        raise
    return str(path)


def load(path: str | Path) -> Model:
    """Read the model that `save` wrote; no cluster is needed and nothing is unpickled.

    Where the newest version is damaged and an older one is sound, that one is read, with a warning. Raises
    H2OValueError "File not found" for nothing at all, and names the file for what is no model or damaged.
    """
    if _is_address(path):
        with _downloaded(str(path)) as copy:
            return _load(Path(copy), str(path))
    return _load(Path(path), str(path))


def _load(folder: Path, shown: str) -> Model:
    if not folder.exists():
        raise FileMissing(f"File not found: {shown}. Give the path that save_model returned.")
    while True:
        versions = Versions(folder).in_order() if folder.is_dir() else []
        if not versions:
            raise H2OValueError(
                f"{shown} must be a folder that save_model wrote; it holds no version of a model. Give the path that "
                "save_model returned."
            )
        model, troubles = _first_sound(versions)
        if not troubles or Versions(folder).in_order() == versions:  # else another process has just replaced the model
            break
    if model is None:
        raise H2OValueError(f"The model in {shown} is damaged: {troubles[0]}. {SAVE_AGAIN}")
    if troubles:
        said = f"{troubles[0]}. The older version {versions[len(troubles)].name} of the model is read instead. "
        warnings.warn(said + SAVE_AGAIN, RuntimeWarning, stacklevel=3)
    return model


def _first_sound(versions: Sequence[Path]) -> tuple[Model | None, list[str]]:
    """Return the model of the first sound version, and what is wrong with those before it."""
    troubles = []
    for version in versions:
        trouble = _trouble(version)
        if trouble is None:
            model, trouble = _read_whole(version)
            if model is not None:
                return model, troubles
        troubles.append(str(trouble))
    return None, troubles


def _read_whole(version: Path) -> tuple[Model | None, str | None]:
    """Return the model of a version, or which file went away while it was read: zarr reads such arrays as zeros."""
    try:
        content = _attributes(version)
    except OSError as cause:
        return None, str(cause)
    try:
        model = _read(content["record"], version)
    except (KeyError, TypeError, ValueError, OSError) as cause:
        gone = missing(version, content["manifest"])
        if gone is None:
            made = content["made_by"].get("daskdl")
            raise H2OValueError(
                f"{version}: the model was saved by daskdl {made} and this one cannot read it ({cause}). Use a daskdl "
                "that is at least as new."
            ) from cause
        return None, gone
    gone = missing(version, content["manifest"])
    return (None, gone) if gone else (model, None)


# ---- one version -----------------------------------------------------------------------------------------------------
def write_version(model: Model, folder: Path, frames: bool = False) -> None:
    """Write a model into an empty folder as one sealed Zarr group."""
    store = LocalStore(folder)
    root = zarr.create_group(store=store)
    record = _write(model, root)
    if frames:
        record["frames"] = _write_frames(kept_by(model), folder / "frames")
    content = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "made_by": _versions_of_packages(),
        "record": record,
        "manifest": manifest(folder, ATTRIBUTES),
    }
    root.attrs.put({**content, "digest": _digest(content)})


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


def _write_frames(kept: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Write frames in numbered folders, a file per partition; return their records, each with its number."""
    count = 0

    def write(one: KeptFrame) -> dict[str, Any]:
        nonlocal count
        below, count = folder / str(count), count + 1
        below.mkdir(parents=True)
        for partition, chunk in enumerate(one.chunks):
            (below / str(partition)).write_bytes(chunk)
        return {**one.record(), "number": count - 1}

    return {
        name: [write(one) for one in found] if isinstance(found, list) else write(found) for name, found in kept.items()
    }


def _read_frames(records: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Read the frames that `_write_frames` wrote; they stay bytes until somebody wants them on a cluster."""

    def read(record: Mapping[str, Any]) -> KeptFrame:
        below = folder / str(record["number"])
        return KeptFrame.from_record(record, [(below / str(p)).read_bytes() for p in range(record["chunks"])])

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


def _read(record: Mapping[str, Any], folder: Path) -> Model:
    """Read a model from a version (or a fold model from a folder inside) whose files are known to be sound."""
    folds = [_read(one, folder / "folds" / str(number)) for number, one in enumerate(record["folds"])]
    layout, slots = layout_of(record), slots_of(record)
    states = {}
    for name in ("state", "last"):
        if (folder / name).is_dir():
            states[name] = _read_state(folder / name, layout, slots)
    model = model_of(record, states, folds)
    model.extras.update(_read_frames(record.get("frames", {}), folder / "frames"))
    return model


def _read_state(folder: Path, layout: Layout, slots: Sequence[str]) -> State:
    group = zarr.open_group(LocalStore(folder, read_only=True), mode="r", zarr_format=3)
    state = layout.empty()
    for kind, wanted in _arrays(state, slots).items():
        values = np.asarray(group[kind][:])  # type: ignore[index]
        if values.shape != wanted.shape or values.dtype != wanted.dtype:  # kernels trust the sizes
            raise ValueError(f"{kind} must be {wanted.shape} {wanted.dtype}; got {values.shape} {values.dtype}")
        wanted[:] = values
    return state


def _read_back(folder: Path) -> None:
    trouble = _trouble(folder)
    if trouble:
        raise H2OValueError(f"A saved model must read back as it was written; got {trouble}. Is the disk sound?")


def _trouble(folder: Path) -> str | None:
    """Return what is wrong with a version as `file: what`, None for a sound one."""
    path = folder / ATTRIBUTES
    try:
        content = _attributes(folder)
        digest = content.pop("digest")
    except (OSError, ValueError, KeyError, TypeError) as cause:
        return f"{path}: the file cannot be read as the attributes of a model ({type(cause).__name__}: {cause})"
    if content.get("format") != FORMAT or _digest(content) != digest:
        return f"{path}: the file does not have the contents that were written (its checksum differs)"
    if content["schema_version"] > SCHEMA_VERSION:
        made = content["made_by"].get("daskdl")
        raise H2OValueError(
            f"{path}: the model was saved by a later daskdl ({made}, schema {content['schema_version']}); this one "
            f"reads up to schema {SCHEMA_VERSION}. Update daskdl."
        )
    return damage(folder, content["manifest"])


def _attributes(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / ATTRIBUTES).read_bytes())["attributes"])


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _versions_of_packages() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in PACKAGES}


# ---- where to ------------------------------------------------------------------------------------------------------
def _may_write(versions: Versions, force: bool) -> None:
    folder = versions.folder
    if folder.is_file():
        raise FileExists(
            f"File already exists: {folder}, and it is no model that save_model wrote. Give another path, or remove it."
        )
    if versions.foreign:
        raise FileExists(
            f"File already exists: {folder} is a folder with other things in it ({', '.join(versions.foreign[:5])}). "
            "Give another path."
        )
    if versions.exist and not force:
        raise FileExists(f"File already exists: {folder}. Use force=True to replace the model, or another path.")


def _is_address(path: str | Path) -> bool:
    return "://" in str(path)


def _upload(model: Model, address: str, force: bool, frames: bool) -> str:
    """Write a model here, then copy it: every file of the version first, the pointer last."""
    system, root = fsspec.core.url_to_fs(address)
    if system.exists(root) and not force:
        raise FileExists(f"File already exists: {address}. Use force=True to replace the model, or another path.")
    with tempfile.TemporaryDirectory(prefix="daskdl-") as aside:
        save(model, Path(aside) / "model", frames=frames)
        here = Path(aside) / "model"
        version = Versions(here).in_order()[0]
        older = _below(system, f"{root}/versions")
        for path in sorted(p for p in version.rglob("*") if p.is_file()):
            system.makedirs(f"{root}/{path.parent.relative_to(here).as_posix()}", exist_ok=True)
            system.put_file(str(path), f"{root}/{path.relative_to(here).as_posix()}")
        system.makedirs(f"{root}/refs", exist_ok=True)
        system.pipe_file(f"{root}/refs/latest.json", Versions(here).pointer.read_bytes())
        for name in older:
            system.rm(name, recursive=True)
    return address


def _below(system: Any, folder: str) -> list[str]:
    return list(system.ls(folder, detail=False)) if system.exists(folder) else []


@contextmanager
def _downloaded(address: str) -> Any:
    """Give a folder here with a copy of what lies at an address, as long as it is needed."""
    system, root = fsspec.core.url_to_fs(address)
    if not system.exists(root):
        raise FileMissing(f"File not found: {address}. Give the path that save_model returned.")
    with tempfile.TemporaryDirectory(prefix="daskdl-") as aside:
        for name in system.find(root):
            target = Path(aside) / "model" / name.removeprefix(root).lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            system.get_file(name, str(target))
        yield Path(aside) / "model"
