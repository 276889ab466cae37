"""Models on disk: everything comes back, in any process, for ever; damage and half-done saves are found."""

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import daskdl as h2o
from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from daskdl.metrics.cross_validation import cross_validation_summary
from daskdl.model import checkpoint
from daskdl.model.apply import predict
from daskdl.model.model import Model
from daskdl.model.record import FOLDS, SUMMARY, loose, record_of, strict
from daskdl.model.versions import Versions
from frames.cluster import registry
from frames.exceptions import H2OResponseError, H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("embedded")

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "models"
KINDS = {
    "binomial": ("y2", {"activation": "Maxout", "balance_classes": True}),
    "multinomial": ("y3", {"activation": "Tanh", "adaptive_rate": False, "auc_type": "MACRO_OVR"}),
    "regression": ("y", {"hidden": [], "distribution": "tweedie", "tweedie_power": 1.3}),
    "autoencoder": (None, {"activation": "TanhWithDropout", "max_w2": 3.0}),
    "binary encoding": ("y", {"categorical_encoding": "Binary", "stopping_metric": "MAE"}),
    "hashed": ("y3", {"max_categorical_features": 4, "score_training_samples": 30}),
}


def table(rows=90, seed=4):
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, 2))
    colour = rng.choice(["red", "green", "blue", None], size=rows)
    signal_ = numbers[:, 0] + (colour == "red")
    return pd.DataFrame(
        {
            "a": numbers[:, 0],
            "b": np.where(rng.random(rows) < 0.1, np.nan, numbers[:, 1]),
            "colour": colour,
            "y": np.abs(signal_),
            "y2": np.where(signal_ > 0.8, "yes", "no"),
            "y3": np.where(signal_ > 0.8, "high", np.where(signal_ < -0.3, "low", "mid")),
        }
    )


def trained(kind="binomial", **more):
    response, given = KINDS[kind]
    frame = H2OFrame(table())
    for name in ("colour", "y2", "y3"):
        frame[name] = frame[name].asfactor()
    maker = H2OAutoEncoderEstimator if response is None else H2ODeepLearningEstimator
    estimator = maker(**{"hidden": [5, 4], "epochs": 4, "seed": 2, "reproducible": True, **given, **more})
    estimator.train(x=["a", "b", "colour"], y=response, training_frame=frame, validation_frame=frame)
    return estimator.model, frame


def same(one, other):
    assert record_of(one) == record_of(other)
    for mine, theirs in ((one.state, other.state), (one.last, other.last)):
        assert (mine is None) == (theirs is None)
        for a, b in zip(mine or (), theirs or (), strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype


# ---- there and back ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # what training has to say about these models
def test_everything_of_a_model_comes_back(kind, tmp_path):
    model, frame = trained(kind)
    again = checkpoint.load(checkpoint.save(model, tmp_path / "model"))
    same(model, again)
    assert again.parameters == model.parameters
    assert again.resolved == model.resolved or kind != "binomial"  # a NaN in it is not equal to itself
    assert again.encoder.unit_names == model.encoder.unit_names
    assert again.layout == model.layout
    assert again.default_threshold == model.default_threshold
    assert str(again.training_metrics) == str(model.training_metrics)
    pd.testing.assert_frame_equal(predict(again, frame).as_data_frame(), predict(model, frame).as_data_frame())
    assert again.status_table().as_data_frame().equals(model.status_table().as_data_frame())
    assert again.importances() == model.importances()


def test_the_weights_that_training_left_off_with_are_kept_beside_better_ones(tmp_path):
    model, _ = trained()
    last = model.state.copy()
    last.weights[:] += 1
    model = dataclasses.replace(model, last=last)
    same(model, checkpoint.load(checkpoint.save(model, tmp_path / "model")))


def test_fold_models_and_their_summary_are_kept(tmp_path):
    model, _ = trained()
    folds = [dataclasses.replace(model, key=f"{model.key}_cv_{k + 1}", samples=k) for k in range(2)]
    measured = [fold.validation_metrics for fold in folds]
    extras = {FOLDS: folds, SUMMARY: cross_validation_summary(measured)}
    model = dataclasses.replace(model, extras=extras, cross_validation_metrics=measured[0])
    again = checkpoint.load(checkpoint.save(model, tmp_path / "model"))
    same(model, again)
    for fold, back in zip(folds, again.extras[FOLDS], strict=True):
        same(fold, back)
    assert again.extras[SUMMARY].to_dict() == extras[SUMMARY].to_dict()
    assert str(again.cross_validation_metrics) == str(model.cross_validation_metrics)


def test_a_model_opens_in_a_new_process_without_a_cluster():
    code = (
        "import sys; from daskdl.model import checkpoint; from frames.cluster import session; "
        "model = checkpoint.load(sys.argv[1]); "
        "print(model.key, model.category, len(model.history), session._current, session._embedded)"
    )
    folder = GOLDEN / "version1"
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["golden", "Binomial", "5", "None", "None"]


def test_a_model_saved_with_the_first_version_predicts_what_it_did():
    expected = json.loads((GOLDEN / "version1.json").read_text())
    model = checkpoint.load(GOLDEN / "version1")
    frame = H2OFrame(pd.DataFrame(expected["rows"]))
    frame["colour"] = frame["colour"].asfactor()
    with pytest.warns(UserWarning, match="violet"):
        found = predict(model, frame).as_data_frame()
    assert list(found["predict"]) == expected["predict"]
    np.testing.assert_allclose(found["yes"], expected["yes"], rtol=1e-6)
    assert model.training_metrics.auc() == pytest.approx(expected["training_auc"], abs=1e-12)
    assert model.last is not None
    assert [fold.key for fold in model.extras[FOLDS]] == ["golden_cv_1"]


def test_a_record_has_every_field_of_a_model():
    arrays = {"state", "last", "own", "extras"}  # written as arrays, as fold models and as their summary
    names = {field.name for field in dataclasses.fields(Model)} - arrays
    assert set(record_of(renamed("golden"))) == names | {FOLDS, SUMMARY}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.0, (1, [2.5, None]), {"a": {"b": True}}, "é\n"])
