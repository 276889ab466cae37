"""What the workers of a cluster hold and do: memory, chunks and jobs, as h2o.cluster() shows them."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from dask.utils import format_bytes

from daskdl.metrics.table import H2OTwoDimTable

RUNNING = ("CREATED", "RUNNING")  # status of a job that is not over
SILENT = 10.0  # seconds without a heartbeat (two a second) after which a worker is no healthy one
HEAD = ("worker", "state", "threads", "CPU %", "memory in use", "memory limit", "chunks", "of bytes", "spilled")


class Held(NamedTuple):
    """What the scheduler keeps count of: by worker its chunks and their compressed bytes; the status of every job."""

    chunks: dict[str, tuple[int, int]]
    jobs: list[str]


def held_on(client: Any) -> Held | None:
    """Return what the workers hold; None where the scheduler lets nobody look (Dask's `blocked_handlers`)."""
    look = _look()
    try:
        chunks, jobs = client.run_on_scheduler(look)
    except ValueError:  # Dask's answer to a call that is blocked
        return None
    return Held(chunks, [*jobs, *_jobs_here()])


def _look() -> Any:
    """Return the function that looks: made in here it travels as it is, so that its scheduler needs no daskdl."""

    def look(dask_scheduler: Any) -> tuple[dict[str, tuple[int, int]], list[str]]:
        chunks = {}
        for name, worker in dask_scheduler.workers.items():
            sizes = [task.nbytes for task in worker.has_what if task.type == "frames.chunks.chunk.Chunk"]
            chunks[name] = len(sizes), sum(sizes)
        jobs = dask_scheduler.plugins.get("daskdl-jobs")
        return chunks, [] if jobs is None else jobs.statuses()

    return look


def _jobs_here() -> list[str]:
    """Return the status of each job of this process; what runs none has not loaded what runs them."""
    place = sys.modules.get("daskdl.dispatch.place")
    return [] if place is None else [record.status for record in place.HERE.records()]


def nodes_of(workers: dict[str, dict[str, Any]], held: Held | None) -> list[dict[str, Any]]:
    """Return one record per worker, in bytes; h2o-py's names where it has them.

    `memory` is its limit (0: none), `free_mem` what is left of that (None: no limit), `mem_value_size` what its
    `num_keys` chunks take, `swap_mem` what lies on its disk; the two of chunks are None where nobody may look.
    """
    return [_node(address, about, held) for address, about in workers.items()]


def _node(address: str, about: dict[str, Any], held: Held | None) -> dict[str, Any]:
    measured, limit = about.get("metrics") or {}, int(about["memory_limit"] or 0)
    used = int(measured.get("memory", 0))
    chunks, size = (None, None) if held is None else held.chunks.get(address, (0, 0))
    state = str(about.get("status", "running"))
    return {
        "address": address,
        "threads": int(about["nthreads"]),
        "memory": limit,
        "h2o": address,
        "healthy": state == "running" and time.time() - float(about["last_seen"]) < SILENT,
        "state": state,
        "last_ping": int(1000 * about["last_seen"]),
        "num_cpus": int(about["nthreads"]),
        "sys_load": float(measured.get("cpu", 0.0)),
        "used_mem": used,
        "free_mem": max(0, limit - used) if limit else None,
        "num_keys": chunks,
        "mem_value_size": size,
        "swap_mem": int((measured.get("spilled_bytes") or {}).get("disk", 0)),
    }


def workers_table(nodes: Sequence[dict[str, Any]]) -> H2OTwoDimTable:
    """Return a table of workers: a row for each."""
    rows = [
        [
            node["address"],
            node["state"] if node["healthy"] or node["state"] != "running" else "no heartbeat",
            node["threads"],
            round(node["sys_load"]),
            format_bytes(node["used_mem"]),
            format_bytes(node["memory"]) if node["memory"] else "none",
            "-" if node["num_keys"] is None else str(node["num_keys"]),
            "-" if node["mem_value_size"] is None else format_bytes(node["mem_value_size"]),
            format_bytes(node["swap_mem"]),
        ]
        for node in nodes
    ]
    kinds = ["string", "string", "int", "int", *["string"] * 5]
    return H2OTwoDimTable("", "", list(HEAD), kinds, rows)


def chunks_sentence(nodes: Sequence[dict[str, Any]]) -> str:
    """Say how many chunks lie on all workers, and what they take."""
    if any(node["num_keys"] is None for node in nodes):
        return "not told: the scheduler lets nobody look"
    count, size = (sum(node[what] for node in nodes) for what in ("num_keys", "mem_value_size"))
    return f"{count} with {format_bytes(size)}, compressed" if count else "none"


def jobs_sentence(held: Held | None) -> str:
    """Say how many jobs run, and how many are over, by their status.

    Example: `jobs_sentence(Held({}, ["DONE", "RUNNING"])) == "1 running, 1 done"`
    """
    if held is None:
        return "not told: the scheduler lets nobody look"
    counts = Counter("running" if status in RUNNING else status.lower() for status in held.jobs)
    order = ["running", *sorted(set(counts) - {"running"})]
    return ", ".join(f"{counts[status]} {status}" for status in order if counts[status]) or "none"
