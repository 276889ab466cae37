"""Models in the browser: every kind shown, compared, predicted with, downloaded in every form."""

import html
import io
import json
import re
import zipfile
from urllib.parse import quote, urlencode

import numpy as np
import pytest

import daskdl as h2o
from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from daskdl.export.targets import WRITERS
from daskdl.web.model_views import drawings, tables, values_of
from frames.cluster import registry
from frames.frame import H2OFrame

pytestmark = [pytest.mark.filterwarnings("ignore::RuntimeWarning"), pytest.mark.timeout(300)]  # kernels may be new
SMALL = {"hidden": [4], "epochs": 2, "seed": 1}
EVIL = "<script>document.title='owned'</script>\"'><img src=x onerror=document.title='owned'>"


@pytest.fixture(scope="module", autouse=True)
def trained(served):
    """A model of each category under its name, and the frames they learned from."""
    h2o.no_progress()
    prostate, iris = h2o.load_dataset("prostate"), h2o.load_dataset("iris")
    prostate["CAPSULE"] = prostate["CAPSULE"].asfactor()
    prostate.frame_id, iris.frame_id = "prostate", "iris"
    two = {"training_frame": prostate, "y": "CAPSULE"}
    H2ODeepLearningEstimator(**SMALL, model_id="binomial", nfolds=2).train(**two, validation_frame=prostate)
    H2ODeepLearningEstimator(**SMALL, model_id="other", activation="Tanh", variable_importances=False).train(**two)
    H2ODeepLearningEstimator(**SMALL, model_id="multinomial").train(training_frame=iris, y="class")
    H2ODeepLearningEstimator(**SMALL, model_id="regression").train(training_frame=prostate, y="PSA")
    H2OAutoEncoderEstimator(**SMALL, activation="Tanh", model_id="autoencoder").train(training_frame=iris)
    yield
    h2o.show_progress()


def charts_of(answer) -> list[dict]:
    found = re.findall(r'<script type="application/json">(.*?)</script>', answer.text, re.DOTALL)
    return [json.loads(one) for one in found]


def predicted(visitor, model, frame):
    answer = visitor.post("/predict", {"model": model, "frame": frame})
    if "/job?" in answer.path:
        job = visitor.flow.site.jobs.all()[0]
        assert job.wait(250)
        assert job.result, job.error
        answer = visitor.get(job.result)
    assert answer.path.startswith("/frame?"), html.unescape(answer.text)
    return answer


@pytest.mark.parametrize(
    ("key", "words", "charts"),
    [
        ("binomial", ("On cross-validation rows", "On validation rows", "On training rows", "Folds"), 11),
        ("other", ("Maximum metrics", "Gains and lift"), 4),
        ("multinomial", ("Top-3 Hit Ratios", "Confusion Matrix", "Variable importances"), 2),
        ("regression", ("RMSLE", "MAE", "Variable importances"), 2),
        ("autoencoder", ("AutoEncoder", "RMSE", "Scoring history"), 2),
    ],
)  # fmt: skip
def test_a_model_of_every_kind_is_shown(visitor, key, words, charts):
    answer = visitor.get(f"/model?key={key}")
    assert answer.status == 200
    for word in words:
        assert word.lower() in html.unescape(answer.text).lower(), word
    assert len(charts_of(answer)) == charts
    assert all(one["doc"]["roots"] for one in charts_of(answer))


@pytest.mark.parametrize("key", ["binomial", "multinomial", "regression", "autoencoder"])
def test_every_number_of_a_measurement_is_on_the_page(visitor, key):
    found = h2o.get_model(key).model.training_metrics
    values = dict(values_of(found))
    assert values["rows"] == found.nobs()
    assert len(values) > 2
    assert values["RMSE"] == pytest.approx(np.sqrt(values["MSE"]))
    for table in tables(found):
        assert all(len(row) == len(table.header) for row in table.rows)


def test_the_roc_curve_begins_at_zero_and_holds_every_point():
    found = h2o.get_model("other").model.training_metrics
    roc = drawings(found)[0].item
    text = json.dumps(roc)
    assert f"AUC {found.auc():.4g}" in text
    sources = [one for one in _objects(roc) if one.get("name") == "ColumnDataSource"]
    lines = [dict(one["attributes"]["data"]["entries"])["x"] for one in sources if "data" in one["attributes"]]
    x = max(lines, key=len)
    assert x[0] == 0.0
    assert len(x) == len(found.roc()[0]) + 1


def _objects(value):
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from _objects(one)
    elif isinstance(value, list):
        for one in value:
            yield from _objects(one)


def test_models_are_listed_and_compared(visitor):
    text = visitor.get("/models").text
    for key in ("binomial", "multinomial", "regression", "autoencoder"):
        assert f'href="/model?key={key}"' in text
    answer = visitor.get("/compare?key=binomial&key=other")
    assert len(charts_of(answer)) == 2
    assert re.search(r"<td>activation</td><td>Rectifier</td><td>Tanh</td>", answer.text)
    assert ">cross-validation<" in answer.text


def test_one_model_cannot_be_compared(visitor):
    answer = visitor.get("/compare?key=other")
    assert answer.status == 422
    assert "Two models or more" in answer.text


def test_models_of_different_kinds_are_compared(visitor):
    answer = visitor.get("/compare?key=regression&key=multinomial&key=autoencoder")
    assert answer.status == 200


