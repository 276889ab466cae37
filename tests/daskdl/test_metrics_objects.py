"""What all metrics objects share: JSON, registry, cross-validation summary, make_metrics, custom metric, errors."""

import json
import math

import numpy as np
import pytest

from daskdl.coordinator.stopping import objective
from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.grid.grid_search import H2OGridSearch
from daskdl.kernels.distributions.laplace import Laplace
from daskdl.metrics import (
    METRICS,
    Header,
    MetricNotAvailable,
    Options,
    cross_validation_summary,
    finish,
    from_dict,
    make_metrics,
    measure,
    metric_named,
    stopping_value,
)
from daskdl.metrics.metric import ALL, Derived, Finished, Mean
from daskdl.metrics.registry import history_columns, metrics_of, names
from frames.exceptions import H2OValueError

OPTIONS = {
    "Binomial": Options(domain=("a", "b")),
    "Multinomial": Options(domain=("a", "b", "c"), auc_type="MACRO_OVR"),
    "Regression": Options(distribution=Laplace()),
    "AutoEncoder": Options(),
}
VALID = Header("valid", "a description")


def measured(category, rows=300, seed=1, header=VALID):
    rng = np.random.default_rng(seed)
    options = OPTIONS[category]
    if options.domain is None:
        y, p = rng.random(rows), rng.random(rows)
    else:
        p = rng.dirichlet(np.ones(len(options.domain)), rows)
        y = rng.integers(0, len(options.domain), rows)
    return finish(category, measure(category, y, p, rng.random(rows), options), options, header)


@pytest.mark.parametrize("rows", [0, 1, 2_000])
@pytest.mark.parametrize("category", ALL)
def test_json_gives_the_same_object_back(category, rows):
    found = measured(category, rows, header=Header("xval", "d", "mine", 0.25))
    text = json.dumps(found.to_dict())
    again = from_dict(json.loads(text))
    assert type(again) is type(found)
    assert json.dumps(again.to_dict()) == text
    assert again.to_str() == found.to_str()
    assert json.dumps(again.values()) == json.dumps(found.values())
    assert again.nobs() == found.nobs()
    assert again.description == "d"


@pytest.mark.parametrize("category", ALL)
def test_every_registered_metric_of_a_category_has_a_value(category):
    found = measured(category, header=Header("train", "", "mine", 3.0))
    for name in names(category):
        assert type(stopping_value(found, name)) is float
        assert metric_named(name.upper(), category) is METRICS[name]
    assert stopping_value(found) == stopping_value(found, metric_named("AUTO", category).name)
    for name in METRICS.keys() - set(names(category)):
        with pytest.raises(MetricNotAvailable, match=category):
            stopping_value(found, name)


def test_directions_are_those_of_the_stopping_rule():
    rising = {metric.stopping for metric in METRICS.values() if metric.larger_is_better and metric.stopping}
    assert rising == {"AUC", "AUCPR", "lift_top_group", "custom_increasing"}
    assert not metric_named("AUC").zero_is_best
    assert metric_named("RMSE").zero_is_best
    assert not metric_named("custom").zero_is_best
    assert set(names("Regression", use="stopping")) == {
        "MSE",
        "RMSE",
        "MAE",
        "RMSLE",
        "deviance",
        "custom",
        "custom_increasing",
    }
    assert "residual_deviance" in names("Regression", use="sorting")
    assert names("AutoEncoder", use="stopping") == ["MSE", "RMSE"]


def test_early_stopping_reads_the_same_registry():
    for name, metric in METRICS.items():
        for category in metric.categories if metric.stopping else ():
            found = measured(category, header=Header("train", "", "mine", 3.0))
            goal = objective(metric.stopping, category)
            assert goal.larger_is_better is metric.larger_is_better
            assert goal.of(found.values()) == stopping_value(found, name)


