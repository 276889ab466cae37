"""Folders for MLflow, loaded by MLflow itself in a process that has no daskdl."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import CODE, GAPS, KIND, OFFSET, WHEN, WIDE, read_predictions, same

from frames.exceptions import FileExists, FileMissing

needs_mlflow = pytest.mark.skipif(
    importlib.util.find_spec("mlflow") is None,
    reason="needs MLflow to load what was written: pip install mlflow-skinny",
)
MODELS = ("multinomial", "bernoulli", "poisson_offset", "hashed", "autoencoder", "numbers_only", "times")
LOADING = """
import json, sys
for name in ("daskdl", "frames", "dask", "distributed", "numba"):
    sys.modules[name] = None
import mlflow.pyfunc
import pandas as pd
rows = pd.read_pickle(sys.argv[1])
made = {folder: mlflow.pyfunc.load_model(folder) for folder in sys.argv[3:]}  # all of them in one process
for folder, model in made.items():
    model.predict(rows).to_csv(sys.argv[2] + "/" + folder.rsplit("/", 1)[-1] + ".csv", index=False)
    example = model.input_example
    signature = model.metadata.signature
    facts = {
        "inputs": {one.name: (one.type.name, one.required) for one in signature.inputs},
        "outputs": [one.name for one in signature.outputs or ()],
        "example": model.predict(example).shape,
        "index": model.predict(example.set_index(pd.Index([7]))).index.tolist(),
    }
    print(json.dumps([folder, facts]))
autoencoder = [one for folder, one in made.items() if folder.endswith("autoencoder")][0]
errors = autoencoder.predict(rows, params={"anomaly": True})
print(json.dumps(["anomaly", {"columns": list(errors.columns), "rows": len(errors)}]))
try:
    autoencoder.predict(rows, params={"strict": True})
except ValueError as error:
    print(json.dumps(["strict", {"said": str(error)}]))
"""


@pytest.fixture(scope="module")
def loaded(family, rows, tmp_path_factory):
    """What MLflow says of models, and the folder with what they predicted."""
    folder, out = tmp_path_factory.mktemp("mlflow"), tmp_path_factory.mktemp("predicted")
    paths = [family[name].export_mlflow(folder / name) for name in MODELS]
    moments = pd.to_datetime(rows[WHEN], unit="ms")  # what the signature asks for
    rows.assign(**{WHEN: moments}).to_pickle(folder / "rows.pickle")
    surroundings = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    command = [sys.executable, "-c", LOADING, str(folder / "rows.pickle"), str(out), *paths]
    done = subprocess.run(command, capture_output=True, text=True, env=surroundings, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    facts = dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))
    return {name.rsplit("/", 1)[-1]: one for name, one in facts.items()}, out, done.stderr


@needs_mlflow
@pytest.mark.parametrize("name", MODELS)
def test_what_mlflow_loads_predicts_what_the_model_does(name, loaded, wanted):
    _, out, _ = loaded
    found = read_predictions((out / f"{name}.csv").read_text(encoding="utf-8"))
    same(found, wanted[name], rtol=1e-5, atol=1e-6)


@needs_mlflow
def test_the_signature_names_columns_and_the_example_is_predicted(loaded):
    facts, _, _ = loaded
    text, number = ["string", False], ["double", False]
    assert facts["multinomial"]["inputs"] == {WIDE: number, GAPS: number, KIND: text, CODE: text}
    assert facts["poisson_offset"]["inputs"][OFFSET] == ["double", True]
    assert facts["times"]["inputs"][WHEN] == ["datetime", False]
    assert facts["bernoulli"]["outputs"][0] == "predict"
    assert len(facts["bernoulli"]["outputs"]) == 3
    assert facts["multinomial"]["example"] == [1, 4]
    assert all(facts[name]["index"] == [7] for name in MODELS)


@needs_mlflow
def test_parameters_ask_for_anomalies_and_for_rows_without_odd_cells(loaded, rows):
    facts, _, stderr = loaded
    assert facts["anomaly"] == {"columns": ["Reconstruction.MSE"], "rows": len(rows)}
    assert "no cell may be odd" in facts["strict"]["said"]
    assert "levels that the model does not know" in stderr  # a warning, without strict


@needs_mlflow
def test_a_model_in_a_tracking_store_is_loaded_by_its_address(family, tmp_path):
    path = family["gaussian"].export_mlflow(tmp_path / "model")
    code = (
        "import mlflow, sys\n"
        "with mlflow.start_run() as run:\n"
        "    mlflow.log_artifacts(sys.argv[1], 'model')\n"
        "model = mlflow.pyfunc.load_model(f'runs:/{run.info.run_id}/model')\n"
        "print(model.predict(model.input_example).to_json())"
    )
    store = {"MLFLOW_TRACKING_URI": (tmp_path / "store").as_uri(), "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(
        [sys.executable, "-c", code, path],
        capture_output=True,
        text=True,
        env={**os.environ, **store, "MLFLOW_ALLOW_FILE_STORE": "true"},
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "predict" in json.loads(done.stdout.splitlines()[-1])


def test_the_folder_needs_no_mlflow_to_be_written_and_says_what_is_in_it(family, tmp_path):
    path = Path(family["bernoulli"].export_mlflow(tmp_path))
    assert path.name == "bernoulli"
    assert sorted(one.name for one in path.iterdir()) == [
        "MLmodel", "code", "input_example.json", "python_env.yaml", "requirements.txt", "serving_input_example.json",
    ]  # fmt: skip
    example = json.loads((path / "input_example.json").read_text())
    assert set(example["columns"]) == {WIDE, GAPS, KIND, CODE}
    assert f"numpy=={np.__version__}" in (path / "requirements.txt").read_text()
    assert f"pandas=={pd.__version__}" in (path / "requirements.txt").read_text()
    names = {next((Path(family[name].export_mlflow(tmp_path)) / "code").iterdir()).name for name in ("Tanh", "Maxout")}
    assert len(names) == 2  # modules of two models in one process


def test_a_folder_that_is_there_stays_unless_it_was_exported(family, tmp_path):
    model = family["gaussian"]
    path = model.export_mlflow(tmp_path / "model")
    before = sorted(one.name for one in Path(path, "code").iterdir())
    with pytest.raises(FileExists, match=r"Folder already exists.*force=True"):
        model.export_mlflow(path)
    family["poisson"].export_mlflow(path, force=True)
    after = sorted(one.name for one in Path(path, "code").iterdir())
    assert len(after) == 1
    assert after != before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "gaussian").mkdir()
    with pytest.raises(FileExists, match="new folder, or one that was exported before"):
        model.export_mlflow(tmp_path / "mine", force=True)
    with pytest.raises(FileMissing, match="does not exist"):
        model.export_mlflow(tmp_path / "no" / "model")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["mine", "model"]
