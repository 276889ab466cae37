"""The model card, and the ONNX graph in a runtime that is not Python's."""

from __future__ import annotations

import json
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from daskdl.export.targets import TARGETS, WRITERS
from frames.exceptions import FileExists

NODE = Path(__file__).resolve().parents[2] / "docs" / "node"


def test_every_form_has_a_name_a_sentence_and_its_own_ending():
    assert set(WRITERS) == {*TARGETS, "mojo", "card"}
    for name, writer in WRITERS.items():
        assert writer.name == name
        assert writer.sentence
        assert not writer.sentence.endswith(".")


# ---- the card --------------------------------------------------------------------------------------------------------
class Tags(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.text = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.text.append(data)


def test_a_card_tells_data_parameters_metrics_and_versions(family, tmp_path):
    model = family["multinomial"]
    text = Path(model.export_card(str(tmp_path))).read_text()
    assert (tmp_path / "multinomial.md").is_file()
    for said in ("| Rows | 200 |", "| Response | three |", "| hidden |", f"{model.logloss():.6g}", "SHA-256", "numba"):
        assert said in text
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings[:4] == ["## What it is", "## Intended use", "## Data", "## Parameters"]


def test_names_on_a_card_are_text_whatever_they_hold(family, tmp_path):
    page = Path(family["multinomial"].export_card(str(tmp_path / "card.html"))).read_text()
    read = Tags(page)
    assert "script" not in read.tags
    assert any("</script>\\" in piece for piece in read.text)
    markdown = Path(family["multinomial"].export_card(str(tmp_path / "card.md"))).read_text()
    assert "<" not in markdown
    tables = [line for line in markdown.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)  # no name breaks a row


def test_a_card_is_not_replaced_without_force(family, tmp_path):
    path = family["gaussian"].export_card(str(tmp_path / "card.md"))
    with pytest.raises(FileExists):
        family["gaussian"].export_card(path)


# ---- a runtime of another language -----------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def node(tmp_path_factory) -> Path:
    """The example of docs/node with its runtime installed; skips where Node.js or its packages cannot be had."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("needs Node.js with npm")
    folder = tmp_path_factory.mktemp("node")
    for file in NODE.iterdir():
        shutil.copy(file, folder)
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=80, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm could not fetch onnxruntime-web in 80 seconds")
    if done.returncode:
        pytest.skip(f"npm could not fetch onnxruntime-web: {done.stderr[-200:]}")
    return folder


@pytest.mark.parametrize("name", ["multinomial", "poisson"])
def test_node_scores_the_graph(name, node, family, rows, wanted):
    family[name].export_onnx(str(node / f"{name}.onnx"), force=True)
    cells = json.loads(rows.to_json(orient="records", double_precision=15))
    command = ["node", "score.mjs", f"{name}.onnx"]
    done = subprocess.run(
        command, input=json.dumps(cells), cwd=node, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    # a predictor of the family is called predict, so the output has a number behind its name
    found, expected = list(json.loads(done.stdout).values()), wanted[name]
    if name == "poisson":
        assert np.allclose(found[0], expected["predict"], rtol=2e-5)
        return
    assert found[0] == expected["predict"].tolist()
    assert np.allclose(found[1], expected.drop(columns="predict"), atol=2e-5)
