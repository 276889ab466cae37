"""Look-up encodings under row weights: what a level weighs is the sum of its rows' weights, not their number."""

import numpy as np
import pandas as pd
import pytest

from daskdl.parameters import Parameters, resolve, survey
from daskdl.training.fit_one import _encoder
from daskdl.training.look import look
from frames.frame import H2OFrame

ROWS = 60
DRAW = np.random.default_rng(3)
TABLE = pd.DataFrame(
    {
        "c": np.array(["red", "green", "blue", None], dtype=object)[DRAW.choice(4, ROWS, p=[0.5, 0.2, 0.2, 0.1])],
        "w": DRAW.integers(0, 4, ROWS).astype(float),
        "one": 1.0,
        "y": DRAW.normal(size=ROWS),
    }
)


@pytest.fixture(scope="module")
def frame(embedded_throughout):
    made = H2OFrame(TABLE)
    made["c"] = made["c"].asfactor()
    return made


def inputs(frame, encoding, weights):
    parameters = Parameters(categorical_encoding=encoding, weights_column=weights, seed=1)
    resolved = resolve(parameters, survey(parameters, frame, ["c"], "y"))
    return _encoder(resolved, frame, look(frame, resolved), "model")


@pytest.mark.parametrize("encoding", ["Binary", "LabelEncoder", "Eigen"])
def test_a_row_of_weight_three_scales_like_three_rows(frame, encoding):
    repeated = H2OFrame(TABLE.loc[TABLE.index.repeat(TABLE["w"].astype(int))].reset_index(drop=True))
    repeated["c"] = repeated["c"].asfactor()
    weighed, plain = inputs(frame, encoding, "w"), inputs(repeated, encoding, None)
    counted = TABLE[(TABLE["w"] > 0) & ((encoding == "Binary") | TABLE["c"].notna())]
    n, total = len(counted), counted["w"].sum()
    for one, other in zip(weighed.numbers, plain.numbers, strict=True):
        assert one.values == pytest.approx(other.values, nan_ok=True)
        assert (one.sub, one.fill) == pytest.approx((other.sub, other.fill))
        # H2O's weighted variance counts rows, not weights, in n / (n - 1)
        assert one.mul**2 == pytest.approx(other.mul**2 * (total / (total - 1)) / (n / (n - 1)))


@pytest.mark.parametrize("encoding", ["Binary", "LabelEncoder", "Eigen", "EnumLimited", "OneHotInternal"])
def test_weights_of_one_change_nothing(frame, encoding):
    one, none = inputs(frame, encoding, "one"), inputs(frame, encoding, None)
    assert one.levels == none.levels
    for mine, theirs in zip(one.numbers, none.numbers, strict=True):
        assert mine.values == pytest.approx(theirs.values, nan_ok=True)
        assert (mine.sub, mine.mul, mine.fill) == pytest.approx((theirs.sub, theirs.mul, theirs.fill))
