"""Whoever dies while it saves, saves beside another, or has a full disk leaves the last good model, everywhere."""

import contextlib
import dataclasses
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
import uuid
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from daskdl.model import checkpoint
from daskdl.model.record import record_of
from daskdl.model.versions import ABANDONED, COMMIT, Versions, manifest
from daskdl.parameters import Parameters
from daskdl.training.train import train
from daskdl.worker import alone
from frames.cluster import session
from frames.exceptions import FileExists, H2OResponseError, H2OValueError
from frames.frame import H2OFrame
from frames.stores.choose import store_at

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),  # of botocore
]
GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "models" / "version1"

# A child that is killed at the step `number` of a save: a file opened, linked or removed, a folder made, a sync.
FORKS = """
import json, os, signal, shutil, sys
import dataclasses
from daskdl.model import checkpoint

golden, folder, first = sys.argv[1:]
old = dataclasses.replace(checkpoint.load(golden), last=None, extras={})   # of fewer files
files = checkpoint.files_of(dataclasses.replace(old, key="new"))
checkpoint.save(old, folder + "-old")
checkpoint.files_of = lambda model, frames: files   # zarr has a thread, which a fork has not
STEPS = ("open", "os.link", "os.remove", "os.rename", "os.mkdir", "os.rmdir")

def save_and_die(number):
    left = number
    def count(what, args=()):
        nonlocal left
        if (what in STEPS or what == "fsync") and (what == "fsync" or folder in str(args[0])):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sync = os.fsync
    os.fsync = lambda handle: (count("fsync"), sync(handle))
    sys.addaudithook(count)
    checkpoint.save(old, folder, force=True)
    os._exit(0)

for number in range(10_000):
    shutil.rmtree(folder, ignore_errors=True)
    if first == "no":
        shutil.copytree(folder + "-old", folder)
    child = os.fork() or save_and_die(number)
    _, status = os.waitpid(child, 0)
    try:
        found = checkpoint.load(folder).key
    except Exception as error:
        found = type(error).__name__
    print(json.dumps([os.WTERMSIG(status), found]), flush=True)
    if not os.WIFSIGNALED(status):
        break
"""


