"""H2O's MOJO: what is written is read back and scored the same, by H2O's own reader too; what is odd is refused."""

from __future__ import annotations

import os
import subprocess
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import daskdl as h2o
from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from daskdl.export.mojo.archive import Mojo, packed, read_archive
from daskdl.export.mojo.reading import read_mojo
from daskdl.export.mojo.writing import mojo_of
from frames.exceptions import FileExists, FrameError, H2OValueError

ROWS = 300
KINDS = ["a b", 'q"u', "ü", "x=1", "10", "[info]"]
X = ["size", "gap", "kind", "code"]
CASES = {
    **{
        f"{activation}_{y}": {"y": y, "activation": activation}
        for activation in ("Tanh", "Rectifier", "Maxout")
        for y in ("two", "three", "number")
    },
    **{
        f"{activation}_dropout": {
            "y": "two",
            "activation": f"{activation}WithDropout",
            "hidden_dropout_ratios": [0.2, 0.6],
        }
        for activation in ("Tanh", "Rectifier", "Maxout")
    },
    **{
        family: {"y": "count", "distribution": family}
        for family in ("gaussian", "poisson", "gamma", "tweedie", "laplace", "huber", "quantile")
    },
    "first_level_left_out": {"y": "number", "use_all_factor_levels": False},
    "unscaled": {"y": "number", "standardize": False, "activation": "Tanh"},
    "balanced": {"y": "three", "balance_classes": True},
    "numbers_only": {"y": "two", "x": ["size", "gap"]},
    "categories_only": {"y": "number", "x": ["kind", "code"]},
    "autoencoder": {"y": None, "activation": "Tanh"},
    "autoencoder_of_numbers": {"y": None, "activation": "Rectifier", "x": ["size", "gap"]},
}


def table(rows: int, seed: int) -> pd.DataFrame:
    """Rows of predictors with gaps, and responses of every kind."""
    rng = np.random.default_rng(seed)
    made = pd.DataFrame({"size": rng.normal(3, 20, rows), "gap": rng.integers(0, 9, rows).astype(float)})
    made["kind"] = rng.choice(np.array(KINDS, object), rows)
    made["code"] = rng.choice(np.array(["n", "y"], object), rows)
    made.loc[rng.random(rows) < 0.1, "gap"] = np.nan
    made.loc[rng.random(rows) < 0.1, "kind"] = None
    score = made["size"] / 20 + (made["code"] == "y") + rng.normal(0, 0.3, rows)
    made["three"] = np.array(["low", "mid", "top"], object)[np.digitize(score, [0, 1])]
    made["two"] = np.array(["no", "yes"], object)[(score > 0.2).astype(int)]
    made["number"] = score * 50 - 7
    made["count"] = np.round(np.exp(score / 2)) + 1
    return made


TYPES = dict.fromkeys(("kind", "code", "three", "two"), "enum")


def frame_of(rows: pd.DataFrame) -> h2o.H2OFrame:
    return h2o.H2OFrame(rows, column_types={n: t for n, t in TYPES.items() if n in rows})


class Made(dict):
    """What is made of a case when it is first asked for."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, name: str) -> Any:
        self[name] = self._make(name)
        return self[name]


@pytest.fixture(scope="module")
def models(_session):
    """The trained estimator of each case."""
    training = frame_of(table(ROWS, 1))

    def trained(name: str) -> H2ODeepLearningEstimator:
        given = {"hidden": [6, 4], "epochs": 1, "seed": 7, "reproducible": True, "model_id": name, **CASES[name]}
        y, x = given.pop("y"), given.pop("x", X)
        model = (H2OAutoEncoderEstimator if y is None else H2ODeepLearningEstimator)(**given)
        model.train(x=x, y=y, training_frame=training)
        return model

    return Made(trained)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Rows to score: as in training, then missing, unseen and huge cells."""
    made = table(40, 2)[X]
    made.loc[0, ["size", "gap"]] = np.nan
    made.loc[1, ["kind", "code"]] = None
    made.loc[2, ["kind", "code"]] = "never seen"
    made.loc[3, ["size", "gap"]] = [1e5, -1e4]
    return made


@pytest.fixture(scope="module")
def files(models, tmp_path_factory):
    """The MOJO file of each case."""
    folder = tmp_path_factory.mktemp("mojos")
    return Made(lambda name: models[name].download_mojo(str(folder / f"{name}.zip")))


