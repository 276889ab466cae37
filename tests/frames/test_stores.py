"""Stores: a file is there whole or not at all, of several that create it one succeeds, and what is missing is said."""

import os
import threading
import time
import uuid

import pytest

from frames.exceptions import FrameError
from frames.stores.base import PARTIAL, Store
from frames.stores.choose import is_address, kinds, store_at
from frames.stores.disk import Disk
from frames.stores.filesystems import Filesystem
from frames.stores.objects import Objects

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # of botocore


class DiskWithoutLinks(Disk):
    """A disk whose file system has no hard links, such as exFAT."""

    def create(self, name, data):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "link", self._refuse)
            return super().create(name, data)

    def _refuse(self, *_):
        raise OSError(95, "Operation not supported")


@pytest.fixture(params=["disk", "disk without links", "memory", "s3 by s3fs", "s3 by obstore"])
def store(request, tmp_path) -> Store:
    if request.param.startswith("disk"):
        return (Disk if request.param == "disk" else DiskWithoutLinks)(str(tmp_path / "place"))
    if request.param == "memory":
        return Filesystem(f"memory://{uuid.uuid4().hex}")
    address = request.getfixturevalue("object_store")
    if request.param.endswith("obstore"):
        pytest.importorskip("obstore", reason="needs obstore: pip install 'daskdl[test]'")
    kind = Objects if request.param.endswith("obstore") else Filesystem
    return kind(f"{address}/{uuid.uuid4().hex}")


def test_what_is_written_is_read_by_another(store):
    assert store.names() == store.entries() == []
    assert store.create("a/b/c.json", b"one")
    assert store.create("d", b"")
    other = type(store)(store.place)
    assert other.read("a/b/c.json") == b"one"
    assert other.read("a/b/c.json", 1, 2) == b"n"
    assert other.read("a/b/c.json", 1) == b"ne"
    assert other.read("d") == b""
    assert other.names() == ["a/b/c.json", "d"]
    assert other.names("a") == ["a/b/c.json"]
    assert other.names("none") == []
    assert other.entries() == ["a", "d"]
    assert other.inside("a").names() == ["b/c.json"]
    assert 0 <= other.age("d") + 2 < 30


def test_what_is_there_is_created_by_nobody_else_and_replaced_by_anybody(store):
    assert store.exclusive
    assert store.create("x", b"mine")
    assert not store.create("x", b"theirs")
    assert store.read("x") == b"mine"
    store.replace("x", b"new")
    store.replace("y", b"first")
    assert (store.read("x"), store.read("y")) == (b"new", b"first")


def test_what_is_deleted_is_gone_and_may_be_created_again(store):
    for name in ("a/1", "a/2", "b"):
        store.create(name, b"x")
    store.delete(["a/1", "a/2", "never/there"])
    assert store.names() == store.entries() == ["b"]
    for read in (lambda: store.read("a/1"), lambda: type(store)(store.place).read("none")):
        with pytest.raises(FileNotFoundError):
            read()
    assert store.create("a/1", b"again")


def test_of_many_that_create_a_file_at_once_one_succeeds(store):
    begin, won = threading.Barrier(6), []

    def write(number):
        mine = type(store)(store.place)
        begin.wait()
        if mine.create("refs/1", b"%d" % number * 1000):
            won.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(won) == 1
    assert store.read("refs/1") == b"%d" % won[0] * 1000


def test_a_half_written_file_is_not_seen_and_is_swept_up_later(tmp_path):
    store = Disk(str(tmp_path))
    left = tmp_path / "refs" / f"{PARTIAL}1"
    left.parent.mkdir()
    left.write_bytes(b"hal")
    assert store.names() == []
    store.sweep("refs", 60.0)
    assert left.exists()
    os.utime(left, (time.time() - 61,) * 2)
    store.sweep("refs", 60.0)
    assert not left.exists()


def test_a_disk_that_takes_no_more_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for write in (Disk(str(tmp_path)).create, Disk(str(tmp_path)).replace):
        with pytest.raises(OSError, match="No space left"):
            write("x", b"1")
    assert os.listdir(tmp_path) == []


def test_a_path_is_a_disk_and_an_address_is_what_reaches_it(tmp_path):
    assert [kind.__name__ for kind in kinds()][:3] == ["Disk", "Filesystem", "Objects"]
    assert isinstance(store_at(tmp_path), Disk)
    assert store_at(f"file://{tmp_path}").folder == tmp_path
    assert isinstance(store_at("memory://x"), Filesystem)
    assert not is_address(f"file://{tmp_path}")
    assert is_address("memory://x")


def test_obstore_is_taken_where_fsspec_has_no_package(object_store, monkeypatch):
    assert isinstance(store_at(f"{object_store}/x"), Filesystem)
    monkeypatch.setattr(Filesystem, "reaches", classmethod(lambda kind, place: False))
    found = store_at(f"{object_store}/{uuid.uuid4().hex}")
    assert isinstance(found, Objects)
    assert found.create("a", b"1")


def test_a_missing_package_is_named_in_one_sentence(monkeypatch):
    monkeypatch.setattr(Objects, "reaches", classmethod(lambda kind, place: False))
    with pytest.raises(FrameError, match=r"gs:// needs gcsfs or obstore, which is not installed.*pip install gcsfs"):
        store_at("gs://bucket/models")
    with pytest.raises(FrameError, match="kind that fsspec or obstore know; got nowhere://x"):
        store_at("nowhere://x")


def test_what_a_store_has_against_it_names_the_place(object_store):
    store = store_at("s3://no-such-bucket/models")
    assert store.names() == []
    with pytest.raises(OSError, match="bucket"):
        store.create("x", b"1")


def test_a_store_that_offers_no_condition_is_looked_at_first(monkeypatch):
    store = Filesystem(f"memory://{uuid.uuid4().hex}")
    monkeypatch.setattr(store, "exclusive", False)
    assert store.create("x", b"1")
    assert not store.create("x", b"2")
