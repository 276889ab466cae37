"""The cluster in use and the registry of names."""

import gc
import os
import subprocess
import sys

import distributed
import pytest

from frames.cluster import registry, session
from frames.cluster.sending import threads_of
from frames.exceptions import H2OResponseError, H2OTypeError, H2OValueError


class Thing:
    """Something that can be held weakly."""


def test_a_users_setting_of_dask_stays_and_frames_show_their_texts_as_they_are(client):
    import dask
    import dask.dataframe as dd
    import pandas as pd

    from frames.frame import H2OFrame

    assert dask.config.get("dataframe.convert-string", None) is None
    texts = pd.DataFrame({"a": ["x", "y", None, "z"], "b": [1, 2, 3, 4]})
    theirs = dd.from_pandas(texts, npartitions=2)
    frame = H2OFrame(theirs, column_types={"a": "string"})
    assert frame.as_data_frame()["a"].tolist()[:2] == ["x", "y"]
    assert frame.types["a"] == "string"
    shown = frame.ddf
    assert shown.compute()["a"].tolist()[:2] == ["x", "y"]
    assert "conversion" not in repr(shown.expr).lower()
    assert dask.config.get("dataframe.convert-string", None) is None


def test_the_embedded_cluster_is_started_once(client):
    assert session.client() is client
    assert session.start() is client
    assert session.is_running()
    assert session.is_embedded()
    assert threads_of(client) == (1, 2)


def test_a_task_gets_the_client_of_its_worker(client):
    def inside():
        from frames.cluster import session as there

        return type(there.client()).__name__

    assert client.submit(inside, pure=False).result(timeout=30) == "Client"


def test_a_client_of_the_user_is_used_and_given_back(client):
    with distributed.Client(client.scheduler.address, set_as_default=False) as other:
        session.set_client(other)
        assert session.client() is other
        assert not session.is_embedded()
    session.set_client(None)
    assert session.client() is client


def test_where_the_users_client_was_closed_nothing_begins_on_another_cluster_in_silence(client):
    with distributed.Client(client.scheduler.address, set_as_default=False) as other:
        session.set_client(other)
    try:
        with pytest.raises(H2OResponseError, match=r"it was closed.* h2o\.init\(address=\.\.\.\)"):
            session.client()
    finally:
        session.set_client(client)
    assert session.client() is client


def test_what_is_no_open_client_is_refused(client):
    with pytest.raises(H2OTypeError, match="got str"):
        session.set_client("tcp://somewhere")
    closed = distributed.Client(client.scheduler.address, set_as_default=False)
    closed.close()
    with pytest.raises(H2OValueError, match="must be open"):
        session.set_client(closed)
    for bad in (0, -2, 1.5, True):
        with pytest.raises(H2OValueError, match="nthreads"):
            session.start(bad)
    assert session.client() is client


def test_names_are_kept_until_removed_and_temporary_ones_while_held():
    kept, held = Thing(), Thing()
    registry.register("a", kept)
    registry.register("b", held, temporary=True)
    assert registry.keys() == ["a", "b"]
    assert registry.get("b") is held
    del kept, held
    gc.collect()
    assert registry.keys() == ["a"]
    assert registry.get("nope") is None
    assert registry.remove("a")
    assert not registry.remove("a")
    assert registry.keys() == []


def test_a_name_moves_to_its_newest_owner():
    first, second = Thing(), Thing()
    registry.register("a", first, temporary=True)
    registry.register("a", second)
    assert registry.get("a") is second
    assert registry.keys() == ["a"]


def test_new_keys_are_new():
    one, two = registry.temporary_key(), registry.temporary_key()
    assert one != two
    assert one.startswith("py_")
    assert one.split("_sid_")[1] == two.split("_sid_")[1]
    assert registry.file_key("iris") == "iris.hex"
    registry.register("iris.hex", Thing())
    assert registry.file_key("iris") == "iris1.hex"
    registry.register("iris1.hex", Thing())
    assert registry.file_key("iris") == "iris2.hex"


def test_a_process_that_used_the_embedded_cluster_ends_cleanly():
    code = (
        "import warnings; warnings.simplefilter('error')\n"
        "from frames.cluster import session\n"
        "assert session.client().submit(int, 5).result() == 5\n"
        "assert session.is_running()\n"
        "from frames.frame import H2OFrame\n"
        "import asyncio; assert session.client().sync(asyncio.to_thread, int) == 0\n"  # the loop has a pool: 3.12 minds
        "frame = H2OFrame([['a', 1], ['b', 2]])\n"  # still on its way when the process ends
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/net, which only Linux has")
def test_the_embedded_cluster_listens_on_loopback_only(client):
    mine = {os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _is_socket(fd)}
    for table, loopback in (("tcp", "0100007F"), ("tcp6", "00000000000000000000000001000000")):
        with open(f"/proc/net/{table}", encoding="ascii") as stream:
            rows = [line.split() for line in stream][1:]
        open_to = [row[1].partition(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in mine]
        assert all(address == loopback for address in open_to), open_to


def _is_socket(fd: str) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{fd}").startswith("socket:")
    except OSError:  # the descriptor that lists the folder is closed by now
        return False


def test_chunks_beyond_half_of_the_memory_limit_go_to_disk_and_come_back():
    code = (
        "import numpy as np\n"
        "from frames.cluster import session\n"
        "from frames.frame import H2OFrame\n"
        "from frames.table.make import table_from_columns\n"
        "client = session.start(nthreads=1, memory_limit='8MB')\n"
        "random = np.random.default_rng(1)\n"
        "arrays = [random.normal(size=250_000) for _ in range(4)]\n"
        "frames = [H2OFrame._of(table_from_columns(['x'], None, [array])) for array in arrays]\n"
        "assert [f.sum() for f in frames]\n"
        "(worker,) = client.cluster.workers.values()\n"
        "assert worker.data.fast.total_weight < 4.1e6, worker.data.fast.total_weight\n"
        "assert len(worker.data.slow) >= 2\n"
        "for frame, array in zip(frames, arrays):\n"
        "    assert (frame.as_data_frame()['x'].to_numpy() == array).all()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