def test_the_scoring_history_finds_its_columns():
    for category in ALL:
        values = measured(category).values()
        columns = history_columns(category)
        assert len({metric.column for metric in columns}) == len(columns) >= 2
        for metric in columns:
            assert values[metric.key] == values[metric.column] == stopping_value(measured(category), metric.name)


def test_no_two_metrics_share_a_name():
    names_of = [alias for metric in METRICS.values() for alias in metric.aliases]
    assert len(set(names_of)) == len(names_of)
    for metric in METRICS.values():
        assert all(metric_named(alias.upper()) is metric for alias in metric.aliases)
        assert METRICS[metric.key].key == metric.key
    for category in ALL:
        assert [one.name for one in metrics_of(category) if category in one.default_of] in (
            ["logloss"],
            ["mse"],
            ["mean_residual_deviance"],
        )


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_asked_of_measurements_models_and_grids_under_all_its_method_names(name):
    metric = METRICS[name]
    assert metric.meaning
    for category in metric.categories:
        found = measured(category, header=Header("train", "", "mine", 3.0))
        for method in metric.accessors:
            assert getattr(found, method)() == metric.of(found)
            assert metric.meaning in getattr(found, method).__doc__
            assert metric.meaning in getattr(H2ODeepLearningEstimator, method).__doc__
            assert callable(getattr(H2OGridSearch, method))
        if metric.label is not None and not (category == "Multinomial" and math.isnan(metric.of(found))):
            assert f"\n{metric.label}: {metric.of(found):.16g}" in found.to_str()
        if metric.raw is not None:
            assert found[metric.raw] == metric.of(found)


@pytest.mark.parametrize("category", ALL)
def test_what_a_measurement_keeps_is_what_cannot_be_derived(category):
    """Saved measurements hold these numbers and no others, so that files of the first version stay whole."""
    kept = [one.name for one in metrics_of(category) if isinstance(one.formulas[category], Mean | Finished)]
    assert set(measured(category).scalars) == set(kept)
    derived = [one for one in metrics_of(category) if isinstance(one.formulas[category], Derived)]
    assert all(one.name not in measured(category).to_dict()["scalars"] for one in derived)


def test_a_measurement_that_was_saved_before_a_metric_was_there_does_without_it():
    old = measured("Regression").to_dict()
    del old["scalars"]["rmsle"]
    found = from_dict(old)
    assert "rmsle" not in found.values()
    assert "RMSLE" not in found.to_str()
    with pytest.raises(MetricNotAvailable, match="got 'rmsle'"):
        found.rmsle()


def test_unknown_metric_names_are_refused():
    with pytest.raises(H2OValueError, match="got 'nope'"):
        metric_named("nope")
    with pytest.raises(H2OValueError, match="AUTO"):
        metric_named("AUTO")
    with pytest.raises(H2OValueError, match="category"):
        names("Ordinal")
    with pytest.raises(H2OValueError, match="category"):
        measure("Ordinal", np.zeros(1), np.zeros(1))
    with pytest.raises(H2OValueError, match="'test2'"):
        measured("Regression", header=Header("test2"))


def test_a_custom_metric_is_shown_and_can_stop_training():
    found = measured("Regression", header=Header("train", "", "my loss", 1.5))
    assert (found.custom_metric_name(), found.custom_metric_value()) == ("my loss", 1.5)
    assert stopping_value(found, "custom") == stopping_value(found, "custom_increasing") == 1.5
    assert "my loss: 1.5" in found.to_str()
    plain = measured("Regression")
    assert plain.custom_metric_name() is None
    assert plain.custom_metric_value() is None
    with pytest.raises(MetricNotAvailable, match="custom"):
        stopping_value(plain, "custom")