@pytest.fixture
def golden(tmp_path) -> Path:
    """A copy of the golden model's folder."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "golden"))


def renamed(key):
    return dataclasses.replace(checkpoint.load(GOLDEN), key=key)


def run_forks(tmp_path, first):
    arguments = [sys.executable, "-c", FORKS, GOLDEN, tmp_path / "model", first]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_process_killed_at_any_step_of_a_save_leaves_the_model_before_it_or_the_new_one(tmp_path):
    found = run_forks(tmp_path, "no")
    assert len(found) > 60
    assert [signal for signal, _ in found] == [9] * (len(found) - 1) + [0]
    keys = [key for _, key in found]
    commit = keys.index("new")
    assert keys == ["golden"] * commit + ["new"] * (len(keys) - commit)
    assert 40 < commit < len(keys) - 10  # it dies before and after the commit


def test_a_process_killed_at_any_step_of_a_first_save_leaves_nothing_or_the_model(tmp_path):
    keys = [key for _, key in run_forks(tmp_path, "yes")]
    assert {"FileMissing", "H2OValueError", "new"} == set(keys)  # no folder, one without a version, and the model
    assert keys == sorted(keys)


@pytest.mark.parametrize("place", ["disk", "s3 by s3fs", "s3 by obstore"])
def test_a_killed_save_is_passed_over_by_the_next_one_and_swept_up_after_a_day(place, tmp_path, request, monkeypatch):
    """Dying is played by an error that nobody cleans up after."""
    store = place_of(place, tmp_path, request, monkeypatch)
    checkpoint.save(renamed("first"), store.place)
    total = len(checkpoint.files_of(renamed("x")))
    for step in (0, 3, total - 1, total, "commit"):
        with pytest.MonkeyPatch.context() as patch:
            die_at(patch, store, step)
            with pytest.raises(KeyboardInterrupt):
                checkpoint.save(renamed(f"died at {step}"), store.place, force=True)
        assert checkpoint.load(store.place).key == ("first" if step != "commit" else "died at commit")
    checkpoint.save(renamed("third"), store.place, force=True)
    assert checkpoint.load(store.place).key == "third"
    half = {name.split("/")[1] for name in store.names("versions")}
    assert len(half) == 1 + 3  # those that died before a file, and before the commit, are not told from living ones
    monkeypatch.setattr(type(store), "age", lambda store, name: ABANDONED + 1)
    checkpoint.save(renamed("fourth"), store.place, force=True)
    assert {name.split("/")[1] for name in store.names("versions")} == set(Versions(store).in_order())
    assert len(Versions(store).in_order()) == len(store.names("refs")) == 1


def place_of(kind, tmp_path, request, monkeypatch):
    if kind == "disk":
        return store_at(tmp_path / "model")
    address = request.getfixturevalue("object_store")
    if kind == "s3 by obstore":
        pytest.importorskip("obstore", reason="needs obstore: pip install 'daskdl[test]'")
        monkeypatch.setattr("frames.stores.filesystems.Filesystem.reaches", lambda place: False)
    return store_at(f"{address}/{uuid.uuid4().hex}")


def die_at(patch, store, step):
    """Let a save die before file `step` of a version, before its commit, or right after it."""
    create, count = type(store).create, iter(range(10_000))

    def dying(self, name, data):
        if next(count) == step:
            raise KeyboardInterrupt
        made = create(self, name, data)
        if step == "commit" and COMMIT.fullmatch(name):
            raise KeyboardInterrupt
        return made

    patch.setattr(type(store), "create", dying)
    patch.setattr(Versions, "abandon", lambda self, draft: None)


@pytest.mark.parametrize("place", ["disk", "s3 by s3fs", "s3 by obstore"])
def test_a_model_is_the_same_wherever_it_is_kept(place, tmp_path, request, monkeypatch):
    store = place_of(place, tmp_path, request, monkeypatch)
    model = renamed("far")
    assert checkpoint.save(model, store.place) == store.place
    found = checkpoint.load(store.place)
    np.testing.assert_array_equal(found.state.weights, model.state.weights)
    np.testing.assert_array_equal(found.last.slots, model.last.slots)
    with pytest.raises(FileExists, match="File already exists"):
        checkpoint.save(model, store.place)
    checkpoint.save(renamed("other"), store.place, force=True)
    assert checkpoint.load(store.place).key == "other"
    store.create("notes.txt", b"mine")
    with pytest.raises(FileExists, match=r"other things in it \(notes.txt\)"):
        checkpoint.save(model, store.place, force=True)


# ---- two at once -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["disk", "s3 by s3fs", "s3 by obstore"])
def test_of_many_first_saves_one_succeeds_and_the_others_are_told(place, tmp_path, request, monkeypatch):
    store = place_of(place, tmp_path, request, monkeypatch)
    begin, said, done = threading.Barrier(4), [], []

    def write(number, model):
        begin.wait()
        try:
            checkpoint.save(model, store.place)
            done.append(model.key)
        except FileExists as error:
            said.append(str(error))

    threads = [threading.Thread(target=write, args=(n, renamed(f"model{n}"))) for n in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(done) == 1
    assert len(said) == 3
    assert all("File already exists" in one for one in said)
    assert checkpoint.load(store.place).key == done[0]
    assert len(Versions(store).in_order()) == 1


@pytest.mark.parametrize("place", ["disk", "s3 by s3fs", "s3 by obstore"])
def test_a_save_removes_what_was_there_when_it_began_and_nothing_newer(place, tmp_path, request, monkeypatch):
    store = place_of(place, tmp_path, request, monkeypatch)
    checkpoint.save(renamed("first"), store.place)
    mine = Versions(store).begin()
    files = checkpoint.files_of(renamed("slow"))
    for name, data in list(files.items())[:4]:
        mine.write(name, data)
    checkpoint.save(renamed("fast"), store.place, force=True)  # while the slow one is still at it
    for name, data in list(files.items())[4:]:
        mine.write(name, data)
    Versions(store).commit(mine)
    assert checkpoint.load(store.place).key == "slow"  # the last commit counts
    order = Versions(store).in_order()
    assert [checkpoint._read_whole(store, one, checkpoint._sound(store, one)[0]).key for one in order] == [
        "slow",
        "fast",
    ]
    checkpoint.save(renamed("last"), store.place, force=True)
    assert len(Versions(store).in_order()) == 1


LOOP = """
import dataclasses, sys
from daskdl.model import checkpoint
model = dataclasses.replace(checkpoint.load(sys.argv[1]), key=sys.argv[3])
print("ready", flush=True)
for _ in range(25):
    checkpoint.save(model, sys.argv[2], force=True)
