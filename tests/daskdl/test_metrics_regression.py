"""Metrics of a number and of an autoencoder against scikit-learn and slow definitions."""

import math

import numpy as np
import pytest
from sklearn import metrics as sk

from daskdl.kernels.distributions import DISTRIBUTIONS
from daskdl.metrics import Header, MetricNotAvailable, Options, finish, measure
from daskdl.metrics import bins as bins_module
from frames.exceptions import H2OValueError

SQUARES = DISTRIBUTIONS["gaussian"]()


def law(name, **numbers):
    return DISTRIBUTIONS[name](**numbers)


def measured(y, f, w=None, distribution=SQUARES):
    options = Options(distribution=distribution)
    return finish("Regression", measure("Regression", y, f, w, options), options, Header("xval"))


def sample(rows=500, seed=2):
    rng = np.random.default_rng(seed)
    f = rng.gamma(2.0, 1.0, rows) + 0.01
    return rng.poisson(f).astype(float), f, rng.random(rows) * 3.0


@pytest.mark.parametrize("weighted", [False, True])
def test_scalars_equal_scikit_learn(weighted):
    y, f, w = sample()
    w = w if weighted else None
    found, s = measured(y, f, w), {"sample_weight": w}
    assert found.mse() == pytest.approx(sk.mean_squared_error(y, f, **s), rel=1e-12)
    assert found.rmse() == pytest.approx(math.sqrt(found.mse()))
    assert found.mae() == pytest.approx(sk.mean_absolute_error(y, f, **s), rel=1e-12)
    assert found.rmsle() == pytest.approx(math.sqrt(sk.mean_squared_log_error(y, f, **s)), rel=1e-12)
    assert found.r2() == pytest.approx(sk.r2_score(y, f, **s), rel=1e-10)
    assert found.mean_residual_deviance() == pytest.approx(found.mse())
    assert found.values()["deviance"] == found.values()["residual_deviance"] == found.mean_residual_deviance()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("distribution", "slow"),
    [
        (SQUARES, sk.mean_squared_error),
        (law("laplace"), sk.mean_absolute_error),
        (law("poisson"), sk.mean_poisson_deviance),
        (law("gamma"), lambda y, f, **s: sk.mean_gamma_deviance(y + 0.5, f, **s)),
        (law("tweedie", power=1.3), lambda y, f, **s: sk.mean_tweedie_deviance(y, f, power=1.3, **s)),
        (law("quantile", alpha=0.8), lambda y, f, **s: sk.mean_pinball_loss(y, f, alpha=0.8, **s)),
    ],
    ids=lambda case: getattr(case, "name", ""),
)
def test_deviances_equal_scikit_learn(distribution, slow, weighted):
    y, f, w = sample()
    w = w if weighted else None
    shift = 0.5 if distribution.name == "gamma" else 0.0  # gamma wants actual values above zero
    found = measured(y + shift, f, w, distribution).mean_residual_deviance()
    assert found == pytest.approx(slow(y, f, sample_weight=w), rel=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.9, 1.0])
def test_huber_takes_its_delta_from_all_rows(alpha):
    y, f, _ = sample()
    error = np.abs(y - f)
    delta = np.quantile(error, alpha)
    slow = np.where(error <= delta, error**2, (2 * error - delta) * delta).mean()
    assert measured(y, f, None, law("huber", alpha=alpha)).mean_residual_deviance() == pytest.approx(slow)


def test_huber_counts_a_whole_weight_as_that_many_rows():
    y, f, w = sample(60)
    w = np.ceil(w)
    weighted = measured(y, f, w, law("huber"))
    repeated = measured(np.repeat(y, w.astype(int)), np.repeat(f, w.astype(int)), None, law("huber"))
    assert weighted.values() == pytest.approx(repeated.values())


def test_huber_stays_close_when_its_errors_are_binned(monkeypatch):
    y, f, _ = sample(4_000)
    exact = measured(y, f, None, law("huber")).mean_residual_deviance()
    monkeypatch.setattr(bins_module.Bins.of, "__defaults__", (500,))
    assert measured(y, f, None, law("huber")).mean_residual_deviance() == pytest.approx(exact, rel=0.02)


def test_logarithms_and_ratios_at_zero_have_their_limits():
    zero, one = np.zeros(1), np.ones(1)
    assert measured(zero, one, None, law("poisson")).mean_residual_deviance() == 2.0
    assert measured(zero, zero, None, law("gamma")).mean_residual_deviance() == 0.0
    assert measured(zero, one, None, law("gamma")).mean_residual_deviance() == 2.0 * 18.0
    assert measured(zero, zero, None, law("tweedie")).mean_residual_deviance() == 0.0
    assert math.isnan(measured(one, -2.0 * one).rmsle())


def test_a_constant_response_has_no_r2():
    assert math.isnan(measured(np.ones(5), np.arange(5.0)).r2())
    assert math.isnan(measured(np.ones(1), np.zeros(1)).r2())


def test_a_large_mean_does_not_spoil_r2():
    y, f, _ = sample()
    assert measured(y + 1e9, f + 1e9).r2() == pytest.approx(measured(y, f).r2(), rel=1e-6)


def test_missing_rows_are_left_out():
    y, f, w = sample(30)
    actual, fitted, weights = y.copy(), f.copy(), w.copy()
    actual[0], fitted[1], weights[2] = np.nan, np.nan, np.nan
    assert measured(actual, fitted, weights).values() == measured(y[3:], f[3:], w[3:]).values()
    assert measured(actual, fitted[:, None], weights).nobs() == 27


def test_predictions_of_several_columns_are_refused():
    y, f, _ = sample(10)
    with pytest.raises(H2OValueError, match=r"got shape \(10, 2\)"):
        measured(y, np.c_[f, f])


def test_other_categories_metrics_are_refused_with_those_there_are():
    found = measured(*sample()[:2])
    for name in ("auc", "logloss", "F1", "hit_ratio_table", "confusion_matrix"):
        with pytest.raises(MetricNotAvailable, match=f"{name}.*Regression.*rmsle"):
            getattr(found, name)()


def test_the_report_of_a_regression():
    text = measured(*sample()[:2]).to_str()
    assert text.startswith("ModelMetricsRegression: deeplearning\n** Reported on cross-validation data. **\n\nMSE: ")
    assert [line.split(":")[0] for line in text.split("\n")[3:]] == [
        "MSE",
        "RMSE",
        "MAE",
        "RMSLE",
        "Mean Residual Deviance",
    ]


def test_an_autoencoder_has_the_mean_of_its_rows_errors():
    rng = np.random.default_rng(0)
    errors, w = rng.random(40), rng.random(40)
    found = finish("AutoEncoder", measure("AutoEncoder", None, errors, w))
    assert found.mse() == pytest.approx(np.average(errors, weights=w))
    assert found.values() == {"mse": found.mse(), "rmse": math.sqrt(found.mse())}
    assert found.to_str().endswith(f"RMSE: {found.rmse():.16g}")
    with pytest.raises(MetricNotAvailable, match="AutoEncoder"):
        found.r2()