def test_predictions_are_those_of_the_model(visitor):
    answer = predicted(visitor, "multinomial", "iris")
    key = re.search(r"key=(.*)", answer.path)[1]
    wanted = h2o.get_model("multinomial").predict(h2o.get_frame("iris")).as_data_frame()
    assert h2o.get_frame(key).as_data_frame().equals(wanted)
    assert "Confusion Matrix" in answer.text


def test_predictions_are_the_same_as_their_python(visitor):
    code = visitor.post("/predict", {"model": "regression", "frame": "prostate", "as": "python"}).code
    exec(code, {})
    made = h2o.get_frame("prediction_regression").as_data_frame()
    assert made.equals(h2o.get_model("regression").predict(h2o.get_frame("prostate")).as_data_frame())


def test_a_regression_shows_residuals(visitor):
    answer = predicted(visitor, "regression", "prostate")
    assert "Residuals" in answer.text
    points = next(
        dict(one["attributes"]["data"]["entries"])
        for one in _objects(charts_of(answer)[-1])
        if one.get("name") == "ColumnDataSource" and "data" in one["attributes"]
    )
    frame = h2o.get_frame("prostate").as_data_frame()
    guesses = h2o.get_model("regression").predict(h2o.get_frame("prostate")).as_data_frame()["predict"]
    assert points["x"] == pytest.approx(guesses.tolist())
    assert points["y"] == pytest.approx((frame["PSA"] - guesses).tolist())


def test_an_autoencoder_shows_reconstruction_errors_and_the_worst_rows(visitor):
    answer = predicted(visitor, "autoencoder", "iris")
    errors = h2o.get_model("autoencoder").anomaly(h2o.get_frame("iris")).as_data_frame()["Reconstruction.MSE"]
    assert "Rows that are reconstructed worst" in answer.text
    assert f'<td class="n">{int(errors.idxmax())}</td><td class="n">{errors.max():.6g}</td>' in answer.text
    assert "Reconstruction.MSE" in answer.text


def test_rows_without_a_response_are_predicted_and_not_judged(visitor):
    frame = h2o.get_frame("iris")[["sepal_len", "sepal_wid", "petal_len"]]
    frame.frame_id = "unlabelled"
    answer = predicted(visitor, "multinomial", "unlabelled")
    assert "nothing is measured" in answer.text
    job = visitor.flow.site.jobs.all()[0]
    assert any("petal_wid" in one for one in job.told)


@pytest.mark.parametrize("to", ["checkpoint", *WRITERS])
def test_a_model_is_downloaded_in_every_form(visitor, to, tmp_path):
    answer = visitor.get(f"/model/file?key=regression&to={to}")
    assert answer.status == 200, answer.text[:500]
    assert "attachment" in answer.headers["Content-Disposition"]
    name = answer.headers["Content-Disposition"].partition("''")[2]
    assert name.startswith("regression")
    path = tmp_path / name
    path.write_bytes(answer.body)
    if to == "checkpoint":
        with zipfile.ZipFile(io.BytesIO(answer.body)) as packed:
            packed.extractall(tmp_path)
        again = h2o.load_model(str(tmp_path / "regression")).model
        assert (again.state.weights == h2o.get_model("regression").model.state.weights).all()
    if to == "mojo":
        assert h2o.import_mojo(str(path), model_id="mojo").model.category == "Regression"
    if to == "numpy":
        compile(answer.body, name, "exec")


def test_a_frame_is_downloaded_as_csv(visitor):
    answer = visitor.get("/frame/csv?key=iris")
    assert answer.body.decode() == h2o.get_frame("iris").get_frame_data() or answer.text.count("\n") == 151
    assert answer.headers["Content-Disposition"].endswith("iris.csv")


def test_a_form_that_is_not_known_is_refused(visitor):
    answer = visitor.get("/model/file?key=regression&to=pickle")
    assert answer.status == 422
    assert "must be checkpoint or one of" in answer.text


def test_a_model_is_removed(visitor):
    registry.register("copy", h2o.get_model("other").model)
    assert visitor.post("/remove", {"kind": "model", "key": "copy"}).path == "/models"
    assert "copy" not in h2o.models()
    assert visitor.get("/model?key=copy").status == 404


def test_names_full_of_html_are_text_on_every_page_of_a_model(visitor):
    names = {f"{EVIL}{n}": np.random.default_rng(n).standard_normal(40).tolist() for n in range(2)}
    H2OFrame({**names, EVIL: [f"{EVIL}a", "b"] * 20}, destination_frame=EVIL)
    model = H2ODeepLearningEstimator(**SMALL, model_id=f"m{EVIL}", nfolds=2)
    model.train(training_frame=EVIL, y=EVIL)
    made = predicted(visitor, f"m{EVIL}", EVIL).path
    key = urlencode({"key": f"m{EVIL}"})
    pages = [f"/model?{key}", f"/compare?{key}&key=other", made, "/models", "/jobs", "/"]
    pages += [f"/build?training_frame={quote(EVIL)}", f"/build?like={quote('m' + EVIL)}"]
    for path in pages:
        answer = visitor.get(path)
        assert answer.status == 200, path
        assert "<img" not in answer.text, path
        assert "owned'</script>" not in answer.text, path
    bad = visitor.post("/build", {"training_frame": EVIL, "response_column": EVIL, "model_id": EVIL, "l1": EVIL})
    assert bad.status == 422
    assert "<img" not in bad.text
