"""init, connect, cluster, shutdown: which Dask cluster the work runs on, and what it looks like."""

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Any

from daskdl.table import H2OTwoDimTable
from frames import session
from frames.errors import H2OResponseError, H2OTypeError

LOCAL = (None, "localhost", "127.0.0.1", "::1", "0.0.0.0")
SECONDS_TO_CONNECT = 10
# What h2o-py offers for its Java server: known, and without meaning here.
FOR_A_JAVA_SERVER = frozenset(
    {
        *("name", "https", "insecure", "username", "password", "cookies", "proxy", "enable_assertions", "ice_root"),
        *("log_dir", "log_level", "max_log_file_size", "min_mem_size", "strict_version_check", "ignore_config"),
        *("extra_classpath", "jvm_custom_args", "bind_to_localhost", "verify_ssl_certificates", "cacert", "as_port"),
    }
)


def init(
    url: str | None = None,
    ip: str | None = None,
    port: int | None = None,
    nthreads: int = -1,
    max_mem_size: str | int | None = None,
    start_h2o: bool = True,
    verbose: bool = True,
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
    dashboard     serve Dask's pages; on `port` if one is given

    Called again it keeps the cluster in use unless another one is named. Arguments for a Java server are accepted and
    named in the printed status. Raises H2OResponseError where no scheduler answers.

    Example: ``h2o.init()``, ``h2o.init(address="tcp://10.0.0.5:8786")``.
    """
    unknown = sorted(set(for_a_java_server) - FOR_A_JAVA_SERVER)
    if unknown:
        raise TypeError(f"init() got an unexpected keyword argument '{unknown[0]}'")
    remote = address or url or (f"tcp://{ip}:{port or 8786}" if ip not in LOCAL else None)
    if client is not None:
        session.set_client(client)
    elif remote is not None:
        session.set_client(_connected(remote))
    elif not session.is_running():
        if not start_h2o:
            raise H2OResponseError("init(start_h2o=False) requires a cluster: give client= or address=.")
        memory = _memory(max_mem_size)
        session.start(nthreads, memory, f"127.0.0.1:{port or 8787}" if dashboard else None)
    if verbose:
        cluster().show_status()
        if for_a_java_server:
            print(f"Without meaning here, where no Java server runs: {', '.join(sorted(for_a_java_server))}.")


def connect(
    server: Any = None,
    url: str | None = None,
    ip: str | None = None,
    port: int | None = None,
    verbose: bool = True,
    *,
    client: Any = None,
    address: str | None = None,
    **for_a_java_server: Any,
) -> "H2OCluster":
    """Connect to a Dask cluster that runs already and return it; arguments as for init()."""
    if isinstance(server, H2OCluster):
        client = server.client
    where = address or url or (f"tcp://{ip or '127.0.0.1'}:{port}" if ip or port else None)
    init(where, client=client, start_h2o=False, verbose=verbose, **for_a_java_server)
    return cluster()


def _connected(address: str) -> Any:
    import distributed

    try:
        return distributed.Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise H2OResponseError(
            f"A Dask scheduler must answer at {address}; none did within {SECONDS_TO_CONNECT} seconds ({error}). "
            "Start one with `dask scheduler`, or call init() without an address."
        ) from error


def _memory(size: str | int | None) -> str | int | None:
    """H2O writes 4g and 500m, and takes bare numbers as gigabytes; Dask writes 4GB."""
    if isinstance(size, bool) or not isinstance(size, (str, int, type(None))):
        raise H2OTypeError(f"Argument `max_mem_size` should be a ?string, got {type(size).__name__} {size}")
    if isinstance(size, int) and size < 1000:
        return f"{size}GB"
    if isinstance(size, str) and size[-1:].lower() in ("k", "m", "g", "t"):
        return f"{size}B"
    return size


class H2OCluster:
    """The cluster in use, as h2o.cluster() describes it."""

    def __init__(self, client: Any):
        self.client = client
        self._info: dict[str, Any] = client.scheduler_info(n_workers=-1)

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
    def nodes(self) -> list[dict[str, Any]]:
        """One record per worker: address, threads, memory in bytes (0: no limit)."""
        return [
            {"address": address, "threads": worker["nthreads"], "memory": worker["memory_limit"] or 0}
            for address, worker in self._info["workers"].items()
        ]

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

    def is_running(self) -> bool:
        """Tell whether the scheduler still answers."""
        return self.client.status == "running"

    def status_table(self) -> H2OTwoDimTable:
        """Return what show_status() prints, as a table of names and values."""
        memory = sum(node["memory"] for node in self.nodes)
        embedded = self.cloud_name.startswith("inproc")
        rows = [
            ("cluster", "embedded in this process" if embedded else self.cloud_name),
            ("workers", str(self.cloud_size)),
            ("threads", str(sum(node["threads"] for node in self.nodes))),
            ("memory", f"{memory / 2**30:.1f} GiB" if memory else "no limit"),
            ("dashboard", self.dashboard_link or "off"),
            ("daskdl", self.version),
            ("python", f"{platform.python_version()} ({sys.platform}, {os.cpu_count()} cores)"),
            *((name, metadata.version(name)) for name in ("dask", "numba", "numpy")),
        ]
        return H2OTwoDimTable("", "", ["", "daskdl cluster"], ["string", "string"], [list(row) for row in rows])

    def show_status(self, detailed: bool = False) -> None:
        """Print the status table; `detailed` adds a line per worker."""
        self.status_table().show()
        if detailed:
            for node in self.nodes:
                print(f"{node['address']}: {node['threads']} threads, {node['memory'] / 2**30:.1f} GiB")

    def shutdown(self, prompt: bool = False) -> None:
        """Forget all frames and models and close the embedded cluster; one of yours stays up."""
        if prompt:
            answer = input("Shut down the cluster and forget its frames and models (Y/N)? ")
            if answer.strip().lower() not in ("y", "yes"):
                return
        session.stop()

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
    session.show_progress = False


@contextmanager
def no_progress_block() -> Iterator[None]:
    """Draw no progress bars inside a with statement."""
    before, session.show_progress = session.show_progress, False
    try:
        yield
    finally:
        session.show_progress = before


def show_progress() -> None:
    """Draw progress bars again."""
    session.show_progress = True