def test_plain_values_survive_strict_json(value):
    text = json.dumps(strict(value), allow_nan=False)
    assert repr(loose(json.loads(text))) == repr(value).replace("(", "[").replace(")", "]")


@pytest.mark.parametrize("value", [{1: 2}, {"a": object()}, [{3, 4}]])
def test_what_is_not_plain_is_refused(value):
    with pytest.raises(TypeError, match="A record must"):
        strict(value)


# ---- what is there already ---------------------------------------------------------------------------------------


@pytest.fixture
def golden(tmp_path):
    """A copy of the golden model's folder."""
    return Path(shutil.copytree(GOLDEN / "version1", tmp_path / "golden"))


def renamed(key):
    return dataclasses.replace(checkpoint.load(GOLDEN / "version1"), key=key)


def test_a_model_is_replaced_only_by_force(golden):
    with pytest.raises(H2OValueError, match="File already exists"):
        checkpoint.save(renamed("new"), golden)
    assert checkpoint.load(golden).key == "golden"
    checkpoint.save(renamed("new"), golden, force=True)
    assert checkpoint.load(golden).key == "new"
    assert len(list((golden / "versions").iterdir())) == len(list((golden / "refs").iterdir())) == 1


@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_model_is_never_replaced(tmp_path, force):
    (tmp_path / "notes.txt").write_text("mine")
    for path in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(H2OValueError, match=r"File already exists: .*Give another path"):
            checkpoint.save(renamed("new"), path, force)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_an_empty_folder_may_be_filled(tmp_path):
    assert checkpoint.load(checkpoint.save(renamed("new"), tmp_path)).key == "new"


def test_nothing_there_is_said_to_be_not_found(tmp_path):
    with pytest.raises(H2OValueError, match="File not found"):
        checkpoint.load(tmp_path / "none")
    with pytest.raises(H2OValueError, match="File not found"):
        checkpoint.load("memory://daskdl-none/model")


def test_a_folder_of_other_things_is_no_model(tmp_path):
    (tmp_path / "data.csv").write_text("a\n1\n")
    for path in (tmp_path, tmp_path / "data.csv"):
        with pytest.raises(H2OValueError, match="must be a folder that save_model wrote"):
            checkpoint.load(path)


def test_an_address_works_like_a_path():
    address = "memory://daskdl-tests/model"
    assert checkpoint.save(renamed("far"), address) == address
    same(checkpoint.load(address), renamed("far"))
    with pytest.raises(H2OValueError, match="File already exists"):
        checkpoint.save(renamed("other"), address)
    checkpoint.save(renamed("other"), address, force=True)
    assert checkpoint.load(address).key == "other"


# ---- damage ------------------------------------------------------------------------------------------------------


def files(folder):
    return sorted(path for path in (folder / "versions").rglob("*") if path.is_file())


def _flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


def _cut(path):
    path.write_bytes(path.read_bytes()[:-3])


@pytest.mark.parametrize("harm", [_flip, _cut, Path.unlink])
def test_every_damaged_file_is_named(golden, harm):
    for path in files(golden):
        before = path.read_bytes()
        harm(path)
        with pytest.raises(H2OValueError, match="is damaged") as caught:
            checkpoint.load(golden)
        assert path.name in str(caught.value)
        assert "Save the model again" in str(caught.value)
        path.write_bytes(before)
    assert checkpoint.load(golden).key == "golden"


def test_a_damaged_pointer_does_no_harm(golden):
    (golden / "refs" / "latest.json").write_text("{")
    assert checkpoint.load(golden).key == "golden"


