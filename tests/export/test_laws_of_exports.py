"""Every export of every model says what `predict` says, on rows with missing, unseen, empty, huge and odd cells."""

import csv
import io

import numpy as np
import pytest
from conftest import CASES, CODE, GAPS, KIND, OFFSET, ONLY, WHEN, WIDE, imported, read_predictions, same

onnx = pytest.importorskip("onnx", reason="graphs need the package onnx")
onnxruntime = pytest.importorskip("onnxruntime", reason="graphs are run by onnxruntime")

SINGLE = {"rtol": 1e-5, "atol": 1e-6}  # predict and ONNX work in single precision
DOUBLE = {"rtol": 1e-9, "atol": 1e-12}


def scored_by_numpy(path, csv_file, anomaly=False):
    module = imported(path)
    out = io.StringIO(newline="")
    with csv_file.open(newline="", encoding="utf-8") as file:
        session = module._SCORER.session()
        module.write_predictions(session, anomaly, csv.reader(file, skipinitialspace=True), out)
    return read_predictions(out.getvalue())


@pytest.mark.parametrize("name", CASES)
def test_the_numpy_file_predicts_what_the_model_does(name, written, csv_file, wanted):
    same(scored_by_numpy(written["numpy"][name], csv_file), wanted[name], **SINGLE)


@pytest.mark.parametrize("name", CASES)
def test_the_java_class_predicts_what_the_model_does(name, java_output, csv_file, written, wanted):
    found = read_predictions((java_output / f"{name}.csv").read_text(encoding="utf-8"))
    same(found, wanted[name], **SINGLE)
    same(found, scored_by_numpy(written["numpy"][name], csv_file), **DOUBLE)
    if CASES[name].y is None:
        errors = read_predictions((java_output / f"{name}.anomaly").read_text(encoding="utf-8"))
        same(errors, scored_by_numpy(written["numpy"][name], csv_file, anomaly=True), **DOUBLE)


@pytest.mark.parametrize("name", CASES)
def test_the_onnx_graph_predicts_what_the_model_does(name, written, rows, wanted, programs):
    onnx.checker.check_model(onnx.load(written["onnx"][name]), full_check=True)
    session = onnxruntime.InferenceSession(written["onnx"][name])
    texts = {one: rows[[one]].fillna("").to_numpy(object) for one in (KIND, CODE, ONLY)}
    numbers = {one: rows[[one]].to_numpy(np.float32) for one in (WIDE, GAPS, OFFSET)}
    times = {WHEN: rows[[WHEN]].to_numpy(np.float64)}
    feed = {one.name: (texts | numbers | times)[one.name] for one in session.get_inputs()}
    outputs = [one.name for one in session.get_outputs()]
    # An input has the name predict here: the output of that name gets a number behind it.
    found = {one.partition(".")[0]: values for one, values in zip(outputs, session.run(None, feed), strict=True)}
    program = programs[name]
    expected = wanted[name].drop(columns="predict").to_numpy(float) if program.domain else wanted[name].to_numpy(float)
    single = {"rtol": 2e-5, "atol": 2e-6 * max(1.0, np.abs(expected[:4]).max())}
    sound = np.arange(len(expected)) != 5  # -1e20 is beyond what single precision can carry through a network
    if program.domain is None:
        shape = found["predict"].shape  # (rows,), an autoencoder's (rows, inputs)
        np.testing.assert_allclose(found["predict"][sound], expected.reshape(shape)[sound], **single)
        return
    np.testing.assert_allclose(found["probabilities"][sound], expected[sound], **single)
    assert found["probabilities"].shape == (len(rows), len(program.domain))
    assert found["predict"].ravel()[sound].tolist() == wanted[name]["predict"][sound].tolist()
