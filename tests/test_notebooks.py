"""The notebooks run from the first cell to the last, as a newcomer would run them."""

import nbformat
import pytest
from nbclient import NotebookClient
from source_tree import ROOT

NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))


def test_the_notebooks_that_readers_are_sent_to_are_there():
    wanted = ("quickstart", "mnist", "larger_than_memory", "autoencoders", "grid_on_a_cluster")
    assert {f"{name}.ipynb" for name in wanted} <= {path.name for path in NOTEBOOKS}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not [path.name for path in NOTEBOOKS if f"notebooks/{path.name}" not in readme]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.timeout(400)
def test_a_notebook_runs_from_the_first_cell_to_the_last(path, tmp_path, request):
    notebook = nbformat.read(path, as_version=4)
    if any("DASKDL_DATA" in cell.source for cell in notebook.cells if cell.cell_type == "code"):
        request.getfixturevalue("data_folder")  # which says why there is nothing to run
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=240, kernel_name="python3", resources=resources).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    complaints = [out["text"] for cell in code for out in cell.outputs if out.get("name") == "stderr"]
    assert not [text for text in complaints if "Warning" in text], complaints


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_results(path):
    notebook = nbformat.read(path, as_version=4)
    assert not [cell for cell in notebook.cells if cell.cell_type == "code" and (cell.outputs or cell.execution_count)]


LIVE = (
    """
import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator
h2o.init(dashboard=False, verbose=False)
frame = h2o.H2OFrame({"a": list(range(600)), "y": [n % 7 for n in range(600)]})
model = H2ODeepLearningEstimator(hidden=[5], epochs=1e7, seed=1, stopping_rounds=0, score_interval=0.1)
model.start(y="y", training_frame=frame, model_id="<b>live</b>")
""",
    """
import time
began = time.monotonic()
print(frame.nrow)  # the kernel is free
assert time.monotonic() - began < 5
while len(model.job._journal._points["training"]) < 3:
    time.sleep(0.1)
assert model.job.status == "RUNNING"
time.sleep(1.5)  # the picture is drawn once a second
""",
    "model.job.cancel(); model.join(); time.sleep(1.5)",
)


def test_the_cell_that_began_a_training_follows_it_while_other_cells_run(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in LIVE])
    resources = {"metadata": {"path": str(tmp_path)}}
    pictures = []

    def done(cell, **_):
        found = [out for out in notebook.cells[0].outputs if out.output_type == "display_data"]
        pictures.append(found[0].data["text/html"])

    client = NotebookClient(notebook, timeout=90, kernel_name="python3", resources=resources, on_cell_executed=done)
    client.execute()
    assert "&lt;b&gt;live&lt;/b&gt;" in pictures[0]
    assert ["RUNNING" in page for page in pictures] == [True, True, False]
    assert "<svg" in pictures[1]
    assert "CANCELLED" in pictures[2]
    assert len(notebook.cells[0].outputs) == 1  # one picture, no bars
