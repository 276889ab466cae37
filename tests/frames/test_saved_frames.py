"""Saved frames: in a folder or an object store they open as they were; killed, damaged or foreign ones say so."""

import json
import os
import shutil
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from frames.exceptions import FileExists, FrameError, H2OError
from frames.export import store as saving
from frames.frame import H2OFrame
from frames.functions import load_frame
from frames.stores.choose import store_at

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # of botocore
GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "frames" / "version1"
TABLE = pd.DataFrame(
    {
        "x": [0.1, None, 1 / 3, 4.0],
        "n": [2**60 + 1, 5, -7, 0],
        "k": ["a", None, "b", "a"],
        "s": ["line\nend", "ä", "", None],
    }
)


def frame_of(table=TABLE):
    return H2OFrame(table, column_types={"k": "enum", "s": "string"})


def cells(path):
    return load_frame(f"f{uuid.uuid4().hex}", str(path)).as_data_frame()


def test_a_frame_of_the_first_version_opens_as_it_was(client):
    frame = load_frame("golden", str(GOLDEN))
    assert frame.types == {"x": "real", "n": "int", "k": "enum", "s": "string"}
    pd.testing.assert_frame_equal(frame.as_data_frame(), frame_of().as_data_frame())


def test_a_frame_is_the_same_in_an_object_store(client, object_store):
    place = f"{object_store}/{uuid.uuid4().hex}"
    frame = frame_of()
    assert frame.save(place) == place
    pd.testing.assert_frame_equal(cells(place), frame.as_data_frame())
    with pytest.raises(FileExists):
        frame.save(place, force=False)
    frame[:2, :].save(place)
    assert len(cells(place)) == 2
    assert len(store_at(place).names()) == 2  # a list and a part: the earlier frame is gone


def test_a_frame_goes_through_obstore_where_fsspec_has_no_package(client, object_store, monkeypatch):
    pytest.importorskip("obstore", reason="needs obstore: pip install 'daskdl[test]'")
    monkeypatch.setattr("frames.stores.filesystems.Filesystem.reaches", lambda place: False)
    place = f"{object_store}/{uuid.uuid4().hex}"
    frame_of().save(place)
    pd.testing.assert_frame_equal(cells(place), frame_of().as_data_frame())


def test_an_address_that_nothing_reaches_is_refused(client):
    for act in (lambda: frame_of().save("nowhere://x"), lambda: load_frame("none", "nowhere://x")):
        with pytest.raises(FrameError, match="kind that fsspec or obstore know"):
            act()


KILLED = """
import os, signal, sys
import pandas as pd
from frames.cluster import session
from frames.frame import H2OFrame
from frames.functions import load_frame
from frames.stores.disk import Disk

if __name__ == "__main__":
    session.start(nthreads=1, dashboard=None)
    folder, step = sys.argv[1], sys.argv[2]
    new = H2OFrame(pd.DataFrame({"x": [5.0, 6.0]}))
    def dying(name):
        real = getattr(Disk, name)
        def run(self, *arguments):
            if step == f"before {name}":
                os.kill(os.getpid(), signal.SIGKILL)
            real(self, *arguments)
            if step == f"after {name}":
                os.kill(os.getpid(), signal.SIGKILL)
        setattr(Disk, name, run)
    for name in ("create", "replace", "delete"):
        dying(name)
    new.save(folder)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("step", ["before create", "after create", "before replace", "after replace", "before delete"])
def test_a_process_killed_while_it_saves_leaves_the_frame_before_it_or_the_new_one(client, tmp_path, step):
    frame_of().save(tmp_path / "kept")
    command = [sys.executable, "-c", KILLED, str(tmp_path / "kept"), step]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    found = cells(tmp_path / "kept")
    expected = (
        pd.DataFrame({"x": [5.0, 6.0]}) if step in ("after replace", "before delete") else frame_of().as_data_frame()
    )
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    frame_of(TABLE[:1]).save(tmp_path / "kept")
    assert len(cells(tmp_path / "kept")) == 1


def test_parts_of_a_killed_save_are_swept_up_after_a_day(client, tmp_path):
    frame_of().save(tmp_path)
    left = tmp_path / "part-00000000-000-000000.chunk"
    left.write_bytes(b"half")
    frame_of().save(tmp_path)
    assert left.exists()  # somebody may be at it
    os.utime(left, (1, 1))
    frame_of().save(tmp_path)
    assert not left.exists()
    assert len(os.listdir(tmp_path)) == 2


def test_of_two_first_saves_at_once_one_counts_and_the_other_is_told(client, tmp_path, monkeypatch):
    both, real, said = threading.Barrier(2), saving._list, []
    monkeypatch.setattr(saving, "_list", lambda *arguments, **given: (both.wait(), real(*arguments, **given)))

    def save(table):
        try:
            frame_of(table).save(tmp_path / "kept", force=False)
        except FileExists as error:
            said.append(str(error))

    threads = [threading.Thread(target=save, args=(TABLE[:rows],)) for rows in (1, 2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(said) == 1
    assert "another save was faster" in said[0]
    assert len(cells(tmp_path / "kept")) in (1, 2)
    assert len(os.listdir(tmp_path / "kept")) == 2


@pytest.fixture(scope="module")
def kept(client, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("kept") / "frame"
    frame_of().save(folder)
    return folder


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_byte_of_a_saved_frame_is_changed_it_is_the_same_or_an_error_says_so(kept, data):
    path = data.draw(st.sampled_from(sorted(kept.iterdir())))
    before = path.read_bytes()
    at = data.draw(st.integers(0, len(before) - 1))
    flipped = before[:at] + bytes([before[at] ^ 1 << data.draw(st.integers(0, 7))]) + before[at + 1 :]
    path.write_bytes(data.draw(st.sampled_from([before[:at], flipped])))
    try:
        found = cells(kept)
    except H2OError:
        pass
    else:
        pd.testing.assert_frame_equal(found, frame_of().as_data_frame())
    finally:
        path.write_bytes(before)


def test_a_part_of_another_frame_is_not_taken_for_its_own(client, tmp_path):
    for name, table in (("one", TABLE), ("two", TABLE[::-1])):
        frame_of(table).save(tmp_path / name)
    theirs, mine = (next((tmp_path / name).glob("*.chunk")) for name in ("two", "one"))
    shutil.copy(theirs, mine)
    with pytest.raises(FrameError, match=r"must begin as it was written .*another's"):
        cells(tmp_path / "one")
    listed = json.loads((tmp_path / "one" / "part-frame.json").read_text())
    listed["columns"][2]["domain"] = ["b", "a"]
    (tmp_path / "one" / "part-frame.json").write_text(json.dumps(listed))
    with pytest.raises(FrameError, match="its checksum differs"):
        cells(tmp_path / "one")