def test_a_sound_older_version_is_read_with_a_warning_where_the_newest_is_damaged(golden):
    older = shutil.copytree(golden / "versions", golden.parent / "older")
    checkpoint.save(renamed("new"), golden, force=True)
    shutil.copytree(older, golden / "versions", dirs_exist_ok=True)
    assert checkpoint.load(golden).key == "new"
    _flip(next(p for p in files(golden) if "0000000002" in str(p) and p.name == "0"))
    with pytest.warns(RuntimeWarning, match="The older version 0000000001"):
        assert checkpoint.load(golden).key == "golden"


def test_a_model_of_a_later_program_is_refused(golden, monkeypatch):
    monkeypatch.setattr(checkpoint, "SCHEMA_VERSION", 0)
    with pytest.raises(H2OValueError, match=r"saved by a later daskdl .* Update daskdl"):
        checkpoint.load(golden)


def test_arrays_that_do_not_fit_the_network_are_refused(tmp_path):
    model = renamed("odd")
    model = dataclasses.replace(model, state=model.state._replace(slots=model.state.slots[:, :-1]))
    checkpoint.save(model, tmp_path / "odd")
    with pytest.raises(H2OValueError, match=r"this one cannot read it \(first must be \(\d+,\) float32; got \(\d+,\)"):
        checkpoint.load(tmp_path / "odd")


def test_a_model_that_is_replaced_while_it_is_read_is_read_again(golden, monkeypatch):
    reader, new = checkpoint.sound_files, renamed("new")

    def disturbed(store, version, expected):
        if version.startswith("0000000001"):
            monkeypatch.setattr(checkpoint, "sound_files", reader)
            checkpoint.save(new, golden, force=True)
        return reader(store, version, expected)

    monkeypatch.setattr(checkpoint, "sound_files", disturbed)
    assert checkpoint.load(golden).key == "new"


# ---- a save that fails -------------------------------------------------------------------------------------------


def test_a_save_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(checkpoint, "_write_array", fail)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(renamed("new"), tmp_path / "model")
    assert files(tmp_path / "model") == []
    monkeypatch.undo()
    checkpoint.save(renamed("new"), tmp_path / "model")


# ---- through the door --------------------------------------------------------------------------------------------


def test_an_estimator_is_saved_under_its_name_and_loaded_in_its_place(tmp_path):
    model, frame = trained()
    estimator = h2o.get_model(model.key) if registry.get(model.key) else H2ODeepLearningEstimator._of(model)
    path = h2o.save_model(estimator, str(tmp_path))
    assert path == str(tmp_path / model.key)
    with pytest.raises(H2OValueError, match="File already exists"):
        h2o.save_model(estimator, str(tmp_path))
    copy = h2o.download_model(estimator, str(tmp_path), filename="copy")
    for again in (h2o.load_model(path), h2o.upload_model(copy)):
        assert again.model_id == model.key
        assert again.auc(valid=True) == estimator.auc(valid=True)
        pd.testing.assert_frame_equal(again.predict(frame).as_data_frame(), predict(model, frame).as_data_frame())
    assert h2o.get_model(model.key).model_id == model.key
    with pytest.raises(H2OValueError, match="File not found"):
        h2o.load_model(str(tmp_path / "none"))
    for refused in (lambda: h2o.load_model(str(tmp_path / "none")), lambda: h2o.save_model(estimator, str(tmp_path))):
        with pytest.raises(H2OResponseError, match=r"File (not found|already exists)"):  # what h2o-py's scripts catch
            refused()


# ---- finished models are saved by themselves -------------------------------------------------------------------------


def test_finished_models_are_exported_with_their_folds(tmp_path):
    model, _ = trained(export_checkpoints_dir=str(tmp_path / "all"), model_id="plain")
    same(model, checkpoint.load(tmp_path / "all" / "plain"))
    frame = H2OFrame(table())
    estimator = H2ODeepLearningEstimator(
        hidden=[3],
        epochs=2,
        seed=1,
        nfolds=2,
        stopping_rounds=0,
        model_id="crossed",
        export_checkpoints_dir=str(tmp_path / "all"),
    )
    estimator.train(x=["a", "b"], y="y", training_frame=frame)
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == ["crossed", "plain"]
    again = h2o.load_model(str(tmp_path / "all" / "crossed"))
    assert again.mse(xval=True) == estimator.mse(xval=True)
    assert [fold.model_id for fold in again.cross_validation_models()] == ["crossed_cv_1", "crossed_cv_2"]
    assert again.cross_validation_metrics_summary().as_data_frame().shape[1] == 5
    fold = again.cross_validation_models()[0]
    pd.testing.assert_frame_equal(
        fold.predict(frame).as_data_frame(), estimator.cross_validation_models()[0].predict(frame).as_data_frame()
    )


def test_a_model_that_cannot_be_exported_is_not_lost(tmp_path, monkeypatch):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(Versions, "begin", full)
    with pytest.warns(RuntimeWarning, match="could not be saved in export_checkpoints_dir: No space left on device"):
        model, _ = trained(export_checkpoints_dir=str(tmp_path))
    assert model.samples
