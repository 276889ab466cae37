"""Grids in the browser: what is entered, what is wrong with it, the search, its page, its Python."""

import html
import json
import re
import time

import pytest

import daskdl as h2o
from daskdl.web.charts import parallel
from daskdl.web.searching import asked, gridable, places

pytestmark = [
    pytest.mark.usefixtures("iris"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.timeout(300),
]  # kernels may be new
SHARED = {"training_frame": "iris", "response_column": "class", "epochs": "2", "seed": "1"}
SEARCH = {"hyper_name": ["hidden", "l1"], "hyper_values": ["3; 4, 3", "0; 0.001"]}


def searched(visitor, **fields):
    answer = visitor.post("/grid/build", {**SHARED, **SEARCH, **fields})
    answer = visitor.followed(answer)
    assert answer.path.startswith("/grid?"), html.unescape(answer.text)
    return answer


def test_values_are_read_as_their_parameters():
    found = asked(
        {"hyper_name": ["hidden", "activation", "l1", ""], "hyper_values": ["5; [6, 7]; []", "tanh", "1e-3", ""]}
    )
    assert found.errors == {}
    assert found.hyper == {"hidden": [[5], [6, 7], []], "activation": ["Tanh"], "l1": [0.001]}
    assert found.search == {}


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"hyper_name": "", "hyper_values": ""}, "hyper", "at least one parameter"),
        ({"hyper_name": "hidden", "hyper_values": "x"}, "hyper", "list(integer)"),
        ({"hyper_name": "l1", "hyper_values": "0; -1"}, "hyper", "l1 must be at least 0"),
        ({"hyper_name": "l1", "hyper_values": " ; "}, "hyper", "got nothing"),
        ({"hyper_name": "model_id", "hyper_values": "a; b"}, "hyper", "must be one of those offered"),
        ({"hyper_name": ["l1", "l1"], "hyper_values": ["0", "1"]}, "hyper", "chosen twice"),
        ({"l1": "0.5"}, "hyper", "l1 is set for all models and searched at once"),
        ({"search_max_models": "x"}, "search_max_models", "must be a number; got x"),
        ({"search_max_models": "-1"}, "strategy", "max_models must be at least 0"),
        ({"search_seed": "3"}, "strategy", "a seed belongs to the strategy RandomDiscrete"),
        ({"parallelism": "two"}, "parallelism", "whole number"),
        ({"grid_id": "iris"}, "grid_id", "is taken"),
        ({"response_column": ""}, "response_column", "none is chosen"),
    ],
)
def test_an_error_stands_beside_its_field_and_nothing_starts(visitor, fields, field, words):
    before = len(visitor.flow.site.jobs.all())
    answer = visitor.post("/grid/build", {**SHARED, **SEARCH, **fields})
    assert answer.status == 422
    said = re.search(rf'<p class="error" id="e-{field}">(.*?)</p>', answer.text)
    assert said, html.unescape(answer.text)
    assert words in html.unescape(said[1])
    assert len(visitor.flow.site.jobs.all()) == before


def test_a_grid_is_searched_ranked_and_drawn(visitor):
    answer = searched(visitor, grid_id="g")
    grid = h2o.get_grid("g")
    assert len(grid) == 4
    shown = re.findall(r'href="/model\?key=(g_model_\d)"', answer.text)
    assert shown == grid.get_grid().model_ids
    assert "Parallel coordinates" in answer.text
    again = visitor.get("/grid?key=g&sort_by=rmse")
    assert re.findall(r'href="/model\?key=(g_model_\d)"', again.text) == grid.get_grid(sort_by="rmse").model_ids
    assert visitor.get("/grid?key=g&sort_by=nonsense").status == 200
    assert 'href="/grid?key=g"' in visitor.get("/grids").text
    assert visitor.post("/remove", {"kind": "grid", "key": "g"}).path == "/grids"
    assert h2o.models() == []


def test_a_grid_is_the_one_that_its_python_searches(visitor):
    fields = {"grid_id": "g", "strategy": "RandomDiscrete", "search_max_models": "2", "search_seed": "7"}
    code = visitor.post("/grid/build", {**SHARED, **SEARCH, **fields, "as": "python"}).code
    answer = searched(visitor, **fields)
    assert answer.code == code
    wanted = h2o.get_grid("g").sorted_metric_table()
    h2o.remove("g")
    exec(code, {})
    assert h2o.get_grid("g").sorted_metric_table().equals(wanted)
    assert len(wanted) == 2


def test_combinations_that_fail_are_told(visitor):
    fields = {"hyper_name": ["distribution"], "hyper_values": ["multinomial; gaussian"], "grid_id": "g"}
    answer = searched(visitor, **fields)
    assert len(h2o.get_grid("g")) == 1
    assert "What failed" in answer.text
    assert "distribution=gaussian" in answer.text


def test_a_search_that_is_stopped_keeps_its_finished_models(visitor):
    fields = {"hyper_name": ["seed"], "hyper_values": ["; ".join(map(str, range(1, 400)))], "grid_id": "g", "seed": ""}
    answer = visitor.post("/grid/build", {**SHARED, **fields})
    assert answer.path.startswith("/job?"), html.unescape(answer.text)
    job = visitor.flow.site.jobs.all()[0]
    deadline = time.monotonic() + 250
    while not h2o.models() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert 0 < visitor.json(f"/job/state?number={job.number}")["share"] < 1
    visitor.post("/job/stop", {"number": job.number})
    assert job.wait(250)
    assert (job.state, job.result) == ("done", "/grid?key=g")
    assert 0 < len(h2o.get_grid("g")) < 399


def test_models_lie_on_the_axes_by_their_values():
    class Model:
        def __init__(self, key, hidden, l1):
            actual = type("Actual", (), {"hidden": hidden, "l1": l1})
            self.key, self.resolved = key, type("Resolved", (), {"actual": actual})

    models = [Model("a", (10,), 0.0), Model("b", (5,), 0.5), Model("c", (20, 20), 1.0)]
    found = places(models, ["hidden", "l1"], [0.1, 0.2, float("nan")])
    assert [one[0] for one in found] == ["a", "b", "c"]
    assert [one[1][1] for one in found] == [0.0, 0.5, 1.0]
    assert sorted(one[1][0] for one in found) == [0.0, 0.5, 1.0]
    assert [one[2] for one in found] == [0.0, 0.5, 1.0]
    assert all(0 <= place <= 1 for one in found for place in one[1])
    item = parallel(["hidden", "l1", "l1"], found, [["10", "5", "20, 20"], ["0", "0.5", "1"], ["0.1", "0.2", ""]])
    assert item["doc"]["roots"]
    assert '"20, 20"' in json.dumps(item)


def test_what_is_offered_can_be_searched():
    from daskdl.grid.space import Space

    assert len(gridable()) > 50
    assert Space.of({name: [None] for name in gridable()}).size == 1
