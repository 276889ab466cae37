"""The examples in docstrings do what they say."""

from __future__ import annotations

import ast
import contextlib
import doctest
import importlib
import re
import sqlite3
import textwrap
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from source_tree import modules

import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator
from frames.cluster import session

PROMPT = re.compile(r"^ *>>> ", re.MULTILINE)
WITH_EXAMPLES = sorted(name for name, one in modules().items() if PROMPT.search(one.path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_give_what_they_show(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
    assert result.attempted > 0


def test_examples_are_found():
    assert len(WITH_EXAMPLES) > 40


# ---- what docstrings give as "Example:" ----------------------------------------------------------------------------
class Example(NamedTuple):
    """Lines of Python in a docstring, and where."""

    module: str
    name: str
    code: str


NO_PYTHON = {"room"}  # lines of a shell
ELSEWHERE = {"init": "needs a scheduler at that address"}  # and one that a test starts: tests/daskdl/test_door.py


def _examples() -> list[Example]:
    found = []
    for module in modules().values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text, name = ast.get_docstring(node) or "", getattr(node, "name", "module")
                if name not in NO_PYTHON | set(ELSEWHERE):
                    found += [Example(module.name, name, code) for code in _code(text)]
    return found


def _code(text: str) -> Iterator[str]:
    """The blocks behind `Example::`, and the calls between backticks in the paragraph behind `Example:`."""
    for block in re.findall(r"Example(?:::|:\n\n)\n*((?:    .*\n?|\n)+)", text + "\n"):
        if ">>>" not in block:
            yield textwrap.dedent(block)
    for paragraph in re.findall(r"Example: ((?:.+\n?)+)", text):
        spans = re.findall(r"``(.+?)``|`(.+?)`", paragraph.replace("\n", " "))
        calls = [one or other for one, other in spans if re.search(r"[(=]", one or other)]
        if calls:
            yield "\n".join(re.sub(r"\s+", " ", call) for call in calls)


EXAMPLES = _examples()


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """The names that examples speak of, and the files, in a folder of their own."""
    folder = tmp_path_factory.mktemp("examples")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield _scene(folder)


def _scene(folder: Path) -> dict[str, Any]:
    h2o.init(verbose=False, dashboard=False)
    rows = pd.DataFrame(
        {
            "x": [1, 2, 3, 4, 5, 6], "y": list("nynyny"), "species": list("aabbcc"), "class": list("ababab"),
            "petal_len": [1.0, 2, 3, 4, 5, 6], "sepal_len": [6.0, 5, 4, 3, 2, 1], "city": ["new-york"] * 6,
            "day": [1, 1, 2, 2, 3, 3], "sensor": list("ababab"), "temperature": [20.5, 21, 22, 23, 24, 25],
            "id": range(6), "before": range(6), "after": range(6), "k": [0, 1] * 3,
        }
    )  # fmt: skip
    texts = pd.DataFrame({name: list("uvwxyz") for name in ("name", "alias", "text", "domain")})
    fr = h2o.H2OFrame(rows).cbind(h2o.H2OFrame(texts, column_types=["string"] * 4))
    prostate = h2o.load_dataset("prostate")
    h2o.export_file(prostate, "prostate.csv")
    (folder / "words.txt").write_text("uv\n")
    for name in ("deploy", "models", "frames"):
        (folder / name).mkdir()
    with contextlib.closing(sqlite3.connect("shop.db")) as shop:
        shop.execute("CREATE TABLE orders (id INTEGER, total REAL)")
        shop.execute("INSERT INTO orders VALUES (1, 11.5)")
        shop.commit()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the epochs of six rows
        model = H2ODeepLearningEstimator(hidden=[3], epochs=1, seed=1, model_id="shown", nfolds=2)
        model.train(x=["petal_len", "k"], y="y", training_frame=fr)
    model.download_mojo("DeepLearning_model.zip")
    numbers = fr[["petal_len", "sepal_len", "temperature", "day"]]
    return {
        "h2o": h2o, "fr": fr, "frame": fr, "model": model.model, "estimator": model, "series": numbers,
        "points": numbers, "centres": numbers[:2, :], "rows": numbers, "directions": numbers[:4, :2], "df": rows,
        "H2OFrame": h2o.H2OFrame, "H2ODeepLearningEstimator": H2ODeepLearningEstimator, "np": np, "pd": pd,
        "X": rows[["petal_len", "k"]], "metrics": model.model.training_metrics, "folder": str(folder / "own"),
        "fold1": model.model.training_metrics, "fold2": model.model.training_metrics,
        "table": fr[["x", "petal_len"]]._table, "place": fr["x"]._table.places[0], "resolved": model.model.resolved,
    }  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{one.module}.{one.name}" for one in EXAMPLES])
def test_every_example_runs(example, scene):
    module = importlib.import_module(example.module)
    names = {**vars(module), **scene, **OWN.get(example.module, lambda scene: {})(scene)}
    *body, last = ast.parse(example.code).body
    exec(compile(ast.Module(body, []), example.module, "exec"), names)
    if not isinstance(last, ast.Expr):
        exec(compile(ast.Module([last], []), example.module, "exec"), names)
        return
    value = eval(compile(ast.Expression(last.value), example.module, "eval"), names)
    if isinstance(last.value, ast.Compare):
        assert value is True, example.code


def _patients(scene: dict[str, Any]) -> dict[str, Any]:
    rows = h2o.load_dataset("prostate")
    rows["CAPSULE"] = rows["CAPSULE"].asfactor()
    numbers = rows[["AGE", "PSA"]]
    names = dict.fromkeys(("train", "valid", "test", "patients"), rows) | dict.fromkeys(("normal", "all_rows"), numbers)
    return {**names, "model": scene["estimator"]}


def _folder(scene: dict[str, Any]) -> dict[str, Any]:
    folder = Path(scene["folder"])
    folder.mkdir(exist_ok=True)
    return {"folder": folder}


def _kinds(_: dict[str, Any]) -> dict[str, Any]:
    return {"types": importlib.import_module("frames.verbs.types")}


def _job(_: dict[str, Any]) -> dict[str, Any]:
    progress = SimpleNamespace(round=1, saved_round=0, saved_seconds=0.0, saved_at=0.0)
    return {
        "error": None,
        "progress": progress,
        "write": lambda: None,
        "done": lambda error: None,
        "client": session.client(),
    }


OWN: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    **dict.fromkeys(("daskdl.coordinator.saving", "daskdl.shell.cluster", "daskdl.shell.writer"), _job),
    "daskdl.estimators.arrays": lambda scene: {"y": scene["df"]["y"]},
    "daskdl.estimators.deeplearning": _patients,
    "daskdl.estimators.exports": lambda scene: {"model": scene["estimator"]},
    "daskdl.grid.grid_search": _patients,
    "daskdl.model.versions": _folder,
    "frames.cluster.waiting": lambda scene: {"client": session.client(), "frame": h2o.H2OFrame({"x": [1, 2]})},
    "frames.table.face": _kinds,
    "frames.verbs.apply": lambda scene: {"fr": h2o.H2OFrame({"x": [1, 2], "y": [3, 4]})},
}
"""What the examples of single modules speak of besides."""
