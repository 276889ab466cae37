"""What stands in docs/export.md of files and graphs, tried literally: Java, Python, `daskdl predict`, graphs."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import CODE, GAPS, KIND, OFFSET, WIDE, read_predictions, same

import daskdl as h2o
from daskdl.cli import main

MODELS = ("multinomial", "bernoulli", "poisson_offset", "numbers_only", "categories_only", "times", "autoencoder")
SINGLE = {"rtol": 1e-5, "atol": 1e-6}  # predict works in single precision
EXTRA = 'more, "of" it\r\nand\nthat'  # a column that no model knows


def written(header, rows, end="\n", quoted=False):
    """A CSV file as text; cells that need it are in quotes, or all of them."""

    def cell(text):
        special = set(text) & set('",\r\n') or text.startswith(" ")
        return '"' + text.replace('"', '""') + '"' if special or quoted else text

    return "".join(",".join(map(cell, row)) + end for row in [header, *rows])


def with_more(header, rows):
    """The columns the other way round, with one that nobody asked for."""
    return [*header[::-1], EXTRA], [[*row[::-1], 'odd "cell",\n'] for row in rows]


FACES = {
    "plain": lambda header, rows: written(header, rows).encode(),
    "other order and a column more": lambda header, rows: written(*with_more(header, rows)).encode(),
    "lines of Windows": lambda header, rows: written(header, rows, "\r\n").encode(),
    "everything quoted, after a mark": lambda header, rows: written(header, rows, "\r\n", True).encode("utf-8-sig"),
    "empty lines": lambda header, rows: ("\n\n" + written(header, rows, "\n\n") + "\n").encode(),
    "no end of the last line": lambda header, rows: written(header, rows).removesuffix("\n").encode(),
}


@pytest.fixture(scope="session")
def texts(rows):
    """Header and cells of the rows, as texts; numbers exactly."""
    cells = [["" if one is None or one != one else str(one) for one in row] for row in rows.itertuples(index=False)]
    return list(rows.columns), cells


@pytest.fixture(scope="session")
def faces(texts, tmp_path_factory):
    """The same rows as CSV files of every face."""
    folder = tmp_path_factory.mktemp("faces")
    for name, face in FACES.items():
        (folder / f"{name}.csv").write_bytes(face(*texts))
    return {name: folder / f"{name}.csv" for name in FACES}


@pytest.fixture(scope="session")
def saved(family, tmp_path_factory):
    """Folders of the saved models."""
    folder = str(tmp_path_factory.mktemp("saved"))
    return {name: h2o.save_model(family[name], folder) for name in MODELS}


def by_java(path, name, java_output, *options):
    """`java -cp DIR CLASS < rows.csv > predictions.csv`."""
    with open(path, "rb") as rows:
        return subprocess.run(
            ["java", "-cp", java_output, name, *options], stdin=rows, capture_output=True, check=False
        )


def by_python(path, scorer, *options):
    """`python scorer.py < rows.csv > predictions.csv`."""
    with open(path, "rb") as rows:
        return subprocess.run([sys.executable, scorer, *options], stdin=rows, capture_output=True, check=False)


def by_daskdl(path, folder, out):
    """`daskdl predict --model DIR --frame rows.csv --out predictions.csv`."""
    asked = ["predict", "--model", folder, "--frame", str(path), "--out", str(out), "--force"]
    return CliRunner().invoke(main, asked)


@pytest.mark.parametrize("face", FACES)
def test_python_reads_every_face_of_a_file(face, written, faces, wanted):
    for name in MODELS:
        done = by_python(faces[face], written["numpy"][name])
        assert done.returncode == 0, done.stderr
        same(read_predictions(done.stdout.decode()), wanted[name], **SINGLE)


@pytest.mark.parametrize("face", FACES)
def test_java_reads_every_face_of_a_file(face, java_output, faces, wanted):
    for name in MODELS:
        done = by_java(faces[face], name, java_output)
        assert done.returncode == 0, done.stderr
        same(read_predictions(done.stdout.decode()), wanted[name], **SINGLE)


@pytest.mark.parametrize("face", FACES)
def test_daskdl_predict_reads_every_face_of_a_file(face, saved, faces, wanted, tmp_path):
    for name in MODELS:
        done = by_daskdl(faces[face], saved[name], tmp_path / "predictions.csv")
        assert done.exit_code == 0, done.output
        same(read_predictions((tmp_path / "predictions.csv").read_text(encoding="utf-8")), wanted[name], **SINGLE)


def test_what_is_absent_counts_as_missing_with_a_warning_or_is_refused(written, java_output, saved, tmp_path):
    file = tmp_path / "rows.csv"
    file.write_bytes(f'"{WIDE.replace(chr(34), chr(34) * 2)}"\n1.5\n'.encode())
    python, java = by_python(file, written["numpy"]["bernoulli"]), by_java(file, "bernoulli", java_output)
    assert (python.returncode, java.returncode) == (0, 0)
    for name in (KIND, CODE, GAPS):
        assert f"the rows have no column {name!r}: it counts as missing" in python.stderr.decode()
        assert f"the rows have no column '{name}': it counts as missing" in java.stderr.decode()
    daskdl = by_daskdl(file, saved["bernoulli"], tmp_path / "p.csv")
    assert (daskdl.exit_code, daskdl.output.count("is missing column")) == (0, 3), daskdl.output
    for done in (
        by_python(file, written["numpy"]["bernoulli"], "--strict"),
        by_java(file, "bernoulli", java_output, "--strict"),
    ):
        assert (done.returncode, done.stdout) == (2, b"")
        assert b"Error: With" in done.stderr
        assert b"no column may be absent; the rows lack" in done.stderr


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "header; it is empty"),
        (b"other,columns\n1,2\n", "none of the model's columns"),
        (b"offset,unused\n1,2\n", "none of the model's columns"),
        (WIDE.replace('"', '""').join(['"', '"\n1\n']).encode(), "must have the offset column 'offset'"),
    ],
)
def test_a_file_that_cannot_be_scored_gets_a_sentence_and_no_predictions(
    content, sentence, written, java_output, tmp_path
):
    file = tmp_path / "rows.csv"
    file.write_bytes(content)
    name = "poisson_offset"
    for done in (by_python(file, written["numpy"][name]), by_java(file, name, java_output)):
        assert (done.returncode, done.stdout) == (2, b"")
        assert sentence in done.stderr.decode()
        assert b"Traceback" not in done.stderr


def test_daskdl_predict_says_what_a_file_lacks(saved, tmp_path):
    file = tmp_path / "rows.csv"
    for content, sentence in (("other,columns\n1,2\n", "no columns in common"), ("", "empty")):
        file.write_text(content)
        done = by_daskdl(file, saved["bernoulli"], tmp_path / "p.csv")
        assert (done.exit_code, sentence in done.output) == (2, True), done.output
    assert not (tmp_path / "p.csv").exists()


def test_a_long_row_is_refused_with_its_line(written, java_output, tmp_path):
    file = tmp_path / "rows.csv"
    file.write_bytes(("\n" + WIDE.replace('"', '""').join(['"', '",b\n1,"x\ny"\n\n1,2,3\n'])).encode())
    for done in (by_python(file, written["numpy"]["bernoulli"]), by_java(file, "bernoulli", java_output)):
        assert done.returncode == 2
        assert b"Line 6 must have 2 cells, as the header has; got 3." in done.stderr


@pytest.fixture(scope="module")
def coded(_session, tmp_path_factory):
    """A model whose levels are numbers but for their writing, in a folder, as a file of Python, and what it says."""
    from daskdl.estimators import H2ODeepLearningEstimator

    rng = np.random.default_rng(4)
    columns = {"town": ["rome", "oslo"], "code": ["01", "1", "1.0"], "y": ["a", "b"]}
    table = pd.DataFrame({name: rng.choice(np.array(levels, object), 60) for name, levels in columns.items()})
    folder = tmp_path_factory.mktemp("coded")
    frame = h2o.H2OFrame(table, column_types=dict.fromkeys(columns, "enum"))
    model = H2ODeepLearningEstimator(hidden=[4], epochs=3, seed=1, model_id="coded")
    model.train(y="y", training_frame=frame)
    said = model.predict(frame)["b"].as_data_frame()["b"].to_numpy()
    return table, h2o.save_model(model, str(folder)), model.export_numpy(folder), said


@pytest.mark.parametrize("columns", [["town", "code"], ["code"], ["town"]])
def test_levels_are_read_as_they_stand_and_names_as_names(coded, columns, tmp_path):
    table, folder, scorer, said = coded
    table[columns].to_csv(tmp_path / "rows.csv", index=False)
    python = read_predictions(by_python(tmp_path / "rows.csv", scorer).stdout.decode())
    if len(columns) == 2:
        np.testing.assert_allclose(python["b"], said, rtol=1e-5)
    done = by_daskdl(tmp_path / "rows.csv", folder, tmp_path / "p.csv")
    assert done.exit_code == 0, done.output
    same(read_predictions((tmp_path / "p.csv").read_text()), python, **SINGLE)


def test_a_graph_has_an_input_for_each_predictor_and_the_outputs_of_its_category(family, coded, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime", reason="graphs are run by onnxruntime")
    session = onnxruntime.InferenceSession(h2o.load_model(coded[1]).export_onnx(tmp_path / "coded.onnx"))
    assert {one.name: (one.type, one.shape) for one in session.get_inputs()} == {
        name: ("tensor(string)", ["rows", 1]) for name in ("town", "code")
    }
    table, _, _, said = coded
    predict, shares = session.run(
        ["predict", "probabilities"], {name: table[[name]].to_numpy(object) for name in ("town", "code")}
    )
    assert predict.shape == (60,)
    assert shares.dtype == np.float32
    np.testing.assert_allclose(shares, np.column_stack([1 - said, said]), atol=2e-6)
    numbers = onnxruntime.InferenceSession(family["gaussian_offset"].export_onnx(tmp_path / "numbers.onnx"))
    kinds = {one.name: (one.type, one.shape) for one in numbers.get_inputs()}
    number, text = ("tensor(float)", ["rows", 1]), ("tensor(string)", ["rows", 1])
    assert kinds == {WIDE: number, GAPS: number, OFFSET: number, KIND: text, CODE: text}
    assert len(numbers.get_outputs()) == 1
