"""The command line: from a file to a saved model and predictions, and one sentence for every mistake."""

import subprocess
import sys

import pandas as pd
import pytest
from click.testing import CliRunner

from daskdl.cli import NO_OPTION, main
from daskdl.door.keys import dataset_path
from daskdl.parameters import declarations

pytestmark = pytest.mark.usefixtures("embedded")

IRIS = str(dataset_path("iris"))
QUICK = ["--hidden", "6", "--epochs", "20", "--seed", "1"]


def run(*arguments, code=0):
    done = CliRunner().invoke(main, [str(one) for one in arguments])
    assert done.exit_code == code, done.output
    return done.output


def test_every_parameter_is_an_option():
    text = run("train", "--help")
    words = [f"--{name.replace('_', '-')}" for name in declarations() if name not in NO_OPTION]
    assert len(words) > 80
    assert [word for word in words if word not in text] == []


def test_dask_offers_the_command_too():
    done = subprocess.run(
        [sys.executable, "-c", "from dask.cli import run_cli; run_cli()", "daskdl", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Deep learning on tables larger than memory." in done.stdout


def test_a_classifier_is_trained_and_judged():
    text = run("train", "--training-frame", IRIS, "--response", "class", "--validation-frame", IRIS, *QUICK)
    for words in (
        "Status of Neuron Layers",
        "predicting class, 3-class",
        "Confusion Matrix",
        "validation data",
        "LogLoss",
    ):
        assert words in text
    assert "The model was not saved: --model-out DIR saves it." in text


def test_options_reach_the_parameters():
    text = run(
        *("train", "--training-frame", IRIS, "--response", "petal_len", "--x", "sepal_len,sepal_wid", "--epochs", "3"),
        *("--hidden", "4,3", "--activation", "tanh_with_dropout", "--hidden-dropout-ratios", "0.1,0.2", "--seed", "1"),
        *("--no-adaptive-rate", "--rate", "0.01", "--l1", "1e-5"),
    )
    assert "predicting petal_len, regression" in text
    assert "TanhDropout" in text
    lines = [line.split() for line in text.splitlines()]
    assert ["3", "3", "TanhDropout", "20"] in [line[:4] for line in lines]


def test_the_response_type_makes_a_classifier_of_numbers(tmp_path):
    prostate = str(dataset_path("prostate"))
    base = ("train", "--training-frame", prostate, "--response", "CAPSULE", *QUICK)
    assert "2-class classification" in run(*base, "--response-type", "enum")
    text = run(*base)
    assert "regression" in text
    assert "Warning: We have detected that your response column has only 2 unique values" in text


def test_an_autoencoder_needs_no_response():
    batches = ("--mini-batch-size", "8")
    text = run("train", "--training-frame", IRIS, "--autoencoder", "--activation", "Tanh", *batches, *QUICK)
    assert "auto-encoder" in text
    assert "mini-batch size 8" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--training-frame", "/nowhere.csv", "--response", "y"], "nowhere.csv"),
        (["--training-frame", IRIS, "--response", "nope"], "Column nope does not exist in the training frame"),
        (["--training-frame", IRIS], "Missing option '--response'"),
        (["--training-frame", IRIS, "--response", "class", "--hidden", "many"], "Argument `hidden` should be a"),
        (["--training-frame", IRIS, "--response", "class", "--loss", "Hinge"], "Argument `loss` should be a"),
        (["--training-frame", IRIS, "--response", "class", "--l1", "-1"], "l1 must be at least 0 and finite; got -1."),
        (["--training-frame", IRIS, "--response", "class", "--nfolds", "1"], "nfolds must be either 0 or >1."),
        (["--training-frame", IRIS, "--response", "class", "--layers", "2"], "No such option"),
        (["--training-frame", IRIS, "--response", "class", "--checkpoint", "/nothing"], "File not found: /nothing"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(arguments, words):
    text = run("train", *arguments, code=2)
    assert words in text
    assert "Traceback" not in text


def test_a_model_is_saved_and_predicts_from_files(tmp_path):
    base = (
        "train",
        "--training-frame",
        IRIS,
        "--response",
        "class",
        "--model-out",
        tmp_path,
        "--model-id",
        "iris",
        *QUICK,
    )
    assert f"Model saved: {tmp_path / 'iris'}" in run(*base)
    assert "File already exists" in run(*base, code=2)
    run(*base, "--force")
    out = tmp_path / "guess.csv"
    ask = ("predict", "--model", tmp_path / "iris", "--frame", IRIS, "--out", out)
    text = run(*ask)
    assert "150 predictions written" in text
    assert "** Reported on test data. **" in text
    table = pd.read_csv(out)
    assert list(table.columns) == ["predict", "Iris-setosa", "Iris-versicolor", "Iris-virginica"]
    assert (table.iloc[:, 1:].sum(axis=1) - 1).abs().max() < 1e-6
    assert "File already exists" in run(*ask, code=2)
    again = run(
        *base[:-6], *("--checkpoint", tmp_path / "iris", "--epochs", "30", "--hidden", "6", "--seed", "1"), "--force"
    )
    assert "4,500 training samples" in again


def test_info_shows_versions_and_the_cluster():
    text = run("info")
    assert "embedded in this process" in text
    assert "zarr" in text


def test_the_demonstration_tells_its_steps_and_leaves_its_files(tmp_path):
    text = run("demo", "--out", tmp_path)
    for number in range(1, 8):
        assert f"\n{number}. " in text
    assert {"predictions.csv", "heartbeats.csv", "prostate_demo"} <= {path.name for path in tmp_path.iterdir()}
    assert "largest difference of a probability 0." in text
    assert all(f"heartbeat {number}  " in text for number in (21, 22, 23))
    marked = [line for line in text.splitlines() if "times the median" in line]
    assert [line.split()[1] for line in marked] == ["21", "22", "23"]


def test_warming_names_each_usual_combination_once():
    from daskdl.training.compile_ahead import choices, warm

    usual = [str(choice) for choice in choices()]
    assert len(set(usual)) == len(usual) > 10
    assert set(usual) < {str(choice) for choice in choices(everything=True)}
    assert callable(warm)