@pytest.mark.parametrize("category", ALL)
def test_the_raw_record_has_h2os_keys(category):
    found = measured(category)
    keys = {"MSE", "RMSE", "nobs", "model_category", "description", "custom_metric_name"}
    keys |= {
        "Binomial": {
            "AUC",
            "pr_auc",
            "Gini",
            "logloss",
            "r2",
            "cm",
            "thresholds_and_metric_scores",
            "gains_lift_table",
        },
        "Multinomial": {"logloss", "r2", "cm", "hit_ratio_table", "multinomial_auc_table", "mean_per_class_error"},
        "Regression": {"mae", "rmsle", "mean_residual_deviance", "r2"},
        "AutoEncoder": set(),
    }[category]
    assert keys <= set(found._metric_json)
    assert found["MSE"] == found.mse()
    with pytest.raises(MetricNotAvailable, match="'nothing'"):
        found["nothing"]


@pytest.mark.parametrize("category", ["Binomial", "Multinomial", "Regression"])
def test_the_cross_validation_summary_has_mean_and_sample_spread_of_the_folds(category):
    folds = [measured(category, seed=seed) for seed in range(3)]
    table = cross_validation_summary(folds)
    assert table.col_header == ["", "mean", "sd", "cv_1_valid", "cv_2_valid", "cv_3_valid"]
    assert table[""] == sorted(table[""])
    expected = {"Binomial": 20, "Multinomial": 12, "Regression": 7}
    assert len(table) == expected[category]
    for name, mean, spread, *values in table:
        assert values == [fold.values()[name] for fold in folds]
        assert mean == pytest.approx(np.mean(values))
        assert spread == pytest.approx(np.std(values, ddof=1))
    assert list(table.as_data_frame()[""]) == table[""]


def test_a_summary_of_nothing_or_of_mixed_folds_is_refused():
    for folds in ([], [measured("Binomial"), measured("Regression")], [measured("AutoEncoder")]):
        with pytest.raises(H2OValueError, match="one category"):
            cross_validation_summary(folds)


def test_make_metrics_takes_the_kind_from_the_domain():
    rng = np.random.default_rng(0)
    p, y = rng.random(50), rng.integers(0, 2, 50)
    two = make_metrics(p, y, domain=["n", "y"])
    assert two.category == "Binomial"
    assert two.domain == ("n", "y")
    assert make_metrics(p, y.astype(float), distribution="bernoulli").auc() == two.auc()
    assert make_metrics(np.c_[1 - p, p], y, domain=["n", "y"]).auc() == two.auc()
    three = make_metrics(rng.dirichlet(np.ones(3), 50), rng.integers(0, 3, 50), ["a", "b", "c"], auc_type="macro_ovo")
    assert three.category == "Multinomial"
    assert not math.isnan(three.auc())
    number = make_metrics(p + 0.1, y.astype(float), distribution="poisson", weights=p)
    assert number.mean_residual_deviance() != number.mse()
    assert "** Reported on test data. **" in number.to_str()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"distribution": "tweedie"}, "tweedie"),
        ({"distribution": "huber"}, "huber"),
        ({"distribution": "multinomial"}, "levels"),
        ({"distribution": "poisson", "domain": ["a", "b"]}, "'poisson'"),
        ({"domain": ["a"]}, "two levels"),
    ],
)
def test_make_metrics_refuses_what_does_not_fit(options, words):
    with pytest.raises(H2OValueError, match=words):
        make_metrics(np.array([0.5]), np.array([0]), **options)


def test_probabilities_outside_the_unit_interval_are_refused():
    with pytest.raises(H2OValueError, match=r"\[0, 1\]"):
        make_metrics(np.array([0.5, 3.0]), np.array([0, 1]), domain=["a", "b"])
    with pytest.raises(H2OValueError, match=r"\[0, 1\]"):
        make_metrics(np.array([[0.5, 3.0, 0.1]]), np.array([0]), domain=["a", "b", "c"])


def test_metrics_of_a_supervised_model_need_the_actual_values():
    with pytest.raises(H2OValueError, match="actual"):
        measure("Regression", None, np.zeros(3))
    with pytest.raises(H2OValueError, match="two levels; got 3"):
        finish("Binomial", measure("Binomial", np.zeros(1), np.zeros(1)), OPTIONS["Multinomial"])
