"""Exports land whole or not at all, and replace nothing unasked."""

import os
from typing import Any

import fsspec
import pytest

from frames.exceptions import FileExists, FileMissing, FrameError
from frames.export.landing import Landing


def write(path, force=False, content: Any = b"new", **parts):
    """A file, or with parts (name -> content) a folder; an error as content is raised when half of it is written."""
    with Landing(str(path), force, folder=bool(parts)) as landing:
        for name, data in parts.items() or [(None, content)]:
            with landing.file(name and name.replace("_", "-")) as file:
                file.write(b"half" if isinstance(data, BaseException) else data)
                if isinstance(data, BaseException):
                    raise data


def everything(folder):
    """What lies in a folder, hidden files too."""
    return sorted(os.listdir(folder))


@pytest.fixture
def memory():
    """A folder in fsspec's memory: as remote as a test can be."""
    disk = fsspec.filesystem("memory")
    yield disk
    if disk.exists("/land"):
        disk.rm("/land", recursive=True)


def test_a_file_is_not_there_before_all_is_written(tmp_path):
    path = tmp_path / "f"
    with Landing(str(path), force=False) as landing, landing.file() as file:
        file.write(b"half")
        assert not path.exists()
    assert path.read_bytes() == b"half"
    assert everything(tmp_path) == ["f"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        write(path, force=True, content=KeyboardInterrupt())
    assert path.read_bytes() == b"old"
    assert everything(tmp_path) == ["f"]


def test_an_error_in_a_later_part_leaves_the_old_parts(tmp_path):
    folder = tmp_path / "many"
    write(folder, part_0=b"old 0", part_1=b"old 1")
    with pytest.raises(OSError, match="disk full"):
        write(folder, force=True, part_0=b"new 0", part_1=OSError("disk full"))
    assert everything(folder) == ["part-0", "part-1"]
    assert (folder / "part-0").read_bytes() == b"old 0"


def test_an_error_while_parts_take_their_names_brings_the_old_ones_back(tmp_path, monkeypatch):
    folder = tmp_path / "many"
    write(folder, part_0=b"old 0", part_1=b"old 1", part_2=b"old 2")
    move, calls = os.replace, []

    def failing(source, target):
        calls.append(target)
        if len(calls) == 5:  # three old ones aside, one new one in place, then this
            raise OSError("gone")
        move(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="gone"):
        write(folder, force=True, part_0=b"new 0", part_1=b"new 1")
    assert len(calls) > 5
    assert everything(folder) == ["part-0", "part-1", "part-2"]
    assert [(folder / name).read_bytes() for name in everything(folder)] == [b"old 0", b"old 1", b"old 2"]


def test_a_new_folder_goes_again_when_its_parts_fail(tmp_path):
    with pytest.raises(ZeroDivisionError):
        write(tmp_path / "many", part_0=ZeroDivisionError())
    assert everything(tmp_path) == []


def test_parts_replace_all_earlier_ones(tmp_path):
    folder = tmp_path / "many"
    write(folder, part_0=b"0", part_1=b"1", part_2=b"2")
    with pytest.raises(FileExists, match="force=True"):
        write(folder, part_0=b"x")
    write(folder, force=True, part_0=b"x")
    assert everything(folder) == ["part-0"]
    assert (folder / "part-0").read_bytes() == b"x"


def test_an_empty_folder_takes_parts_unasked_and_a_used_one_never(tmp_path):
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty", part_0=b"0")
    assert everything(tmp_path / "empty") == ["part-0"]
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "diary.txt").write_text("mine")
    with pytest.raises(FileExists, match=r"holds 'diary.txt'"):
        write(tmp_path / "used", force=True, part_0=b"0")
    assert everything(tmp_path / "used") == ["diary.txt"]


def test_files_and_folders_do_not_replace_each_other(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileExists, match="is a file"):
        write(tmp_path / "file", force=True, part_0=b"0")
    with pytest.raises(FileExists, match="is a folder"):
        write(tmp_path, force=True)
    with pytest.raises(FileMissing, match="does not exist"):
        write(tmp_path / "no" / "f")
    with pytest.raises(FileMissing, match="does not exist"):
        write(tmp_path / "no" / "f", part_0=b"0")
    assert everything(tmp_path) == ["file"]


def test_a_device_is_never_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileExists, match="device or a pipe"):
        write(tmp_path / "pipe", force=True)
    assert everything(tmp_path) == ["pipe"]


def test_a_file_that_appears_meanwhile_is_not_replaced_unasked(tmp_path):
    path = tmp_path / "f"
    landing = Landing(str(path), force=False)
    with landing.file() as file:
        file.write(b"late")
    path.write_bytes(b"early")
    with pytest.raises(FileExists, match="force=True"):
        landing.__exit__(None, None, None)
    assert path.read_bytes() == b"early"
    assert everything(tmp_path) == ["f"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write(tmp_path / "link", force=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_names_as_long_as_a_disk_allows(tmp_path):
    write(tmp_path / ("n" * 255))
    assert everything(tmp_path) == ["n" * 255]


def test_a_url_is_left_as_it_was_by_an_error(memory):
    write("memory://land/f")
    with pytest.raises(FileExists, match="force=True"):
        write("memory://land/f")
    with pytest.raises(OSError, match="line cut"):
        write("memory://land/f", force=True, content=OSError("line cut"))
    assert memory.cat("/land/f") == b"new"
    assert memory.ls("/land", detail=False) == ["/land/f"]
    write("memory://land/f", force=True)
    assert memory.ls("/land", detail=False) == ["/land/f"]


def test_parts_behind_a_url_replace_all_earlier_ones(memory):
    write("memory://land/many", part_0=b"0", part_1=b"1")
    write("memory://land/many", force=True, part_0=b"x")
    assert memory.ls("/land/many", detail=False) == ["/land/many/part-0"]
    assert memory.cat("/land/many/part-0") == b"x"


def test_urls_that_cannot_be_written_are_refused(memory, monkeypatch):
    with pytest.raises(FrameError, match="of a kind that is known; got 'nowhere://a/b'"):
        write("nowhere://a/b")

    def read_only(*_):
        raise NotImplementedError

    monkeypatch.setattr(memory, "open", read_only)
    with pytest.raises(FrameError, match="that can be written; memory://land/f is none"):
        write("memory://land/f")