def said(model, rows: pd.DataFrame) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # levels not trained on: they are meant
        return model.predict(frame_of(rows)).as_data_frame()


def close(found: np.ndarray, wanted: np.ndarray) -> None:
    """Equal to single precision, in units of each column's size."""
    scale = np.maximum(1.0, np.abs(wanted))
    assert np.abs((found - wanted) / scale).max() < 2e-5


@pytest.mark.parametrize("name", CASES)
def test_a_model_written_and_read_back_predicts_the_same(name, models, files, rows):
    again = h2o.import_mojo(files[name], model_id=f"again_{name}")
    found, wanted = said(again, rows), said(models[name], rows)
    assert list(found) == list(wanted)
    numbers = [column for column in wanted if column != "predict" or models[name].model.category == "Regression"]
    close(found[numbers].to_numpy(float), wanted[numbers].to_numpy(float))
    assert again.model.category == models[name].model.category
    if models[name].model.category == "Binomial":
        assert again.default_threshold() == models[name].default_threshold()
        assert (found["predict"] == wanted["predict"]).all()
    assert mojo_of(again.model).domains == mojo_of(models[name].model).domains


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """What scores a MOJO in H2O's own reader: DASKDL_GENMODEL_JAR names h2o-genmodel.jar, or H2O's h2o.jar."""
    jar = os.environ.get("DASKDL_GENMODEL_JAR")
    if not jar or not Path(jar).is_file():
        pytest.skip("needs H2O's reader: set DASKDL_GENMODEL_JAR to h2o-genmodel.jar or h2o.jar")
    folder = tmp_path_factory.mktemp("reader")
    source = Path(__file__).with_name("MojoScorer.java")
    subprocess.run(["javac", "-cp", jar, "-d", str(folder), str(source)], check=True, timeout=100)

    def score(path: str, cells: np.ndarray) -> tuple[list[str], np.ndarray]:
        text = "\n".join("\t".join(map(repr, row)).replace("nan", "NaN") for row in cells.tolist())
        command = ["java", "-ea", "-cp", f"{folder}{os.pathsep}{jar}", "MojoScorer", path]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, done.stderr
        names, *lines = done.stdout.splitlines()
        return names.split("\t"), np.array([line.split("\t")[:-1] for line in lines], float)

    return score


@pytest.mark.parametrize("name", CASES)
def test_h2os_own_reader_says_the_same(name, models, files, rows, reader):
    model = models[name].model
    columns = [one.column for one in (*model.encoder.levels, *model.encoder.numbers)]
    cells = np.empty((len(rows), len(columns)))
    for i, column in enumerate(columns):
        domain = model.encoder.domains.get(column)
        cells[:, i] = (
            rows[column]
            if domain is None
            else [domain.index(cell) if cell in domain else np.nan for cell in rows[column]]
        )
    names, found = reader(files[name], cells)
    assert names[: len(columns)] == columns
    wanted = said(models[name], rows)
    if model.category in ("Binomial", "Multinomial"):
        assert [model.domain[int(code)] for code in found[:, 0]] == wanted["predict"].tolist()
        close(found[:, 1:], wanted.drop(columns="predict").to_numpy(float))
    else:
        close(found[:, : wanted.shape[1]], wanted.to_numpy(float))


def test_an_imported_model_goes_on_training_is_exported_and_saved(files, models, rows, tmp_path):
    again = h2o.import_mojo(files["Tanh_two"], model_id="second life")
    training = frame_of(table(ROWS, 1))
    before = models["Tanh_two"].model_performance(training).logloss()
    assert again.model_performance(training).logloss() == pytest.approx(before, rel=1e-4)
    more = H2ODeepLearningEstimator(
        hidden=[6, 4], activation="Tanh", epochs=20, seed=1, reproducible=True, checkpoint="second life"
    )
    more.train(x=X, y="two", training_frame=training)
    assert more.model_performance(training).logloss() < before
    other = H2ODeepLearningEstimator(
        hidden=[6, 4], activation="Tanh", epochs=2, seed=1, adaptive_rate=False, l1=1e-5, checkpoint="second life"
    )
    other.train(x=X, y="two", training_frame=training, validation_frame=training)
    assert other.model.samples == 2 * ROWS
    path = h2o.save_model(again, str(tmp_path))
    loaded = h2o.load_model(path)
    assert loaded.default_threshold() == again.default_threshold()
    assert (said(loaded, rows)["yes"] == said(again, rows)["yes"]).all()
    assert Path(again.export_numpy(str(tmp_path / "scorer.py"))).is_file()


