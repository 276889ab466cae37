"""A model built in the browser: the form of every parameter, errors beside fields, training, stopping, Python."""

import html
import json
import re
import time

import pytest

import daskdl as h2o
from daskdl.parameters import declarations
from daskdl.web.applies import NEEDS, SILENT
from frames.frame import H2OFrame

pytestmark = [pytest.mark.usefixtures("iris"), pytest.mark.timeout(300)]  # kernels may be new
QUICK = {"training_frame": "iris", "response_column": "class", "hidden": "5", "epochs": "3", "seed": "1"}


def built(visitor, **fields):
    answer = visitor.post("/build", {**QUICK, **fields})
    answer = visitor.followed(answer)
    assert answer.path.startswith("/model?"), html.unescape(answer.text)
    return answer


def test_every_parameter_that_acts_has_a_field_with_its_help(visitor):
    text = visitor.get("/build?training_frame=iris").text
    for name, declared in declarations().items():
        assert (f'data-field="{name}"' in text) == (name not in SILENT), name
        if name not in SILENT:
            assert html.escape(declared.sentence, quote=False) in text.replace("&#39;", "'"), name
    assert set(NEEDS) | set(SILENT) <= set(declarations())


def test_what_is_silent_says_so_in_its_own_declaration():
    for name in SILENT:
        assert re.match("Deprecated|Removed|Accepted", declarations()[name].sentence), name


def test_a_section_is_open_only_where_something_in_it_was_changed(visitor):
    """A box that is ticked as by default is sent twice, as no and as yes."""
    fields = {"standardize": ["no", "yes"], "sparse": "no", "l1": "0.0", "activation": "Tanh", "again": "yes"}
    text = visitor.post("/build", {**QUICK, **fields}).text
    assert re.findall(r'<details class="part" data-part open><summary><h2>(\w+)', text) == []
    text = visitor.post("/build", {**QUICK, **fields, "l1": "0.1", "sparse": ["no", "yes"]}).text
    opened = re.findall(r'<details class="part" data-part open><summary><h2>(\w+)', text)
    assert opened == ["Data", "Regularization"]


def test_every_field_has_a_label_and_a_description(visitor):
    text = visitor.get("/build?training_frame=iris").text
    ids = set(re.findall(r'\bid="([^"]+)"', text))
    for one in re.findall(r'<(?:input|select|textarea) [^>]*id="f-(\w+)"', text):
        assert f'<label for="f-{one}">' in text, one
    for one in re.findall(r'aria-describedby="([^"]+)"', text):
        assert set(one.split()) <= ids


def test_only_what_applies_is_shown(visitor):
    def shown(**fields):
        found = json.loads(visitor.post("/build/check", {**QUICK, **fields}).text)
        return {name for name in declarations() if name not in found["off"]}

    assert not {"rate", "momentum_start", "quantile_alpha", "fold_assignment", "hidden_dropout_ratios"} & shown()
    assert {"rate", "momentum_start"} <= shown(adaptive_rate="no")
    assert "rho" not in shown(adaptive_rate="no")
    assert "hidden_dropout_ratios" in shown(activation="TanhWithDropout")
    assert "fold_assignment" in shown(nfolds="3")
    assert {"balance_classes", "max_hit_ratio_k"} <= shown()
    assert {"offset_column", "gainslift_bins"}.isdisjoint(shown())
    assert {"offset_column"} <= shown(response_column="petal_len")
    assert {"sparsity_beta", "average_activation"} <= shown(autoencoder="yes")
    assert {"response_column", "nfolds"}.isdisjoint(shown(autoencoder="yes"))


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"l1": "-1"}, "l1", "l1 must be at least 0"),
        ({"hidden": "five"}, "hidden", "list(integer)"),
        ({"epochs": "many"}, "epochs", "should be a ?numeric, got string many"),
        ({"response_column": ""}, "response_column", "none is chosen"),
        ({"training_frame": ""}, "training_frame", "none is chosen"),
        ({"training_frame": "gone"}, "training_frame", "gone"),
        ({"nfolds": "1"}, "nfolds", "nfolds must be either 0 or >1."),
        ({"distribution": "bernoulli"}, "distribution", ""),
        ({"activation": "TanhWithDropout", "hidden_dropout_ratios": "0.1, 0.2"}, "hidden_dropout_ratios", "got 2"),
        ({"weights_column": "class"}, "weights_column", "class"),
        ({"model_id": "taken"}, "model_id", "is taken"),
        ({"activation": "Sigmoidal"}, "activation", "Sigmoidal"),
        ({"export_checkpoints_dir": "/etc/hostname/x"}, "export_checkpoints_dir", "/etc/hostname/x"),
    ],
)
def test_an_error_stands_beside_its_field_and_nothing_starts(visitor, fields, field, words):
    if field == "model_id":
        H2OFrame({"x": [1]}, destination_frame="taken")  # frames and models share one set of names
    before = len(visitor.flow.site.jobs.all())
    answer = visitor.post("/build", {**QUICK, **fields})
    assert answer.status == 422
    said = re.search(rf'<p class="error" id="e-{field}">(.*?)</p>', answer.text)
    assert said, html.unescape(answer.text)
    assert words in html.unescape(said[1])
    assert f'<a href="#f-{field}">' in answer.text
    assert len(visitor.flow.site.jobs.all()) == before
    for name, text in {**QUICK, **fields}.items():  # what was typed is still there
        assert text in html.unescape(answer.text) or text == "gone", name


def test_all_errors_come_at_once(visitor):
    answer = visitor.post("/build", {**QUICK, "l1": "-1", "l2": "-1", "input_dropout_ratio": "2"})
    assert len(re.findall('class="error"', answer.text)) == 3
    assert "3 problems" in answer.text