"""


def test_two_processes_that_save_again_and_again_leave_a_sound_model_at_every_moment(golden):
    arguments = [sys.executable, "-c", LOOP, GOLDEN, golden]
    both = [subprocess.Popen([*arguments, key], stdout=subprocess.PIPE, text=True) for key in ("left", "right")]
    assert [one.stdout.readline() for one in both] == ["ready\n"] * 2
    seen = set()
    while any(one.poll() is None for one in both):
        seen.add(checkpoint.load(golden).key)  # a warning of an older version would be an error
    assert [one.communicate()[0] is not None and one.returncode for one in both] == [0, 0]
    assert {"left", "right"} <= seen | {checkpoint.load(golden).key}
    assert len(Versions(store_at(golden)).in_order()) <= 2


def test_a_process_killed_while_it_saves_to_an_object_store_leaves_a_model(object_store):
    place = f"{object_store}/{uuid.uuid4().hex}"
    checkpoint.save(renamed("golden"), place)
    for pause in (0.05, 0.4, 0.9):
        arguments = [sys.executable, "-c", LOOP, GOLDEN, place, "new"]
        running = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        assert running.stdout.readline() == "ready\n"
        time.sleep(pause)
        running.kill()
        running.communicate()
        assert running.returncode == -9
        assert checkpoint.load(place).key in ("golden", "new")
    checkpoint.save(renamed("last"), place, force=True)
    assert checkpoint.load(place).key == "last"


# ---- a full disk -------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MB in memory; skips where this user may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs to mount a small tmpfs (root)")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("room", [0, 3, 10, 30])
def test_a_full_disk_leaves_the_model_before_it(small_disk, room):
    """`room` blocks of 4 KB are left: the save dies at another file each time."""
    folder = Path(shutil.copytree(GOLDEN, small_disk / "model"))
    with (small_disk / "other").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    with (small_disk / "other").open("r+b") as file:
        file.truncate(max(0, (small_disk / "other").stat().st_size // 4096 - room) * 4096)
    before = sorted(path for path in folder.rglob("*") if path.is_file())
    with pytest.raises(H2OResponseError, match=r"could not be saved there: .*No space left on device.*before stands"):
        checkpoint.save(renamed("new"), folder, force=True)
    assert checkpoint.load(folder).key == "golden"
    assert sorted(path for path in folder.rglob("*") if path.is_file()) == before
    (small_disk / "other").unlink()
    checkpoint.save(renamed("new"), folder, force=True)
    assert checkpoint.load(folder).key == "new"


def test_a_training_beside_which_the_disk_fills_up_goes_on_with_a_warning(small_disk, monkeypatch):
    """The disk takes one checkpoint, and not the next one beside it."""
    session.start(nthreads=2, dashboard="127.0.0.1:0")
    monkeypatch.setattr(alone, "LENT", 0.0)
    rng = np.random.default_rng(1)
    frame = H2OFrame(pd.DataFrame({"a": rng.normal(size=1000), "y": rng.normal(size=1000)}))
    how = Parameters(
        hidden=[60, 60],
        epochs=20,
        seed=1,
        stopping_rounds=0,
        train_samples_per_iteration=500,
        export_checkpoints_dir=str(small_disk),
        checkpoint_interval=1e-6,
    )
    once = train(how.replace(epochs=1.0), frame, ["a"], "y", model_id="full")  # this fits
    with (small_disk / "other").open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    model = train(how, frame, ["a"], "y", model_id="full")
    assert any("could not be written" in said and "No space left on device" in said for said in model.warnings)
    assert any("could not be saved in export_checkpoints_dir: [Errno 28]" in said for said in model.warnings)
    assert model.samples == 20_000
    np.testing.assert_array_equal(checkpoint.load(small_disk / "full").state.weights, once.state.weights)


def test_a_process_that_may_write_no_large_file_keeps_the_model_before_it(golden):
    code = (
        "import sys, signal, dataclasses, resource; from daskdl.model import checkpoint\n"
        "model = dataclasses.replace(checkpoint.load(sys.argv[1]), key='new')\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (2000, {resource.RLIM_INFINITY}))\n"
        "checkpoint.save(model, sys.argv[1], force=True)"
    )
    done = subprocess.run([sys.executable, "-c", code, golden], capture_output=True, text=True, check=False)
    assert "H2OResponseError" in done.stderr
    assert "File too large" in done.stderr
    assert checkpoint.load(golden).key == "golden"


# ---- damage ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["of the first program", "of this one"])
def kept(request, tmp_path_factory) -> Path:
    """A saved model, as the first program left it and as this one does."""
    folder = tmp_path_factory.mktemp("kept") / "model"
    if request.param == "of this one":
        checkpoint.save(renamed("golden"), folder)
        return folder
    return Path(shutil.copytree(GOLDEN, folder))


@settings(max_examples=150)
@given(data=st.data())
def test_whatever_byte_of_whatever_file_is_changed_the_model_is_the_same_or_an_error_says_so(kept, data):
    files = sorted(path for path in kept.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files))
    before = path.read_bytes()
    at = data.draw(st.integers(0, len(before) - 1))
    other = data.draw(st.sampled_from(files))
    after = data.draw(
        st.sampled_from(
            [
                before[:at],
                before[at:],
                before[:at] + bytes([before[at] ^ 1 << data.draw(st.integers(0, 7))]) + before[at + 1 :],
                before[:at] + data.draw(st.binary(min_size=1, max_size=9)) + before[at:],
                before + before,
                other.read_bytes(),
            ]
        )
    )
    path.write_bytes(after)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = checkpoint.load(kept)
    except (H2OValueError, H2OResponseError) as error:
        event(type(error).__name__)
    else:
        expected = checkpoint.load(GOLDEN)
        assert record_of(found) == record_of(expected)
        for mine, theirs in ((found.state, expected.state), (found.last, expected.last)):
            for one, two in zip(mine, theirs, strict=True):
                np.testing.assert_array_equal(one, two)
    finally:
        path.write_bytes(before)


def test_a_model_that_asks_for_code_or_memory_is_refused(golden):
    """Checksums are right: somebody made this file on purpose."""
    files = checkpoint.files_of(renamed("odd"))
    store = store_at(golden)
    described = json.loads(files["state/weights/zarr.json"])
    described["shape"], described["chunk_grid"]["configuration"]["chunk_shape"] = [10**12], [10**12]
    for name, made in {
        "state/weights/zarr.json": json.dumps(described).encode(),
        "state/weights/c/0": b"cos\nsystem\n(S'true'\ntR.",  # a pickle
    }.items():
        harmed = {**files, name: made}
        content = json.loads(harmed.pop("zarr.json"))
        attributes = {**content["attributes"], "manifest": manifest(harmed)}
        attributes.pop("digest")
        content["attributes"] = {**attributes, "digest": checkpoint._digest(attributes)}
        draft = Versions(store).begin()
        for one, data in {**harmed, "zarr.json": json.dumps(content).encode()}.items():
            draft.write(one, data)
        Versions(store).commit(draft)
        with pytest.raises(H2OValueError, match="this one cannot read it"):
            checkpoint.load(golden)


def test_a_damaged_commit_says_nothing_and_its_number_is_not_taken_again(golden):
    checkpoint.save(renamed("new"), golden, force=True)
    commit = golden / "refs" / "0000000002.json"
    commit.write_bytes(b'{"version": "../../x"}')
    assert checkpoint.load(golden).key == "new"
    checkpoint.save(renamed("newer"), golden, force=True)
    assert checkpoint.load(golden).key == "newer"
    assert json.loads((golden / "refs" / "0000000003.json").read_text())["version"].startswith("0000000003-")


def test_a_file_that_may_not_be_read_is_named(golden, monkeypatch):
    store = type(store_at(golden))
    read = store.read

    def refused(self, name, start=None, stop=None):
        if name.endswith("weights/c/0"):
            raise PermissionError(13, "Permission denied")
        return read(self, name, start, stop)

    monkeypatch.setattr(store, "read", refused)
    with pytest.raises(H2OValueError, match=r"weights/c/0: the file cannot be read \(.*Permission denied"):
        checkpoint.load(golden)


def test_a_model_in_a_folder_of_an_earlier_program_is_replaced(golden):
    assert os.listdir(golden / "refs") == ["latest.json"]
    checkpoint.save(renamed("new"), golden, force=True)
    assert os.listdir(golden / "refs") == ["0000000002.json"]
    assert time.time() - (golden / "refs" / "0000000002.json").stat().st_mtime < 60