def test_the_archive_is_the_same_whenever_it_is_written(models):
    model = models["Maxout_three"].model
    assert packed(mojo_of(model)) == packed(mojo_of(model))


def test_an_unpacked_archive_is_read_too(files, tmp_path):
    with zipfile.ZipFile(files["Tanh_two"]) as file:
        file.extractall(tmp_path / "open")
    assert read_archive(tmp_path / "open") == read_archive(files["Tanh_two"])


def test_levels_hold_anything_and_old_files_have_them_bare(tmp_path):
    levels = ('say "hi"', "", "two\nlines", " blanks ", "a,b", "ü\u2028")
    info = {"algo": "deeplearning", "n_columns": "2"}
    (tmp_path / "m.zip").write_bytes(packed(Mojo(info, ("c", "y"), {0: levels})))
    assert read_archive(tmp_path / "m.zip").domains == {0: levels}
    (tmp_path / "old" / "domains").mkdir(parents=True)
    (tmp_path / "old" / "model.ini").write_text(
        "[info]\nalgo = deeplearning\nn_columns = 1\n[columns]\nc\n[domains]\n0: 2 d0.txt\n"
    )
    (tmp_path / "old" / "domains" / "d0.txt").write_text("one\ntwo\n")
    assert read_archive(tmp_path / "old").domains == {0: ("one", "two")}


@pytest.mark.parametrize(
    ("given", "said_of_it"),
    [
        ({"offset_column": "gap", "y": "number"}, "offset_column"),
        ({"categorical_encoding": "Binary", "y": "number"}, "categorical_encoding Binary"),
        ({"max_categorical_features": 3, "y": "number"}, "hashed"),
        ({"standardize": False, "y": None, "autoencoder": True}, "not standardized"),
    ],
)
def test_what_the_format_cannot_say_is_refused_with_what_can(given, said_of_it):
    y = given.pop("y")
    model = H2ODeepLearningEstimator(hidden=[2], epochs=0.1, seed=1, **given)
    x = [name for name in X if name != given.get("offset_column")]
    model.train(
        x=x,
        y=y,
        training_frame=frame_of(table(ROWS, 1).fillna({"gap": 0.0}) if "offset_column" in given else table(ROWS, 1)),
    )
    with pytest.raises(H2OValueError, match=rf"{said_of_it}.* export_java"):
        model.download_mojo()
    assert not model.have_mojo


def test_save_mojo_replaces_nothing_unless_told_to(models, tmp_path):
    path = models["poisson"].save_mojo(str(tmp_path))
    assert Path(path).name == "poisson.zip"
    with pytest.raises(FileExists):
        models["poisson"].save_mojo(str(tmp_path))
    assert models["poisson"].save_mojo(str(tmp_path), force=True) == path
    assert models["poisson"].have_mojo


# ---- files that are not what they should be -------------------------------------------------------------------------
def test_a_missing_a_foreign_and_a_cut_off_file_are_told(files, tmp_path):
    with pytest.raises(FrameError, match="exists"):
        h2o.import_mojo(str(tmp_path / "none.zip"))
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(FrameError, match="whole zip file"):
        h2o.import_mojo(str(tmp_path / "text.zip"))
    whole = Path(files["Tanh_two"]).read_bytes()
    for size in (len(whole) // 3, len(whole) - 10):
        (tmp_path / "cut.zip").write_bytes(whole[:size])
        with pytest.raises(FrameError):
            h2o.import_mojo(str(tmp_path / "cut.zip"))


def rewritten(path: str, target: Path, **changes: str | None) -> str:
    """The archive with other values in model.ini; None leaves a line out."""
    mojo = read_archive(path)
    info = {key: changes.get(key, value) for key, value in mojo.info.items()}
    target.write_bytes(packed(Mojo({k: v for k, v in info.items() if v is not None}, mojo.columns, mojo.domains)))
    return str(target)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"algo": "gbm"}, "of gbm"),
        ({"mojo_version": "2.00"}, "at most 1.10"),
        ({"n_columns": "9"}, "names 5"),
        ({"cats": "3", "nums": "1"}, "file of levels"),
        ({"cats": "-1"}, "count columns"),
        ({"cats": "two"}, "whole number"),
        ({"cat_offsets": "[0, 3, 2]"}, "rising"),
        ({"norm_mul": "[1.0]"}, "must have 2 numbers"),
        ({"norm_sub": "[a, b]"}, "must be numbers"),
        ({"neural_network_sizes": "[5, 6, 4, 2]"}, "as its columns tell"),
        ({"weight_layer1": "[1.0, 2.0]"}, "must have 24 numbers"),
        ({"bias_layer0": None}, "must say bias_layer0"),
        ({"bias_layer0": "[NaN, 0, 0, 0, 0, 0]"}, "finite"),
        ({"category": "Clustering"}, "one of Binomial"),
        ({"n_classes": "7"}, "must have 7 levels"),
        ({"_genmodel_encoding": "Eigen"}, "this one has Eigen"),
        ({"use_all_factor_levels": "false"}, "a unit per level"),
    ],
)
def test_parts_that_do_not_fit_are_named(changes, sentence, files, tmp_path):
    with pytest.raises(H2OValueError, match=sentence):
        read_mojo(rewritten(files["Tanh_two"], tmp_path / "odd.zip", **changes))


