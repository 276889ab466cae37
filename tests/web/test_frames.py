"""Frames in the browser: imported, looked at, changed, split, removed; each as Python that does the same."""

import html
import warnings
from urllib.parse import urlencode

import pytest

import daskdl as h2o
from daskdl.door.keys import dataset_path
from frames.cluster import registry
from frames.frame import H2OFrame

PROSTATE = str(dataset_path("prostate"))
EVIL = "<script>document.title='owned'</script>\"'><img src=x onerror=document.title='owned'>"


@pytest.fixture(autouse=True)
def _empty():
    registry.clear()


def imported(visitor, path=PROSTATE, **more):
    answer = visitor.followed(
        visitor.post("/frames/import", {"path": path, "key": "", "header": "0", "sep": "", **more})
    )
    assert answer.path.startswith("/frame?key="), answer.text
    return answer


def test_a_file_is_imported_and_shown(visitor):
    answer = imported(visitor)
    assert answer.path == "/frame?key=prostate.hex"
    assert "380 rows, 9 columns" in answer.text
    assert answer.text.count('class="bars"') == 9
    assert h2o.get_frame("prostate.hex").dim == [380, 9]


def test_an_import_is_the_same_as_its_python(visitor):
    fields = {"path": PROSTATE, "key": 'my "own" one', "header": "1", "sep": ","}
    code = visitor.post("/frames/import", {**fields, "as": "python"}).code
    assert registry.keys() == []
    exec(code, {})
    wanted = h2o.get_frame('my "own" one').as_data_frame()
    registry.clear()
    imported(visitor, **fields)
    assert h2o.get_frame('my "own" one').as_data_frame().equals(wanted)


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"path": " "}, "path"), ({"sep": "::"}, "sep"), ({"header": "7"}, "header"), ({"key": "taken"}, "key")],
)
def test_a_mistake_is_told_beside_its_field_before_anything_starts(visitor, fields, field):
    H2OFrame({"x": [1]}, destination_frame="taken")
    before = len(visitor.flow.site.jobs.all())
    answer = visitor.post("/frames/import", {"path": PROSTATE, "key": "", "header": "0", "sep": "", **fields})
    assert answer.status == 422
    assert f'id="e-{field}"' in answer.text
    assert f'e-{field}" aria-invalid="true"' in answer.text
    assert f'href="#f-{field}"' in answer.text
    assert len(visitor.flow.site.jobs.all()) == before


def test_a_file_that_is_not_there_fails_the_job_with_the_readers_sentence(visitor):
    answer = visitor.followed(
        visitor.post("/frames/import", {"path": "/nowhere/x.csv", "key": "", "header": "0", "sep": ""})
    )
    assert answer.path.startswith("/job?")
    assert "/nowhere/x.csv" in answer.text
    assert "failed" in answer.text


def test_what_an_import_warns_of_is_on_the_page_of_its_job(visitor, tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("a,b\n" + "1,2\n" * 30 + "x,3\n")
    imported(visitor, str(path))
    job = visitor.flow.site.jobs.all()[0]
    assert job.told
    assert job.told[0] in html.unescape(visitor.get(f"/job?number={job.number}").text)


def test_a_column_is_converted_and_the_script_says_so(visitor):
    imported(visitor)
    answer = visitor.followed(
        visitor.post("/frame/convert", {"key": "prostate.hex", "column": "CAPSULE", "to": "enum"})
    )
    assert h2o.get_frame("prostate.hex").types["CAPSULE"] == "enum"
    registry.clear()
    exec(answer.code, {})
    assert h2o.get_frame("prostate.hex").types["CAPSULE"] == "enum"


def test_a_split_is_the_same_as_its_python(visitor):
    imported(visitor)
    fields = {"key": "prostate.hex", "ratio": "0.6", "seed": "5"}
    code = visitor.post("/frame/split", {**fields, "as": "python"}).code
    answer = visitor.followed(visitor.post("/frame/split", fields))
    assert answer.path == "/frame?key=prostate_train.hex"
    assert answer.code == code
    names = ("prostate_train.hex", "prostate_test.hex")
    wanted = [h2o.get_frame(name).as_data_frame() for name in names]
    assert sum(map(len, wanted)) == 380
    registry.clear()
    exec(answer.code, {})
    assert all(h2o.get_frame(name).as_data_frame().equals(one) for name, one in zip(names, wanted, strict=True))


def test_a_split_does_not_replace_frames(visitor):
    imported(visitor)
    H2OFrame({"x": [1]}, destination_frame="prostate_test.hex")
    answer = visitor.post("/frame/split", {"key": "prostate.hex", "ratio": "0.6", "seed": "5"})
    assert answer.status == 422
    assert "prostate_test.hex" in answer.text


@pytest.mark.parametrize("ratio", ["0", "1", "x", "nan"])
def test_a_share_out_of_range_is_refused(visitor, ratio):
    imported(visitor)
    answer = visitor.post("/frame/split", {"key": "prostate.hex", "ratio": ratio, "seed": "5"})
    assert answer.status == 422
    assert "must" in answer.text


def test_a_frame_is_removed(visitor):
    imported(visitor)
    answer = visitor.post("/remove", {"kind": "frame", "key": "prostate.hex"})
    assert answer.path == "/frames"
    assert h2o.get_frame("prostate.hex") is None
    assert visitor.get("/frame?key=prostate.hex").status == 404


def test_many_columns_come_page_by_page(visitor):
    H2OFrame({f"c{i}": [1.0, 2.0] for i in range(60)}, destination_frame="wide")
    first, last = visitor.get("/frame?key=wide"), visitor.get("/frame?key=wide&from=999")
    assert "Columns 1 to 25 of 60" in first.text
    assert "Columns 51 to 60 of 60" in last.text
    assert ">c59<" in last.text
    assert ">c59<" not in first.text


def test_columns_of_every_type_and_odd_numbers_are_shown(visitor):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        H2OFrame(
            {"inf": [1.0, float("inf"), 2.0], "none": [None] * 3, "one": [5, 5, 5], "t": ["2020-01-01", None, ""],
             "e": ["a", "b", "a"], "s": ["x y", "z", None]},
            column_types={"s": "string", "t": "time"}, destination_frame="odd",
        )  # fmt: skip
    answer = visitor.get("/frame?key=odd")
    assert answer.status == 200
    assert "2020-01-01" in answer.text
    assert visitor.get("/frames").status == 200


def test_a_frame_without_rows_is_shown(visitor):
    H2OFrame({"x": [], "y": []}, destination_frame="empty")
    assert visitor.get("/frame?key=empty").status == 200


def test_names_full_of_html_are_text_in_every_page(visitor):
    H2OFrame({EVIL: [EVIL, "b", None]}, destination_frame=EVIL)
    for path in ("/", "/frames", f"/frame?{urlencode({'key': EVIL})}", "/jobs"):
        answer = visitor.get(path)
        assert answer.status == 200
        assert "<img" not in answer.text
        assert "owned'</script>" not in answer.text
