"""What is kept under which name: ls, frames, models, remove, remove_all; and the small tables of the package."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from daskdl.door.jobs import kept_frame, kept_names, remove_kept
from frames.cluster import registry
from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame

DATA = Path(__file__).resolve().parent.parent / "data"


def ls() -> pd.DataFrame:
    """Return the names of all frames, models and grids, a pandas DataFrame with the column `key`.

    What jobs beside the scheduler have left there is listed, too: get_model and get_frame fetch it.
    """
    left = [name for names in kept_names() for name in names]
    return pd.DataFrame({"key": sorted({*registry.keys(), *left})}, dtype=object)


def get_frame(frame_id: str) -> H2OFrame | None:
    """Return the frame of this id, None if there is none.

    Found are frames of this process, and those that a job beside the scheduler reads, or has read for a client that is
    gone.
    """
    found = H2OFrame.get_frame(frame_id)
    if found is None and (found := kept_frame(frame_id)) is not None:
        found.frame_id = frame_id
    return found


def frames() -> dict[str, list[dict[str, Any]]]:
    """Return a record of every frame: {"frames": [{"frame_id", "rows", "columns"}, ...]}."""
    kept = ((key, registry.get(key)) for key in list(registry.keys()))
    records = [
        {"frame_id": {"name": key}, "rows": frame.nrow, "columns": frame.ncol}
        for key, frame in kept
        if isinstance(frame, H2OFrame)
    ]
    return {"frames": records}


def models() -> list[str]:
    """Return the ids of all models, those that jobs beside the scheduler have left there included."""
    own = [key for key in list(registry.keys()) if hasattr(registry.get(key), "resolved")]
    return sorted({*own, *kept_names()[0]})


def remove(x: Any, cascade: bool = True) -> None:
    """Forget a frame, model or grid given as object or name, or a list of them.

    A removed frame cannot be used any more. With `cascade` the frames and fold models of a model, and the models of a
    grid, go too. Names that do not exist are passed over, as in h2o-py.
    """
    for one in x if isinstance(x, (list, tuple)) else [x]:
        if not isinstance(one, str) and _name(one) is None:
            raise H2OTypeError(
                f"remove() takes frames, models, grids or their names; got {type(one).__name__} {one!r}."
            )
        _forget(one, cascade)


def _forget(one: Any, cascade: bool) -> None:
    key = one if isinstance(one, str) else _name(one)
    if key is not None:
        remove_kept(key)
    kept = registry.get(one) if isinstance(one, str) else one
    if isinstance(kept, H2OFrame):
        kept._discard()
    elif key is not None:
        registry.remove(key)
        if cascade:
            for model_id in getattr(kept, "model_ids", ()):  # those of a grid
                _forget(model_id, cascade)
            for other in list(registry.keys()):
                if other.startswith((f"{key}.weights.", f"{key}.biases.", f"{key}_cv_", f"prediction_{key}_cv_")):
                    registry.remove(other)
            for prefix in ("cv_holdout_prediction", "cv_fold_assignment"):
                registry.remove(f"{prefix}_{key}")


def _name(one: Any) -> str | None:
    if isinstance(one, H2OFrame):
        return one.frame_id
    return next(
        (getattr(one, a) for a in ("model_id", "grid_id", "key") if isinstance(getattr(one, a, None), str)), None
    )


def remove_all(retained: Iterable[Any] | None = None) -> None:
    """Forget everything except the frames and models (objects or names) in `retained`."""
    kept = {one if isinstance(one, str) else _name(one) for one in retained or ()}
    for key in {*registry.keys(), *(name for names in kept_names() for name in names)} - kept:
        _forget(key, cascade=False)


def load_dataset(relative_path: str) -> H2OFrame:
    """Import one of the small tables that come with the package: prostate, iris, ecg_train, ecg_test.

    prostate: 380 patients, response CAPSULE (0/1). iris: 150 flowers, response class. ecg_train, ecg_test: heartbeats
    of 210 values each, 20 normal ones to learn from; the test table holds the same 20 and three odd ones.
    """
    from frames.functions import import_file

    frame = import_file(str(dataset_path(relative_path)))
    assert isinstance(frame, H2OFrame)  # parse=False is not asked for
    return frame


def dataset_path(name: str) -> Path:
    """Return the file of a packaged table."""
    known = sorted(path.stem for path in DATA.glob("*.csv"))
    stem = Path(name).stem
    if stem not in known:
        raise H2OValueError(f"A packaged table must be one of {', '.join(known)}; got '{name}'.")
    return DATA / f"{stem}.csv"
