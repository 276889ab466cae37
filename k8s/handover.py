"""Hand a worker's chunks over before it goes: a preload for the nanny of `dask worker`.

    dask worker tcp://scheduler:8786 --preload-nanny /opt/daskdl/k8s/handover.py

On SIGTERM (a pod that is evicted, drained or deleted) `dask worker` stops its worker at once, and what only that worker
held is computed again or lost. This module makes the nanny ask the scheduler first to retire the worker: it gets no new
tasks, every chunk that it alone holds is copied to another worker, and it is taken off the list, which frees its name
for the pod that replaces it. Only then does the nanny stop the process, and the pod ends with 0.

`DASKDL_HANDOVER_SECONDS` (default 60) is how long that may take; the pod needs ten more to stop its worker, which makes
its terminationGracePeriodSeconds. Where nobody can take the chunks (the last worker, a scheduler
that is gone, time that is up) the worker goes all the same, and the log says so.
"""

import asyncio
import logging
import os
import time

from distributed import Nanny

logger = logging.getLogger("distributed.nanny")  # a logger that Dask has set up: its lines appear
_begun = False  # a nanny may close twice, by the signal and because its worker went away


def _patience() -> float:
    text = os.environ.get("DASKDL_HANDOVER_SECONDS", "60")
    try:
        if float(text) > 0:
            return float(text)
    except ValueError:
        pass
    raise ValueError(f"DASKDL_HANDOVER_SECONDS must be a positive number of seconds; got {text!r}.")


PATIENCE = _patience()  # read now: a worker that cannot keep it does not start


async def dask_setup(nanny: Nanny) -> None:
    """Say that the preload is there."""
    logger.info("On SIGTERM this worker hands its chunks over, for up to %g s.", PATIENCE)


async def dask_teardown(nanny: Nanny) -> None:
    """Retire the worker of `nanny` and wait until its chunks are elsewhere; the nanny calls this before it closes."""
    global _begun
    if _begun or nanny.process is None or nanny.worker_address is None:
        return
    _begun = True
    began = time.monotonic()
    try:
        retired = await asyncio.wait_for(_retire(nanny, nanny.worker_address), PATIENCE)
    except TimeoutError:
        logger.warning("Handover: not done after %g s; what is left is computed again.", PATIENCE)
    except OSError as cause:  # a scheduler that is gone: nobody needs the chunks
        logger.warning("Handover: the scheduler does not answer (%s).", cause)
    else:
        said = "chunks are on other workers" if retired else "there is no other worker to take chunks"
        logger.info("Handover: %s; %.1f s.", said, time.monotonic() - began)


async def _retire(nanny: Nanny, worker: str) -> bool:
    """Return whether the scheduler let the worker go; a worker that it no longer knows has nothing to hand over."""
    answer = await nanny.scheduler.retire_workers(workers=[worker], close_workers=False, remove=True)
    return worker in answer
