"""A family of trained models, one of each kind, with odd names; their exports, Java compiled once for all of them."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

import daskdl as h2o
from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from daskdl.export.program import Program, program_of
from daskdl.export.targets import TARGETS
from daskdl.kernels.activations import ACTIVATIONS
from daskdl.kernels.distributions import DISTRIBUTIONS

WIDE, GAPS = '*/ "x" \\u000a', "größe,\n'"  # numbers; the second with missing values
KIND, CODE = "predict", "</script>\\"  # categories; the first with missing values
KINDS = [
    "NA",
    '"q"',
    "'''",
    "\\u0022",
    "ü☃𝄞",
    " x",
    "1.5",
    "*/",
    "a,b\n",
    "z",
    "y",
    "x",
]  # more than enum_limited keeps
CODES = ["1", "2", "10"]
CLASSES = ['"no"', "\\u000a*/", "ja,\n"]
OFFSET, COUNT = "offset", "count"
WHEN, ONLY = "wann\t?", "einzig"  # times with missing ones; a category of one level
FAMILY = ["categorical", "numeric"]


def table(rows: int, seed: int, missing: bool = True) -> pd.DataFrame:
    """Rows (rows,) of predictors, an offset and responses of every kind."""
    rng = np.random.default_rng(seed)
    made = pd.DataFrame(
        {
            WIDE: rng.normal(3.0, 20.0, rows),
            KIND: rng.choice(np.array(KINDS, object), rows),
            GAPS: rng.integers(0, 9, rows).astype(float),
            CODE: rng.choice(np.array(CODES, object), rows),
            "unused": 1.0,
            OFFSET: rng.normal(0, 0.3, rows),
        }
    )
    if missing:
        made.loc[rng.random(rows) < 0.1, GAPS] = np.nan
        made.loc[rng.random(rows) < 0.1, KIND] = None
    size = made[WIDE] / 20 + (made[CODE] == "10") + rng.normal(0, 0.3, rows)
    made["three"] = np.array(CLASSES, object)[np.digitize(size, [0, 1])]
    made["two"] = np.array(CLASSES[:2], object)[(size > 0.2).astype(int)]
    made["number"] = size * 50 - 7
    made[COUNT] = np.round(np.exp(size / 2)) + 1
    made[WHEN] = rng.integers(-(10**11), 10**12, rows).astype(float)  # milliseconds
    made[ONLY] = rng.choice(np.array(["one", None] if missing else ["one"], object), rows)
    if missing:
        made.loc[rng.random(rows) < 0.1, WHEN] = np.nan
    return made


@dataclass(frozen=True)
class Case:
    """How a model of the family is trained."""

    y: str | None
    given: dict[str, Any] = field(default_factory=dict)
    x: tuple[str, ...] = (WIDE, KIND, GAPS, CODE)
    missing: bool = True


def _response(name: str) -> str:
    return {"bernoulli": "two", "multinomial": "three"}.get(name, COUNT)


CASES: dict[str, Case] = {
    **{name: Case("three", {"activation": name}) for name in ACTIVATIONS},
    **{
        f"{name}_dropout": Case("two", {"activation": f"{name}WithDropout", "hidden_dropout_ratios": [0.2, 0.6]})
        for name in ACTIVATIONS
    },
    **{name: Case(_response(name), {"distribution": name}) for name in DISTRIBUTIONS},
    **{
        f"{name}_offset": Case(_response(name), {"distribution": name, "offset_column": OFFSET})
        for name in ("gaussian", "poisson", "gamma", "tweedie", "laplace", "huber", "quantile")
    },
    **{
        name: Case("three", {"categorical_encoding": name, "activation": "Tanh"})
        for name in ("one_hot_internal", "binary", "eigen", "label_encoder", "sort_by_response", "enum_limited")
    },
    "times": Case("three", {"activation": "Tanh"}, x=(WHEN, CODE, GAPS)),
    "one_level": Case("number", {"ignore_const_cols": False, "activation": "Tanh"}, x=(ONLY, WIDE)),
    "one_level_and_no_gaps": Case("number", {"ignore_const_cols": False}, x=(ONLY, WIDE), missing=False),
    "one_level_autoencoder": Case(None, {"ignore_const_cols": False, "activation": "Tanh"}, x=(ONLY, WHEN, GAPS)),
    "sparse": Case("two", {"sparse": True, "activation": "Tanh"}),
    "rows_with_gaps_skipped": Case("three", {"missing_values_handling": "Skip"}),
    "deep": Case("two", {"hidden": [5, 4, 3, 2], "input_dropout_ratio": 0.2, "activation": "Tanh"}),
    "hashed": Case("three", {"max_categorical_features": 5}),
    "first_level_left_out": Case("number", {"use_all_factor_levels": False}),
    "unscaled": Case("number", {"standardize": False, "activation": "Tanh"}),
    "balanced": Case("three", {"balance_classes": True, "activation": "Tanh"}),
    "no_gaps": Case("two", {"activation": "Tanh"}, missing=False),
    "numbers_only": Case("two", {"activation": "Tanh"}, x=(WIDE, GAPS)),
    "categories_only": Case("number", {"activation": "Tanh"}, x=(KIND, CODE)),
    "autoencoder": Case(None, {"activation": "Tanh"}),
    "autoencoder_of_numbers": Case(None, {"activation": "Rectifier"}, x=(WIDE, GAPS)),
    "autoencoder_dropout": Case(None, {"activation": "TanhWithDropout", "hidden_dropout_ratios": [0.3, 0.1]}),
}


def frame_of(rows: pd.DataFrame) -> h2o.H2OFrame:
    """The rows as a frame in which categories are categories."""
    types = {name: "enum" if name in (KIND, CODE, ONLY, "three", "two") else "real" for name in rows.columns}
    types |= {name: "time" for name in rows.columns if name == WHEN}
    return h2o.H2OFrame(rows, column_types=types)


@pytest.fixture(scope="session", autouse=True)
def _session():
    """One embedded cluster for all tests of exports."""
    h2o.init(nthreads=2, verbose=False, dashboard=False)
    h2o.no_progress()
    yield
    h2o.show_progress()
    h2o.cluster().shutdown()


@pytest.fixture(scope="session")
def family(_session) -> dict[str, Any]:
    """The trained estimators, by the name of their case."""
    frames = {missing: frame_of(table(200, 1, missing)) for missing in (True, False)}
    made = {}
    for name, case in CASES.items():
        kind = H2OAutoEncoderEstimator if case.y is None else H2ODeepLearningEstimator
        given = {"hidden": [6, 4], "epochs": 1, "seed": 7, "reproducible": True, "model_id": name, **case.given}
        made[name] = kind(**given)
        made[name].train(x=list(case.x), y=case.y, training_frame=frames[case.missing])
    return made


@pytest.fixture(scope="session")
def programs(family) -> dict[str, Program]:
    """The programs of the family."""
    return {name: program_of(one.model) for name, one in family.items()}


@pytest.fixture(scope="session")
def rows() -> pd.DataFrame:
    """Rows to score: as in training, then missing, unseen, empty and huge cells."""
    made = table(40, 2)
    made.loc[0, [WIDE, GAPS]] = np.nan
    made.loc[1, [KIND, CODE]] = [None, None]
    made.loc[2, [KIND, CODE]] = ["never seen", "11"]
    made.loc[3, [KIND, CODE]] = ["", "\u2028"]
    made.loc[4, [WIDE, GAPS]] = [1e6, -1e5]
    made.loc[5, [WIDE, GAPS]] = [-1e20, 3.0]
    made.loc[6, [WHEN, ONLY]] = [np.nan, None]
    made.loc[7, [WHEN, ONLY]] = [0.0, "other"]
    return made[[GAPS, "unused", KIND, OFFSET, CODE, WIDE, WHEN, ONLY]]


@pytest.fixture(scope="session")
def wanted(family, rows) -> dict[str, pd.DataFrame]:
    """What `predict` says of the rows, numbers as float64 and labels as texts."""
    import warnings

    found = {}
    for name, model in family.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # levels not trained on: they are meant
            frame = model.predict(frame_of(rows))
        found[name] = pd.DataFrame(
            {
                c: frame[c].ascharacter().as_data_frame()[c] if frame.types[c] == "enum" else column(frame, c)
                for c in frame.names
            }
        )
    return found


def column(frame: h2o.H2OFrame, name: str) -> np.ndarray:
    """A column of numbers, as float64."""
    return frame[name].as_data_frame()[name].to_numpy(dtype=np.float64)


@pytest.fixture(scope="session")
def csv_file(rows, tmp_path_factory) -> Path:
    """The rows as a CSV file, numbers exactly."""
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)  # a blank before a field without quotes is skipped
        writer.writerow(rows.columns)
        for row in rows.itertuples(index=False):
            writer.writerow(["" if cell is None or cell != cell else cell for cell in row])
    return path


@pytest.fixture(scope="session")
def written(programs, tmp_path_factory) -> dict[str, dict[str, str]]:
    """Where each export of each model lies, by target and case."""
    made: dict[str, dict[str, str]] = {}
    for target in TARGETS.values():
        folder = tmp_path_factory.mktemp(target.name)
        made[target.name] = {name: target.write(one, str(folder)) for name, one in programs.items()}
    return made


def imported(path: str) -> ModuleType:
    """A Python file as a module."""
    module = ModuleType(Path(path).stem)
    sys.modules[module.__name__] = module
    exec(compile(Path(path).read_text(encoding="ascii"), path, "exec"), module.__dict__)
    return module


@pytest.fixture(scope="session")
def jdk() -> None:
    """Skips where there is no Java compiler."""
    if not (shutil.which("javac") and shutil.which("java")):
        pytest.skip("needs a Java development kit: no javac and java on PATH")


DRIVER = """
import java.io.*;
public class Driver {
    public static void main(String[] names) throws Exception {
        for (int k = 2; k < names.length; k++) {
            Class<?> model = Class.forName(names[k]);
            java.lang.reflect.Method score = model.getMethod(
                "score", InputStream.class, OutputStream.class, boolean.class, boolean.class);
            boolean rebuilds = model.getField("CATEGORY").get(null).equals("AutoEncoder");
            for (boolean anomaly : rebuilds ? new boolean[] {false, true} : new boolean[] {false}) {
                try (InputStream in = new FileInputStream(names[0]);
                     OutputStream out = new FileOutputStream(
                         names[1] + "/" + names[k] + (anomaly ? ".anomaly" : ".csv"))) {
                    score.invoke(null, in, out, false, anomaly);
                }
            }
        }
    }
}
"""


@pytest.fixture(scope="session")
def java_output(jdk, written, csv_file) -> Path:
    """A folder with `<case>.csv`, what each Java class says of the rows: one compilation and one machine for all."""
    sources = list(written["java"].values())
    folder = Path(sources[0]).parent
    (folder / "Driver.java").write_text(DRIVER, encoding="ascii")
    compile_all = ["javac", "-Xlint:all", "-Werror", "Driver.java", *sources]
    compiled = subprocess.run(compile_all, cwd=folder, capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stderr[:2000]
    classes = [Path(one).stem for one in sources]
    score_all = ["java", "-cp", ".", "Driver", str(csv_file), str(folder), *classes]
    done = subprocess.run(score_all, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:2000]
    return folder


def read_predictions(text: str) -> pd.DataFrame:
    """A CSV file of predictions: labels as texts, the rest as float64."""
    header, *body = list(csv.reader(io.StringIO(text, newline="")))
    columns = {name: [row[k] for row in body] for k, name in enumerate(header)}
    return pd.DataFrame({name: numbers_or_texts(cells) for name, cells in columns.items()})


def numbers_or_texts(cells: list[str]) -> Any:
    """Cells as float64 where all of them are numbers."""
    try:
        return np.array([float(one) for one in cells])
    except ValueError:
        return np.array(cells, object)


def same(found: pd.DataFrame, wanted: pd.DataFrame, rtol: float, atol: float) -> None:
    """Fail unless two tables of predictions agree."""
    assert list(found.columns) == list(wanted.columns)
    assert len(found) == len(wanted)
    for name in wanted.columns:
        if wanted[name].dtype.kind == "f":
            np.testing.assert_allclose(found[name], wanted[name], rtol=rtol, atol=atol, err_msg=name)
        else:
            assert list(found[name]) == list(wanted[name])