@pytest.mark.parametrize("changes", [{"activation": "Sigmoid"}, {"distribution": "beta"}])
def test_choices_that_nobody_has_are_refused(changes, files, tmp_path):
    with pytest.raises(H2OValueError, match=r"Sigmoid|beta"):
        read_mojo(rewritten(files["Tanh_two"], tmp_path / "odd.zip", **changes))


def test_an_offset_that_is_left_out_is_told(files, tmp_path):
    mojo = read_archive(files["poisson"])
    told = Mojo({**mojo.info, "offset_column": "exposure"}, mojo.columns, mojo.domains)
    (tmp_path / "m.zip").write_bytes(packed(told))
    with pytest.warns(UserWarning, match="'exposure' of the MOJO is left out"):
        h2o.import_mojo(str(tmp_path / "m.zip"))


def test_levels_of_files_with_escapes_are_lines_quotes_and_all(tmp_path):
    (tmp_path / "domains").mkdir()
    info = "algo = deeplearning\nn_columns = 1\nescape_domain_values = true\n"
    (tmp_path / "model.ini").write_text(f"[info]\n{info}[columns]\na\u2028b\n[domains]\n0: 4 d.txt\n", encoding="utf-8")
    (tmp_path / "domains" / "d.txt").write_text('"q"\n"a\ntwo\\nlines\nback\\\\slash\n')
    mojo = read_archive(tmp_path)
    assert mojo.domains == {0: ('"q"', '"a', "two\nlines", "back\\slash")}
    assert mojo.columns == ("a\u2028b",)


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("model.ini", b"0" * 50_000_000)
    with pytest.raises(H2OValueError, match="Nothing was unpacked"):
        h2o.import_mojo(str(tmp_path / "bomb.zip"))


def test_names_that_lead_out_of_the_archive_lead_nowhere(tmp_path):
    ini = "[info]\nalgo = deeplearning\nn_columns = 1\n[columns]\nc\n[domains]\n0: 1 ../../secret.txt\n"
    (tmp_path / "secret.txt").write_text("secret\n")
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "model.ini").write_text(ini)
    with pytest.raises(H2OValueError, match="files of its own"):
        h2o.import_mojo(str(tmp_path / "open"))
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as file:
        file.writestr("model.ini", ini)
    with pytest.raises(FrameError, match="must hold domains"):
        h2o.import_mojo(str(tmp_path / "m.zip"))


# ---- models that H2O itself wrote ------------------------------------------------------------------------------------
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "mojo"


@pytest.mark.parametrize("name", ["binomial", "multinomial", "regression", "poisson", "autoencoder"])
def test_a_model_of_h2o_says_here_what_it_said_there(name):
    """Archives and predictions of H2O 3.44.0.3, the rows with missing cells and a level that it never saw."""
    asked = h2o.import_file(str(GOLDEN / "rows.csv"), header=1, col_types={"kind": "enum", "code": "enum"})
    model = h2o.import_mojo(str(GOLDEN / f"{name}.zip"), model_id=f"h2o_{name}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the level that it never saw
        found = model.predict(asked).as_data_frame()
    said = pd.read_csv(GOLDEN / f"{name}.csv")
    assert list(found) == list(said)
    if model.model.domain is not None:
        assert found.pop("predict").astype(str).tolist() == said.pop("predict").astype(str).tolist()
    scale = np.maximum(1.0, np.abs(said.to_numpy(float)))
    assert (np.abs(found.to_numpy(float) - said.to_numpy(float)) / scale).max() < 1e-6
