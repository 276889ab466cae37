"""init, connect, cluster, shutdown: which Dask cluster the work runs on, and what it looks like."""

import functools
import inspect
import math
import os
import platform
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import TYPE_CHECKING, Any, NamedTuple

from dask.utils import parse_bytes

from daskdl.door.nodes import Held, chunks_sentence, held_on, jobs_sentence, nodes_of, workers_table
from daskdl.door.reaching import connected
from daskdl.metrics.table import H2OTwoDimTable
from frames.cluster import progress_bars, session
from frames.cluster.connection import identity
from frames.exceptions import H2OResponseError, H2OTypeError, H2OValueError
from frames.text import zones

if TYPE_CHECKING:
    from frames.frame import H2OFrame

LOCAL = (None, "localhost", "127.0.0.1", "::1", "0.0.0.0")
LISTENS, PRELOAD = "daskdl.page.reports", "daskdl.page.preload"  # what hears of jobs, and what shows them on a page


def init(
    url: str | None = None,
    ip: str | None = None,
    port: int | None = None,
    name: str | None = None,
    https: bool | None = None,
    cacert: str | None = None,
    insecure: bool | None = None,
    username: str | None = None,
    password: str | None = None,
    cookies: Any = None,
    proxy: Any = None,
    start_h2o: bool = True,
    nthreads: int = -1,
    ice_root: str | None = None,
    log_dir: str | None = None,
    log_level: str | None = None,
    max_log_file_size: str | None = None,
    enable_assertions: bool = True,
    max_mem_size: str | int | None = None,
    min_mem_size: str | int | None = None,
    strict_version_check: bool | None = None,
    ignore_config: bool = False,
    extra_classpath: Any = None,
    jvm_custom_args: Any = None,
    bind_to_localhost: bool = True,
    verbose: bool = True,
    telemetry: bool | None = None,
    *,
    client: Any = None,
    address: str | None = None,
    dashboard: bool = True,
    **for_a_java_server: Any,
) -> None:
    """Connect to a cluster or start one inside this process, and print what it is.

    client        a distributed.Client of yours
    address, url  of a Dask scheduler, such as tcp://host:8786; or `ip` (not this machine) and `port` (default 8786)
    nthreads      threads of the embedded cluster, -1 one per core; max_mem_size its memory, such as "4GB"
    start_h2o     False: only connect, never start
    dashboard     serve Dask's pages, on `port` if one is given, with one of training jobs (docs/dashboard.md); on a
                  cluster that is there already: add that page to those it serves

    Called again it keeps the cluster in use unless another one is named; a UserWarning says which arguments can then
    have no effect. Those for a Java server are accepted and named in the printed status. Raises H2OResponseError where
    no scheduler answers.

    Example: ``h2o.init()``, ``h2o.init(address="tcp://10.0.0.5:8786")``.
    """
    idle = _without_meaning(init, locals(), for_a_java_server)
    session.refuse_a_fork()
    asked = _Asked(nthreads, _memory(max_mem_size), port if ip in LOCAL and dashboard else None)
    remote = address or url or (f"tcp://{ip}:{port or 8786}" if ip not in LOCAL else None)
    if client is not None or remote is not None:
        session.set_client(client if client is not None else connected(str(remote)))
        if dashboard:
            _show_jobs()
        asked.compare(cluster())
    elif session.is_running():
        asked.compare(cluster())
    elif not start_h2o:
        raise H2OResponseError("init(start_h2o=False) requires a cluster: give client= or address=.")
    else:
        shown = {"dashboard": f"127.0.0.1:{port or 8787}", "preload": (LISTENS,), "pages": (PRELOAD,)}
        session.start(nthreads, asked.memory, **(shown if dashboard else {}))
        asked.compare(cluster(), new=True)
    if verbose:
        cluster().show_status()
        if idle:
            print(f"Without meaning here, where no Java server runs: {', '.join(sorted(idle))}.")


def connect(
    server: Any = None,
    url: str | None = None,
    ip: str | None = None,
    port: int | None = None,
    https: bool | None = None,
    verify_ssl_certificates: bool | None = None,
    cacert: str | None = None,
    auth: Any = None,
    proxy: Any = None,
    cookies: Any = None,
    verbose: bool = True,
    config: Any = None,
    strict_version_check: bool = False,
    telemetry: bool | None = None,
    *,
    client: Any = None,
    address: str | None = None,
) -> "H2OCluster":
    """Connect to a Dask cluster that runs already and return it; arguments as for init()."""
    idle = _without_meaning(connect, locals(), {})
    if isinstance(server, H2OCluster):
        client = server.client
    where = address or url or (f"tcp://{ip or '127.0.0.1'}:{port}" if ip or port else None)
    init(where, client=client, start_h2o=False, verbose=verbose, **idle)
    return cluster()


