"""Exports of an earlier version, as they were written then: they go on saying what they said.

`python tests/export/test_golden_exports.py` wrote them, once; what breaks them breaks what users have deployed.
"""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import daskdl as h2o
from daskdl.cli import main

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "exports"
ROWS, SAID = GOLDEN / "rows.csv", GOLDEN / "predictions.csv"


def _close(text: str) -> None:
    """The CSV says what was said when the export was written."""
    found = list(csv.reader(text.splitlines()))
    said = list(csv.reader(SAID.read_text().splitlines()))
    assert found[0] == said[0]
    assert [row[0] for row in found] == [row[0] for row in said]
    assert np.allclose(
        np.array([row[1:] for row in found[1:]], float), np.array([row[1:] for row in said[1:]], float), atol=1e-9
    )


def test_the_python_file_of_version_1(tmp_path):
    done = subprocess.run(
        [sys.executable, "-I", str(GOLDEN / "scorer.py")],
        input=ROWS.read_text(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=tmp_path,
    )
    _close(done.stdout)


@pytest.fixture(scope="module")
def java(tmp_path_factory) -> list[str] | None:
    """The command that runs the class, compiled once; None where there is no JDK."""
    if shutil.which("javac") is None:
        return None
    folder = str(tmp_path_factory.mktemp("java"))
    subprocess.run(["javac", "-d", folder, str(GOLDEN / "Golden.java")], check=True, timeout=100)
    return ["java", "-cp", folder, "Golden"]


def test_the_java_class_of_version_1(java):
    if java is None:
        pytest.skip("needs a JDK")
    done = subprocess.run(java, input=ROWS.read_text(), capture_output=True, text=True, timeout=60, check=True)
    _close(done.stdout)


def test_the_graph_of_version_1():
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    session = runtime.InferenceSession(str(GOLDEN / "model.onnx"), providers=["CPUExecutionProvider"])
    rows, feeds = pd.read_csv(ROWS), {}
    for one in session.get_inputs():
        cells = rows[one.name]
        if one.type == "tensor(string)":
            feeds[one.name] = cells.fillna("").to_numpy(object).reshape(-1, 1)
        else:
            feeds[one.name] = cells.to_numpy(np.float32).reshape(-1, 1)
    labels, shares = session.run(["predict", "probabilities"], feeds)
    said = pd.read_csv(SAID)
    assert labels.ravel().tolist() == said["predict"].tolist()
    assert np.allclose(shares, said.drop(columns="predict"), atol=2e-5)


def test_the_mojo_of_version_1():
    from daskdl.export.mojo.reading import read_mojo
    from daskdl.export.program import program_of
    from daskdl.export.targets.numpy import Numpy

    space: dict = {"__name__": "golden_mojo"}
    exec(compile(Numpy().text(program_of(read_mojo(GOLDEN / "model.zip"))), "scorer", "exec"), space)
    found, said = space["predict"](pd.read_csv(ROWS)), pd.read_csv(SAID)
    assert found["predict"].tolist() == said["predict"].tolist()
    for name in list(said)[1:]:
        assert np.allclose(found[name], said[name], atol=2e-5)


WAYS = {
    "as it is": lambda text: text,
    "line ends of another system": lambda text: text.replace(b"\n", b"\r\n"),
    "a mark of the byte order": lambda text: b"\xef\xbb\xbf" + text,
    "no line end at the end": lambda text: text.rstrip(b"\n"),
    "every field in quotes": lambda text: _rewritten(text, quoting=csv.QUOTE_ALL),
    "columns the other way round": lambda text: _rewritten(text, lambda row: row[::-1]),
    "columns of no use": lambda text: _rewritten(text, lambda row: ["x, y", *row, "more\n"]),
}


def _rewritten(text: bytes, change=list, **how) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n", **how).writerows(map(change, csv.reader(text.decode().splitlines())))
    return out.getvalue().encode()


@pytest.mark.parametrize("way", WAYS)
def test_java_python_and_daskdl_read_a_csv_file_however_it_is_written(way, java, tmp_path):
    given = WAYS[way](ROWS.read_bytes())
    done = subprocess.run(
        [sys.executable, "-I", str(GOLDEN / "scorer.py")], input=given, capture_output=True, check=True
    )
    _close(done.stdout.decode())
    if java is not None:
        done = subprocess.run(java, input=given, capture_output=True, check=True)
        _close(done.stdout.decode())
    (tmp_path / "rows.csv").write_bytes(given)
    model = h2o.import_mojo(str(GOLDEN / "model.zip"))
    saved, out = h2o.save_model(model, str(tmp_path)), tmp_path / "out.csv"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a level that training did not know: it is meant
        run = CliRunner().invoke(
            main, ["predict", "--model", saved, "--frame", str(tmp_path / "rows.csv"), "--out", str(out)]
        )
    assert run.exit_code == 0, run.output
    found, said = pd.read_csv(out), pd.read_csv(SAID)
    assert list(found) == list(said)
    assert found["predict"].tolist() == said["predict"].tolist()
    assert np.allclose(found.drop(columns="predict"), said.drop(columns="predict"), atol=2e-5)


def _write() -> None:
    from daskdl.estimators import H2ODeepLearningEstimator

    h2o.init(nthreads=1, verbose=False, dashboard=False)
    rng = np.random.default_rng(5)
    rows = pd.DataFrame({"size": rng.normal(3, 2, 40).round(3), "kind": rng.choice(["a", "b,c", 'd"'], 40)})
    rows["size"] = rows["size"].mask(rng.random(40) < 0.1)
    rows["y"] = np.where(rows["size"].fillna(3) + (rows["kind"] == "a") > 3.4, "yes", "no")
    model = H2ODeepLearningEstimator(hidden=[5, 3], epochs=20, seed=3, reproducible=True, model_id="Golden")
    model.train(x=["size", "kind"], y="y", training_frame=h2o.H2OFrame(rows))
    GOLDEN.mkdir(parents=True, exist_ok=True)
    model.export_numpy(str(GOLDEN / "scorer.py"), force=True)
    model.export_java(str(GOLDEN / "Golden.java"), force=True)
    model.export_onnx(str(GOLDEN / "model.onnx"), force=True)
    model.download_mojo(str(GOLDEN / "model.zip"))
    ask = pd.DataFrame({"kind": ["a", "b,c", 'd"', "", "new", "a"], "size": [1.5, 3.0, 9.25, 2.0, -4.0, None]})
    ask.to_csv(ROWS, index=False)
    command = [sys.executable, str(GOLDEN / "scorer.py")]
    SAID.write_text(subprocess.run(command, input=ROWS.read_text(), capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    _write()