def test_a_form_that_is_submitted_trains_a_model(visitor):
    answer = built(visitor, model_id="m")
    model = h2o.get_model("m")
    assert model.model.resolved.actual.hidden == (5,)
    for words in ("Confusion Matrix", "Scoring history", "Variable importances", "data-chart", "Downloads"):
        assert words in answer.text


def test_the_model_is_the_one_that_its_python_trains(visitor):
    fields = {"model_id": "m", "ignored_columns": ["sepal_wid"], "activation": "Tanh", "reproducible": "yes"}
    code = visitor.post("/build", {**QUICK, **fields, "as": "python"}).code
    assert h2o.models() == []
    built(visitor, **fields)
    wanted = h2o.get_model("m").model.state.weights.copy()
    assert code == visitor.get("/model?key=m").code
    h2o.remove("m")
    exec(code, {})
    assert (h2o.get_model("m").model.state.weights == wanted).all()
    assert h2o.get_model("m").model.x == ["sepal_len", "petal_len", "petal_wid"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [
        {"autoencoder": "yes", "response_column": "", "activation": "Tanh"},
        {"response_column": "petal_len", "distribution": "huber", "huber_alpha": "0.8"},
        {"nfolds": "2", "keep_cross_validation_predictions": "yes"},
        {"hidden": "[]", "adaptive_rate": "no", "rate": "0.01", "validation_frame": "iris", "standardize": "no"},
        {"activation": "MaxoutWithDropout", "hidden": "4, 3", "hidden_dropout_ratios": "0.1, 0", "max_w2": "10"},
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # what a script says to its user
def test_scripts_of_every_kind_of_model_run(visitor, fields):
    built(visitor, **fields, model_id="m")
    before = h2o.get_model("m").model.parameters
    code = visitor.get("/model?key=m").code
    h2o.remove("m")
    exec(code, {})
    assert h2o.get_model("m").model.parameters == before


def test_a_model_trains_on_from_another_and_the_script_tells_both(visitor):
    built(visitor, model_id="first")
    text = visitor.get("/build?like=first&checkpoint=first").text
    assert re.search(r'<option value="first" selected>', text)
    built(visitor, model_id="second", checkpoint="first", epochs="6")
    assert h2o.get_model("second").model.epochs > h2o.get_model("first").model.epochs
    code = visitor.get("/model?key=second").code
    h2o.remove(["first", "second"])
    exec(code, {})
    assert set(h2o.models()) == {"first", "second"}


def test_a_checkpoint_that_does_not_fit_is_told_beside_a_field(visitor):
    built(visitor, model_id="first")
    answer = visitor.post("/build", {**QUICK, "checkpoint": "first", "activation": "Tanh", "epochs": "6"})
    assert answer.status == 422
    assert 'id="e-activation"' in answer.text


def test_parameters_of_a_model_fill_the_form_again(visitor):
    built(visitor, model_id="m", activation="Tanh", ignored_columns=["sepal_len"], l1="0.001")
    text = visitor.get("/build?like=m").text
    assert '<option value="Tanh" selected>' in text
    assert re.search(r'value="sepal_len" checked', text)
    assert re.search(r'id="f-l1" name="l1" value="0.001"', text)
    assert re.search(r'id="f-model_id" name="model_id" value=""', text)


LONG = {"hidden": "50", "epochs": "1e6", "stopping_rounds": "0", "classification_stop": "-1", "score_interval": "0.1"}


def running(visitor, **fields):
    answer = visitor.post("/build", {**QUICK, **LONG, **fields})
    assert answer.path.startswith("/job?number="), html.unescape(answer.text)
    job = visitor.flow.site.jobs.all()[0]
    deadline = time.monotonic() + 250
    while not job.rows and time.monotonic() < deadline:
        assert job.state == "running", job.error
        time.sleep(0.05)
    return job


def test_a_running_job_is_followed_and_cancelled(visitor):
    job = running(visitor, model_id="never")
    state = visitor.json(f"/job/state?number={job.number}&from=0")
    assert state["state"] == "running"
    assert len(state["rows"]) == len(state["values"]) > 0
    assert "training_classification_error" in state["values"][0] or "training_logloss" in state["values"][0]
    assert "data-chart" in visitor.get(f"/job?number={job.number}").text
    assert ">1<" in re.search(r'href="/jobs".*?</a>', visitor.get("/").text)[0]  # the count in the menu
    visitor.post("/job/cancel", {"number": job.number})
    assert job.wait(250)
    assert job.state == "cancelled"
    assert h2o.models() == []
    assert "cancelled" in visitor.get(f"/job?number={job.number}").text


def test_a_running_job_is_stopped_and_its_model_kept(visitor):
    job = running(visitor, model_id="short")
    visitor.post("/job/stop", {"number": job.number})
    assert job.wait(250)
    assert job.state == "done", job.error
    assert h2o.get_model("short").model.epochs > 0
    assert visitor.get(job.result).status == 200


def test_a_job_that_is_not_there_is_not_found(visitor):
    for number in ("99999", "x", "-1", ""):
        assert visitor.get(f"/job?number={number}").status == 404
        assert visitor.get(f"/job/state?number={number}").status == 404


def test_very_many_columns_are_entered_as_lines(visitor):
    H2OFrame({f"c{i}": [1.0, 2.0] for i in range(320)}, destination_frame="wide")
    text = visitor.get("/build?training_frame=wide").text
    assert '<textarea id="f-ignored_columns"' in text
    found = json.loads(
        visitor.post(
            "/build/check", {"training_frame": "wide", "response_column": "c0", "ignored_columns": "c1\r\nc2"}
        ).text
    )
    assert found["errors"] == {}