# What init() and connect() do something with. Their other arguments are those of h2o-py for its Java server.
MEANT = frozenset(
    (
        *("server", "url", "ip", "port", "start_h2o", "nthreads", "max_mem_size", "verbose"),
        *("client", "address", "dashboard", "for_a_java_server"),
    )
)
DEPRECATED = frozenset(("proxies", "max_mem_size_GB", "min_mem_size_GB", "force_connect", "as_port"))


def _without_meaning(function: Any, given: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments for a Java server that were given; TypeError for one that h2o-py does not know either."""
    declared = inspect.signature(function).parameters
    known = {name: one.default for name, one in declared.items() if name not in MEANT}
    unknown = sorted(set(more) - DEPRECATED - set(inspect.signature(connect).parameters))
    if unknown:
        raise TypeError(f"{function.__name__}() got an unexpected keyword argument '{unknown[0]}'")
    return {name: given[name] for name, default in known.items() if given[name] != default} | more


class _Asked(NamedTuple):
    """What a call of init() wants of the embedded cluster: threads (-1: any), memory and the port of Dask's pages."""

    threads: int
    memory: str | int | None
    port: int | None

    def compare(self, running: "H2OCluster", new: bool = False) -> None:
        """Warn of what a cluster does not give: threads and memory of one that runs already cannot change any more."""
        threads, memory = (sum(node[what] for node in running.nodes) for what in ("threads", "memory"))
        missed = []
        if self.threads != -1 and self.threads != threads:
            missed.append(f"nthreads={self.threads} (it has {threads})")
        if self.memory is not None and not math.isclose(parse_bytes(self.memory), memory, rel_tol=0.02):
            has = f"{memory / 2**30:.3g} GiB" if memory else "no limit"
            missed.append(f"max_mem_size={self.memory} (it has {has})")
        pages = running.dashboard_link or "off"
        if not new and self.port is not None and f":{self.port}/" not in pages:
            missed.append(f"port={self.port} (its pages: {pages})")
        if new:
            said = "The cluster has no more than this machine"
            remedy = "Give a smaller max_mem_size."
        elif session.is_embedded():
            said = "init() keeps a cluster that runs as it is"
            remedy = "Call h2o.cluster().shutdown() first; it forgets all frames and models."
        else:
            said = "init() keeps a cluster that runs as it is"
            remedy = "Say it where its workers are started: dask worker --nthreads 4 --memory-limit 4GB."
        if missed:
            text = f"{said}, so this has no effect: {', '.join(missed)}. {remedy}"
            warnings.warn(text, UserWarning, stacklevel=3)


def _show_jobs() -> None:
    """Add the page of jobs to the dashboard of the cluster in use; warn where its scheduler cannot have it."""
    from daskdl.page.attach import attach

    trouble = attach(session.client())
    if trouble is not None:
        warnings.warn(trouble, UserWarning, stacklevel=3)


def _memory(size: str | int | None) -> str | int | None:
    """Return a size as Dask writes it: H2O's 4g and 500m are 4GB and 500MB, a bare number below 1,000 counts gigabytes.

    Raises H2OTypeError or H2OValueError for what is no size.
    """
    if isinstance(size, bool) or not isinstance(size, (str, int, type(None))):
        raise H2OTypeError(f"Argument `max_mem_size` should be a ?string, got {type(size).__name__} {size}")
    if not size:
        return None
    if isinstance(size, int):
        size = f"{size}GB" if 0 < size < 1000 else size
    elif size.strip().isdigit():
        return _memory(int(size))
    elif size[-1:].lower() in ("k", "m", "g", "t"):
        size = f"{size}B"
    try:
        if parse_bytes(size) > 0:
            return size
    except ValueError:  # refused below, like a size of nothing
        pass
    raise H2OValueError(f'max_mem_size must be a size, such as "4g", "500m" or "2GiB"; got {size!r}.')


class H2OCluster:
    """The cluster in use, as h2o.cluster() describes it."""

    def __init__(self, client: Any):
        self.client = client
        self._info: dict[str, Any] = identity(client)

    @functools.cached_property
    def _held(self) -> Held | None:
        """What the workers hold, looked at when it is first asked for."""
        return held_on(self.client)

    @property
    def version(self) -> str:
        """Version of daskdl."""
        return metadata.version("daskdl")

    @property
    def cloud_name(self) -> str:
        """Address of the scheduler."""
        return str(self._info["address"])

    @property
    def cloud_size(self) -> int:
        """Number of workers."""
        return len(self._info["workers"])

    @property
    def cloud_healthy(self) -> bool:
        """Whether there are workers, and all of them answer and take tasks."""
        return bool(self._info["workers"]) and all(node["healthy"] for node in self.nodes)

    @property
    def cloud_uptime_millis(self) -> int:
        """Milliseconds since the scheduler started."""
        return max(0, int(1000 * (time.time() - self._info["started"])))

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """One record per worker: address, threads, memory, chunks and more; `daskdl.door.nodes.nodes_of` names them."""
        return nodes_of(self._info["workers"], self._held)

    def node(self, node_id: int) -> dict[str, Any]:
        """Return the record of a worker by its number, counted from 0. Raises H2OValueError for one that is not there.

        For instance ``h2o.cluster().node(0)["free_mem"]``.
        """
        nodes = self.nodes
        if not 0 <= node_id < len(nodes):
            raise H2OValueError(f"node() must be given a number from 0 to {len(nodes) - 1}; got {node_id}.")
        return nodes[node_id]

    @property
    def dashboard_link(self) -> str | None:
        """Address of Dask's pages, None where none are served."""
        port = self._info.get("services", {}).get("dashboard")
        if port is None:
            return None
        link = self.client.dashboard_link
        host = self.cloud_name.removeprefix("inproc://").split("/")[0]
        # The embedded cluster serves this machine only, but Dask writes the address that others would see.
        return link.replace(f"//{host}:", "//127.0.0.1:") if self.cloud_name.startswith("inproc") else link

    @property
    def timezone(self) -> str:
        """The time zone of times that say none: of texts when they are read, and of `hour()`, `day()` and so on.

        UTC, unless set: ``h2o.cluster().timezone = "America/Denver"``. Times that are there already stay the moments
        they are. Raises H2OValueError for a name that h2o.list_timezones() does not have.
        """
        return zones.current()

    @timezone.setter
    def timezone(self, value: str) -> None:
        zones.use(value)

    def list_timezones(self) -> "H2OFrame":
        """Return the names of all known time zones, one column `Timezones`."""
        from daskdl.door.tables import list_timezones

        return list_timezones()

    def is_running(self) -> bool:
        """Tell whether the scheduler still answers."""
        return self.client.status == "running"

    def status_table(self) -> H2OTwoDimTable:
        """Return what show_status() prints first, as a table of names and values."""
        nodes = self.nodes
        limit, used = (sum(node[what] for node in nodes) for what in ("memory", "used_mem"))
        embedded = self.cloud_name.startswith("inproc")
        rows = [
            ("cluster", "embedded in this process" if embedded else self.cloud_name),
            ("workers", str(self.cloud_size) + ("" if self.cloud_healthy else ", not all of them healthy")),
            ("threads", str(sum(node["threads"] for node in nodes))),
            ("memory", f"{used / 2**30:.1f} of {limit / 2**30:.1f} GiB in use" if limit else "no limit"),
            ("chunks", chunks_sentence(nodes)),
            ("jobs", jobs_sentence(self._held)),
            ("dashboard", self.dashboard_link or "off"),
            ("time zone", self.timezone),
            ("daskdl", self.version),
            ("python", f"{platform.python_version()} ({sys.platform}, {os.cpu_count()} cores)"),
            *((name, metadata.version(name)) for name in ("dask", "numba", "numpy")),
        ]
        return H2OTwoDimTable("", "", ["", "daskdl cluster"], ["string", "string"], [list(row) for row in rows])

    get_status = status_table  # h2o-py's name

    def get_status_details(self) -> H2OTwoDimTable:
        """Return the table of workers: state, threads, memory, chunks and their bytes, what is spilled to disk."""
        return workers_table(self.nodes)

    def show_status(self, detailed: bool = False) -> None:
        """Print how the cluster was when h2o.cluster() was called: itself, chunks and jobs, and its workers.

        Workers are left out where there is one alone, unless `detailed` asks for them.
        """
        self.status_table().show()
        if detailed or self.cloud_size > 1:
            print()
            self.get_status_details().show()

    def shutdown(self, prompt: bool = False) -> None:
        """Forget all frames and models and close the embedded cluster; one of yours stays up."""
        if prompt:
            answer = input("Shut down the cluster and forget its frames and models (Y/N)? ")
            if answer.strip().lower() not in ("y", "yes"):
                return
        session.stop()

    def _repr_html_(self) -> str:
        return self.status_table()._repr_html_() + self.get_status_details()._repr_html_()

    def __repr__(self) -> str:
        return f"H2OCluster({self.cloud_name}, {self.cloud_size} workers)"


def cluster() -> H2OCluster:
    """Return the cluster in use (the embedded one is started if there is none)."""
    return H2OCluster(session.client())


def shutdown(prompt: bool = False) -> None:
    """Do what cluster().shutdown(prompt) does (h2o-py's older form)."""
    cluster().shutdown(prompt)


def no_progress() -> None:
    """Draw no progress bars from now on."""
    progress_bars.show(False)


@contextmanager
def no_progress_block() -> Iterator[None]:
    """Draw no progress bars inside a with statement."""
    with progress_bars.hidden():
        yield


def show_progress() -> None:
    """Draw progress bars again."""
    progress_bars.show(True)
