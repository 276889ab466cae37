"""h2o.jobs: what is being trained, here and beside the scheduler, whoever began it; what finished jobs have left."""

from __future__ import annotations

from typing import Any

from daskdl.estimators.deeplearning import estimator_of
from daskdl.estimators.listed_jobs import Jobs, ListedJob
from frames.cluster import session


def jobs() -> Jobs:
    """Return the jobs of the cluster in use and of this process, the oldest first, each a ListedJob.

    A job beside the scheduler is listed for every client, also after the one that began it has gone.

    For instance ``h2o.jobs()[-1].progress``, ``h2o.jobs().of_model("m").join()``.
    """
    found = [ListedJob(place, record.key, estimator_of, record) for place in _places() for record in place.records()]
    return Jobs(sorted(found, key=lambda job: job.start_time))


def kept_model(model_id: str) -> Any:
    """Return a model that a job of the cluster in use has left there; None where there is none."""
    return next((model for place in _places() if (model := place.model(model_id)) is not None), None)


def kept_frame(frame_id: str) -> Any:
    """Return a frame that a job of the cluster in use holds there; None where there is none."""
    return next((frame for place in _places() if (frame := place.frame(frame_id)) is not None), None)


def kept_names() -> tuple[list[str], list[str]]:
    """Return the ids of models and of frames that jobs of the cluster in use keep there."""
    models, frames = zip(*(place.names() for place in _places()), strict=True)
    return [name for names in models for name in names], [name for names in frames for name in names]


def remove_kept(name: str) -> None:
    """Let go of a model or of a frame that jobs of the cluster in use keep there."""
    for place in _places():
        place.remove(name)


def _places() -> list[Any]:
    """Return where jobs of this process run: here, and beside the scheduler in use where it is another process."""
    from daskdl.dispatch.place import HERE, place_of  # here, so that importing the package does not load the kernels

    if not session.is_running() or session.is_embedded():
        return [HERE]
    return list({id(one): one for one in (HERE, place_of(session.client()))}.values())
