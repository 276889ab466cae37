"""How a user lets a model leave: methods, functions, the command line; and what cannot break out of what is written."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import CODE, GAPS, KIND, WIDE, frame_of, imported, read_predictions, table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import daskdl as h2o
from daskdl.cli import main
from daskdl.export.program import program_of
from daskdl.export.targets import TARGETS
from daskdl.export.write import write_model
from frames.exceptions import FileExists, H2OValueError


def test_methods_write_files_named_after_the_model(family, tmp_path):
    model = family["bernoulli"]
    assert model.have_pojo
    paths = [model.export_java(tmp_path), model.export_numpy(tmp_path), model.export_onnx(tmp_path)]
    assert [os.path.basename(path) for path in paths] == ["bernoulli.java", "bernoulli.py", "bernoulli.onnx"]
    with pytest.raises(FileExists):
        model.export_numpy(tmp_path)
    assert model.export_numpy(tmp_path / "bernoulli.py", force=True) == paths[1]
    assert model.export_java(tmp_path, package="com.acme").endswith("com/acme/bernoulli.java")


def test_h2os_names_write_or_print_a_class(family, tmp_path, capsys):
    model = family["gaussian"]
    path = h2o.download_pojo(model, str(tmp_path))
    assert path == h2o.download_pojo("gaussian", str(tmp_path), get_jar=True)
    assert "class gaussian" in Path(path).read_text(encoding="ascii")
    assert model.download_pojo() is None
    assert "class gaussian" in capsys.readouterr().out
    assert not model.have_mojo  # one of its columns has a line break in its name
    with pytest.raises(H2OValueError, match=r"export_java\(\), export_onnx\(\) and export_numpy\(\)"):
        model.download_mojo(str(tmp_path))


def test_what_cannot_be_written_is_refused_before_anything_is(family, tmp_path):
    model = family["gaussian"]
    with pytest.raises(H2OValueError, match="exported to one of card, java, mlflow, mojo, numpy, onnx; got 'cobol'"):
        write_model(model.model, "cobol", tmp_path)
    with pytest.raises(H2OValueError, match="Options of onnx must be among: none; got 'package'"):
        write_model(model.model, "onnx", tmp_path, package="com.acme")
    with pytest.raises(H2OValueError, match="class_name must be a name in Java"):
        model.export_java(tmp_path, class_name="class")
    with pytest.raises(H2OValueError, match="package must be a name in Java"):
        model.export_java(tmp_path, package="com.acme;import evil")
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_writes_a_saved_model(family, tmp_path):
    saved = h2o.save_model(family["three" if "three" in family else "multinomial"], str(tmp_path))
    run = CliRunner().invoke(main, ["export", "--model", saved, "--to", "numpy", "--out", str(tmp_path / "scorer.py")])
    assert run.exit_code == 0, run.output
    assert "scorer.py" in run.output
    again = CliRunner().invoke(
        main, ["export", "--model", saved, "--to", "numpy", "--out", str(tmp_path / "scorer.py")]
    )
    assert (again.exit_code, "exists" in again.output) == (2, True)
    nothing = CliRunner().invoke(main, ["export", "--model", str(tmp_path / "no"), "--to", "java", "--out", "x"])
    assert (nothing.exit_code, "there is no" in nothing.output) == (2, True)


def test_the_file_scores_a_csv_file_without_daskdl(family, tmp_path, wanted, csv_file):
    path = family["multinomial"].export_numpy(tmp_path / "scorer.py")
    code = "import sys; sys.modules['daskdl'] = sys.modules['dask'] = sys.modules['pandas'] = None\n"
    code += f"sys.argv = ['scorer.py']; exec(compile(open({path!r}).read(), 'scorer.py', 'exec'))"
    with csv_file.open("rb") as rows:
        done = subprocess.run([sys.executable, "-c", code], stdin=rows, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    found = read_predictions(done.stdout.decode())
    assert found["predict"].tolist() == wanted["multinomial"]["predict"].tolist()
    assert b"levels that the model does not know" in done.stderr


def test_rows_that_cannot_be_scored_get_a_sentence(family, tmp_path):
    module = imported(family["poisson_offset"].export_numpy(tmp_path / "scorer.py"))
    with pytest.raises(module.BadInput, match="must have the offset column 'offset'"):
        module.predict({WIDE: [1.0]})
    with pytest.raises(module.BadInput, match="none of the model's columns"):
        module.predict({"other": [1.0], "offset": [0.0]})
    with pytest.raises(module.BadInput, match=f"no column may be absent; the rows lack {KIND!r}"):
        module.predict({WIDE: [1.0], CODE: ["1"], GAPS: [1.0], "offset": [0.0]}, strict=True)
    with pytest.raises(module.BadInput, match="With strict, no cell may be odd"):
        module.predict({WIDE: ["much"], KIND: ["NA"], CODE: ["1"], GAPS: [1.0], "offset": [0.0]}, strict=True)


@pytest.fixture(scope="module")
def large(_session):
    """A network whose weights are beyond what a Java source takes as text."""
    from daskdl.estimators import H2ODeepLearningEstimator

    model = H2ODeepLearningEstimator(hidden=[700, 700], epochs=0.1, seed=1, model_id="large", score_training_samples=50)
    model.train(x=[WIDE, GAPS, KIND, CODE], y="number", training_frame=frame_of(table(60, 3)))
    return model


def test_large_weights_lie_beside_the_class(large, tmp_path, jdk, csv_file):
    path = large.export_java(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["large.bin", "large.java"]
    done = subprocess.run(["javac", path], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with csv_file.open("rb") as rows:
        said = subprocess.run(["java", "-cp", ".", "large"], cwd=tmp_path, stdin=rows, capture_output=True, check=False)
    assert said.returncode == 0, said.stderr
    module = imported(large.export_numpy(tmp_path / "large.py"))
    frame = pd.read_csv(
        csv_file, keep_default_na=False, na_values={GAPS: [""], WIDE: [""]}, dtype={KIND: str, CODE: str}
    )
    expected = module.predict(frame)["predict"]
    np.testing.assert_allclose(read_predictions(said.stdout.decode())["predict"], expected, rtol=1e-9)


HOSTILE = st.text(st.characters(exclude_categories=[]), min_size=1, max_size=12) | st.sampled_from(
    [
        "*/ static { System.exit(9); } /*",
        "\\u000a",
        "\\u002a/",
        '"""',
        "'''",
        "${x}",
        "</script>",
        "@CLASS@",
        "\x00",
        "\ud800",
    ]
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(HOSTILE, min_size=4, max_size=4, unique=True), level=HOSTILE, name=HOSTILE)
def test_no_name_breaks_out_of_a_python_file(programs, names, level, name, tmp_path):
    program = _renamed(programs["multinomial"], names, level, name)
    path = TARGETS["numpy"].write(program, str(tmp_path / "scorer.py"), force=True)
    module = imported(path)
    assert module._FACTS["name"] == name
    assert [one["name"] for one in module._FACTS["fields"]] == names[: len(program.fields)]
    rows = {column: [1.0, None] for column in names}
    assert set(module.predict(rows)) == set(program.columns)


def test_no_name_breaks_out_of_a_java_class(programs, tmp_path, jdk):
    """One class with the worst of names, whose data are bytes and whose source is ASCII without any of them."""
    worst = ["*/ static { System.exit(9); } /*", "\\u000a\\u002a/", '"""; evil', "@CLASS@"]
    program = _renamed(programs["multinomial"], worst, "\\u0022;System.exit(9);//", "a\nb*/c")
    path = TARGETS["java"].write(program, str(tmp_path))
    source = Path(path).read_text(encoding="ascii")
    assert re.search(r"class a_b__c\b", source)
    assert "evil" not in source
    assert "exit(9)" not in source
    done = subprocess.run(["javac", path], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _renamed(program, names, level, name):
    fields = tuple(
        replace(one, name=names[k], levels=one.levels and (level, *one.levels[1:]))
        for k, one in enumerate(program.fields)
    )
    return replace(program, name=name, fields=fields)


def test_a_program_knows_the_threshold_of_the_moment(family):
    assert program_of(family["bernoulli"].model).threshold == pytest.approx(family["bernoulli"].model.default_threshold)
