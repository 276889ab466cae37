"""A cluster of Dask workers in this process, in use while a test lasts: light, and its workers are at hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import distributed

from frames.cluster import session


@contextmanager
def workers_here(count: int, **options: Any) -> Iterator[distributed.LocalCluster]:
    """Start `count` workers of one thread without pages, and say nothing of what happens to them.

    `options` are those of `distributed.LocalCluster`. The session before is in use again afterwards.
    """
    before = session._current
    places = {"dashboard_address": "127.0.0.1:0", "worker_dashboard_address": None}
    with (
        distributed.LocalCluster(
            n_workers=count, threads_per_worker=1, processes=False, silence_logs=50, **places, **options
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        session.set_client(client)
        yield cluster
        session.set_client(before)
