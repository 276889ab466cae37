"""Two-class metrics against scikit-learn, direct integration and slow definitions."""

import math
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from sklearn import metrics as sk

from daskdl.metrics import Header, MetricNotAvailable, Options, finish, make_metrics, measure
from daskdl.metrics.curve import CRITERIA
from daskdl.metrics.gains import gains_table
from frames.exceptions import H2OValueError

OPTIONS = Options(domain=("no", "yes"))


def measured(y, p, w=None, options=OPTIONS):
    return finish("Binomial", measure("Binomial", y, p, w, options), options, Header("train"))


def sample(rows=800, seed=5, digits=2):
    rng = np.random.default_rng(seed)
    p = np.round(rng.random(rows), digits)  # two digits: many ties
    y = (rng.random(rows) < 0.2 + 0.6 * p).astype(int)
    return y, p, rng.random(rows) * 3.0


@pytest.mark.parametrize("weighted", [False, True])
def test_scalars_equal_scikit_learn(weighted):
    y, p, w = sample()
    p = np.clip(p, 0.001, 0.999)
    w = w if weighted else None
    found = measured(y, p, w)
    held = np.where(y == 1, p, 1 - p)
    assert found.auc() == pytest.approx(sk.roc_auc_score(y, p, sample_weight=w), abs=1e-12)
    assert found.gini() == pytest.approx(2 * sk.roc_auc_score(y, p, sample_weight=w) - 1, abs=1e-12)
    assert found.logloss() == pytest.approx(sk.log_loss(y, p, sample_weight=w), abs=1e-12)
    assert found.mse() == pytest.approx(np.average((1 - held) ** 2, weights=w), abs=1e-12)
    assert found.rmse() == pytest.approx(math.sqrt(found.mse()))
    assert found.r2() == pytest.approx(sk.r2_score(y, p, sample_weight=w), abs=1e-12)
    assert found.nobs() == len(y)


def slow_pr_area(y, p, w):
    """Integrate precision over recall, false positives growing linearly with true ones between thresholds."""
    points = [(0.0, 0.0)]
    points += [tuple(w[(p >= t) & (y == label)].sum() for label in (1, 0)) for t in sorted(set(p), reverse=True)]
    total = points[-1][0]
    area = 0.0
    for (tp0, fp0), (tp1, fp1) in pairwise(points):
        if tp1 > tp0:
            slope = (fp1 - fp0) / (tp1 - tp0)
            area += quad(lambda t, tp0=tp0, fp0=fp0, h=slope: t / (t + fp0 + h * (t - tp0)), tp0, tp1)[0] / total
    return area


def test_the_area_under_precision_recall_equals_numeric_integration():
    y, p, w = sample(120, digits=1)
    assert measured(y, p, w).aucpr() == pytest.approx(slow_pr_area(y, p, w), abs=1e-8)
    assert measured(y, p).aucpr() == pytest.approx(slow_pr_area(y, p, np.ones(len(y))), abs=1e-8)


def test_the_area_under_precision_recall_is_close_to_average_precision_on_many_rows():
    y, p, _ = sample(20_000, digits=6)
    assert measured(y, p).aucpr() == pytest.approx(sk.average_precision_score(y, p), abs=1e-3)


def test_one_class_only_gives_the_limits():
    p = np.array([0.2, 0.7, 0.7])
    positives, negatives = measured(np.ones(3, int), p), measured(np.zeros(3, int), p)
    assert (positives.auc(), positives.aucpr()) == (1.0, 1.0)
    assert (negatives.auc(), negatives.aucpr()) == (0.0, 0.0)
    assert negatives.default_threshold() == 0.5
    assert negatives.confusion_matrix().to_list() == [[1.0, 2.0], [0.0, 0.0]]
    for found in (positives, negatives):
        found.values(), found.to_dict(), found.to_str()


def slow_criteria(y, p, t):
    hat = p >= t
    tn, fp, fn, tp = sk.confusion_matrix(y, hat, labels=[0, 1]).ravel().astype(float)
    options = {"zero_division": np.nan}
    recall, special = tp / (tp + fn), tn / (tn + fp)
    return {
        "f1": sk.fbeta_score(y, hat, beta=1, **options),
        "f2": sk.fbeta_score(y, hat, beta=2, **options),
        "f0point5": sk.fbeta_score(y, hat, beta=0.5, **options),
        "accuracy": sk.accuracy_score(y, hat),
        "precision": sk.precision_score(y, hat, **options),
        "recall": recall,
        "specificity": special,
        "absolute_mcc": abs(sk.matthews_corrcoef(y, hat)),
        "min_per_class_accuracy": min(recall, special),
        "mean_per_class_accuracy": sk.balanced_accuracy_score(y, hat),
        "tns": tn,
        "fns": fn,
        "fps": fp,
        "tps": tp,
        "tnr": special,
        "fnr": 1 - recall,
        "fpr": 1 - special,
        "tpr": recall,
    }


def test_every_criterion_at_every_threshold_equals_its_definition():
    y, p, _ = sample(150)
    found = measured(y, p)
    table = found.thresholds_and_metric_scores()
    assert table.col_header == ["threshold", *CRITERIA, "idx"]
    assert table["threshold"] == sorted(set(p), reverse=True)
    best = dict.fromkeys(CRITERIA, -1.0)
    for row in table:
        slow = slow_criteria(y, p, row[0])
        for name, value in zip(CRITERIA, row[1:-1], strict=True):
            if not (name in ("f1", "f2", "f0point5") and slow["tps"] == 0):  # undefined there: scikit-learn says 0
                assert value == pytest.approx(slow[name], abs=1e-12), name
                best[name] = max(best[name], slow[name])
    top = found.max_criteria()
    assert top["metric"] == [f"max {name}" for name in CRITERIA]
    assert top["value"] == pytest.approx(list(best.values()), abs=1e-12)
    assert [table["threshold"][idx] for idx in top["idx"]] == top["threshold"]


def test_the_first_of_equal_maxima_wins():
    found = measured(np.array([1, 0, 0, 1]), np.array([0.9, 0.6, 0.4, 0.1]))
    assert found.accuracy() == [[0.9, 0.75]]
    assert found.precision() == [[0.9, 1.0]]
    assert found.find_threshold_by_max_metric("tpr") == 0.1


def test_accessors_give_pairs_of_threshold_and_value():
    y, p, _ = sample()
    found = measured(y, p)
    for name in ("F1", "F2", "F0point5", "accuracy", "precision", "recall", "sensitivity", "specificity", "tpr", "tnr"):
        pairs = getattr(found, name)()
        assert len(pairs) == 1
        assert pairs.value == pairs[0][1]
    for name in ("fnr", "fpr", "fallout", "missrate", "mcc", "error", "max_per_class_error", "mean_per_class_error"):
        assert 0.0 <= getattr(found, name)().value <= 1.0
    everything = found.accuracy(thresholds="all")
    assert everything.value == found.thresholds_and_metric_scores()["accuracy"]
    assert found.error()[0][1] == pytest.approx(1 - max(everything.value))
    assert found.missrate(thresholds=[0.25, 0.5]).value == pytest.approx(
        [((p < t) & (y == 1)).sum() / y.sum() for t in (0.25, 0.5)]
    )


def test_a_threshold_that_did_not_occur_takes_the_closest_and_says_so(capsys):
    found = measured(np.array([1, 0, 1]), np.array([0.9, 0.5, 0.2]))
    assert found.find_idx_by_threshold(0.5) == 1
    assert capsys.readouterr().out == ""
    assert found.find_idx_by_threshold(0.31) == 2
    assert "Could not find exact threshold 0.31; using closest threshold found 0.2" in capsys.readouterr().out
    with pytest.raises(H2OValueError, match=r"between 0 and 1; got 1\.5"):
        found.find_idx_by_threshold(1.5)
    with pytest.raises(H2OValueError, match="got 'f9'"):
        found.metric("f9")


def test_the_confusion_matrix_stands_at_the_threshold_of_the_best_f1():
    y, p, w = sample()
    found = measured(y, p, w)
    at = found.default_threshold()
    scores = {t: sk.f1_score(y, p >= t, sample_weight=w) for t in set(p)}
    assert scores[at] == pytest.approx(max(scores.values()))
    matrix = found.confusion_matrix()
    assert np.allclose(matrix.to_list(), sk.confusion_matrix(y, p >= at, sample_weight=w), atol=1e-9)
    assert matrix.table.table_header == f"Confusion Matrix (Act/Pred) for max f1 @ threshold = {at!r}"
    assert matrix.table.col_header == ["", "no", "yes", "Error", "Rate"]
    assert matrix.table[""] == ["no", "yes", "Total"]
    assert "no" in repr(matrix)


def test_several_confusion_matrices_come_as_a_list(capsys):
    y, p, _ = sample()
    found = measured(y, p)
    several = found.confusion_matrix(metrics=["accuracy", "mcc"], thresholds=[0.5, 0.25])
    assert len(several) == 4
    assert np.array_equal(several[3].to_list(), sk.confusion_matrix(y, p >= 0.25))
    assert several[3].table.table_header.endswith("@ threshold = 0.25")
    assert len(found.confusion_matrix(metrics="all")) == 18
    several[0].show()
    assert "max accuracy" in capsys.readouterr().out


def test_values_are_taken_at_the_default_threshold():
    y, p, w = sample()
    found = measured(y, p, w)
    values = found.values()
    hat = p >= found.default_threshold()
    sw = {"sample_weight": w}
    assert values["accuracy"] == pytest.approx(sk.accuracy_score(y, hat, **sw))
    assert values["err"] == values["classification_error"] == pytest.approx(1 - sk.accuracy_score(y, hat, **sw))
    assert values["err_count"] == pytest.approx(w[hat != y].sum())
    assert values["mcc"] == pytest.approx(sk.matthews_corrcoef(y, hat, **sw))
    assert values["f1"] == pytest.approx(sk.f1_score(y, hat, **sw))
    assert values["f0point5"] == pytest.approx(sk.fbeta_score(y, hat, beta=0.5, **sw))
    assert values["precision"] == pytest.approx(sk.precision_score(y, hat, **sw))
    assert values["recall"] == pytest.approx(sk.recall_score(y, hat, **sw))
    assert values["mean_per_class_accuracy"] == pytest.approx(sk.balanced_accuracy_score(y, hat, **sw))
    assert values["max_per_class_error"] >= values["mean_per_class_error"]
    assert values["lift"] == values["lift_top_group"] == found.lift_top_group()
    assert all(type(value) is float for value in values.values())


def test_roc_has_one_point_per_threshold_and_ks_is_its_largest_gap():
    y, p, w = sample()
    found = measured(y, p, w)
    fpr, tpr = found.roc()
    slow_fpr, slow_tpr, _ = sk.roc_curve(y, p, sample_weight=w, drop_intermediate=False)
    assert fpr == pytest.approx(slow_fpr[1:], abs=1e-9)
    assert tpr == pytest.approx(slow_tpr[1:], abs=1e-9)
    assert found.kolmogorov_smirnov() == pytest.approx((slow_tpr - slow_fpr).max(), abs=1e-9)


def slow_gains(y, p, w, probabilities):
    cuts = np.unique(np.quantile(p, probabilities))[::-1]
    group = np.array([np.flatnonzero(value >= cuts)[0] for value in p])
    return [
        (t, w[group == i].sum(), w[(group == i) & (y == 1)].sum(), (w * p)[group == i].sum())
        for i, t in enumerate(cuts)
    ]


@pytest.mark.parametrize("bins", [-1, 7])
def test_gains_and_lift_follow_their_definitions(bins):
    y, p, _ = sample(900, digits=3)
    at = [0.99, 0.98, 0.97, 0.96, 0.95, *(k / 100 for k in (90, 85, 80, 70, 60, 50, 40, 30, 20, 10, 0))]
    slow = slow_gains(y, p, np.ones(len(y)), at if bins == -1 else [k / bins for k in range(bins)])
    found = measured(y, p, options=OPTIONS._replace(gainslift_bins=bins))
    table, overall = found.gains_lift(), y.mean()
    assert table["lower_threshold"] == pytest.approx([t for t, *_ in slow])
    assert table["response_rate"] == pytest.approx([e / n for _, n, e, _ in slow])
    assert table["lift"] == pytest.approx([e / n / overall for _, n, e, _ in slow])
    assert table["score"] == pytest.approx([s / n for _, n, _, s in slow])
    assert table["capture_rate"] == pytest.approx([e / y.sum() for _, _, e, _ in slow])
    rows, events = np.cumsum([n for _, n, _, _ in slow]), np.cumsum([e for _, _, e, _ in slow])
    assert table["cumulative_data_fraction"] == pytest.approx(rows / len(y))
    assert table["cumulative_gain"] == pytest.approx(100 * (events / rows / overall - 1))
    ks = events / y.sum() - (rows - events) / (len(y) - y.sum())
    assert table["kolmogorov_smirnov"] == pytest.approx(ks, abs=1e-12)
    assert found.lift_top_group() == pytest.approx(table["lift"][0])
    assert found.kolmogorov_smirnov() >= max(table["kolmogorov_smirnov"]) - 1e-12
    assert table["group"] == list(range(1, len(slow) + 1))


def test_no_gains_table_when_it_was_switched_off_and_an_error_below_minus_one():
    y, p, _ = sample()
    found = measured(y, p, options=OPTIONS._replace(gainslift_bins=0))
    assert found.gains_lift() is None
    assert found.lift_top_group() == measured(y, p).lift_top_group()
    with pytest.raises(H2OValueError, match="gainslift_bins"):
        measured(y, p, options=OPTIONS._replace(gainslift_bins=-2))
    with pytest.raises(H2OValueError, match="gains/lift"):
        found.gains_lift_plot()


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20), st.integers(0, 3)), min_size=1, max_size=60))
def test_a_whole_weight_counts_as_that_many_rows(rows):
    y, p, w = (np.array(column) for column in zip(*rows, strict=True))
    p = p / 20.0
    if not w.sum():
        return
    weighted, repeated = measured(y, p, w.astype(float)), measured(np.repeat(y, w), np.repeat(p, w))
    for name, value in repeated.values().items():
        assert weighted.values()[name] == pytest.approx(value, abs=1e-12, nan_ok=True), name
    assert weighted.nobs() == (w > 0).sum()
    fractions, rows = weighted.gains_lift(), repeated.gains_lift()
    assert np.allclose(fractions.as_data_frame(), rows.as_data_frame(), equal_nan=True)


def test_fractional_weights_scale_out_of_every_value():
    y, p, w = sample()
    whole, tiny = measured(y, p, w / w.mean()).values(), measured(y, p, w * 1e-6).values()
    for name in whole.keys() - {"err_count"}:
        assert tiny[name] == pytest.approx(whole[name], rel=1e-9), name


def test_rows_without_actual_prediction_or_weight_are_left_out():
    y, p, w = sample(50)
    whole = measured(y[5:], p[5:], w[5:])
    codes, probabilities, weights = y.copy(), p.copy(), w.copy()
    codes[:2], probabilities[2:4], weights[4] = -1, np.nan, np.nan
    assert measured(codes, probabilities, weights).values() == whole.values()
    weights[4] = 0.0
    numbers = np.where(codes < 0, np.nan, codes)
    assert measured(numbers, np.c_[1 - probabilities, probabilities], weights).auc() == whole.auc()


def test_impossible_input_is_refused():
    with pytest.raises(H2OValueError, match=r"\[0, 1\]; got 1\.5"):
        measured(np.array([0, 1]), np.array([0.5, 1.5]))
    with pytest.raises(H2OValueError, match=r"0 or 1; got 2"):
        make_metrics(np.array([0.5, 0.5]), np.array([0, 2]), domain=("a", "b"))
    with pytest.raises(H2OValueError, match=r"not negative; got -1"):
        measured(np.array([0, 1]), np.array([0.5, 0.5]), np.array([1.0, -1.0]))
    with pytest.raises(H2OValueError, match=r"codes 0, 1, 2, \.\.\.; got 0\.5"):
        measured(np.array([0.5, 1]), np.array([0.5, 0.5]))
    with pytest.raises(H2OValueError, match="shapes"):
        measured(np.array([0, 1, 1]), np.array([0.5, 0.5]))


def test_a_label_that_training_did_not_know_has_probability_zero_and_no_place_on_the_curve():
    y, p, w = sample(300)
    known, found = measured(y, p, w), measured(np.append(y, 2), np.append(p, 0.9), np.append(w, 3.0))
    total = w.sum()
    assert found.nobs() == known.nobs() + 1
    assert found.mse() == pytest.approx((known.mse() * total + 3.0) / (total + 3.0))
    assert found.logloss() == pytest.approx((known.logloss() * total + 3.0 * -np.log(1e-15)) / (total + 3.0))
    assert found.auc() == known.auc()
    assert found.confusion_matrix().to_list() == known.confusion_matrix().to_list()
    assert found.gains_lift().cell_values == known.gains_lift().cell_values


def test_the_short_table_keeps_every_maximum_of_the_whole_curve():
    y, p, w = sample(30_000, digits=9)
    found = measured(y, p, w)
    assert len(found.curve.thresholds) > 20_000
    assert len(found.points.thresholds) <= 400
    for name in CRITERIA:
        best = found.curve.best(name)
        assert found.metric(name) == [[found.curve.thresholds[best], found.curve.criterion(name)[best]]]
    fpr, tpr = (np.array(part) for part in found.roc())
    assert np.trapezoid(tpr, fpr) == pytest.approx(found.auc(), abs=1e-4)


def test_drawings_are_figures_and_files(tmp_path):
    y, p, _ = sample()
    found = measured(y, p)
    drawing = found.plot("roc", server=True, save_plot_path=str(tmp_path / "roc.png"))
    assert (tmp_path / "roc.png").stat().st_size > 0
    assert drawing.figure().axes[0].get_xlabel() == "False positive rate"
    assert drawing._repr_png_()[:4] == b"\x89PNG"
    assert found.plot("pr", plot=False)[1] == found.precision("all").value
    assert len(found.gains_lift_plot("both", server=True).figure().axes[0].lines) == 2
    with pytest.raises(H2OValueError, match='"roc" or "pr"'):
        found.plot("det")


def test_a_metric_of_another_category_is_not_available():
    found = measured(*sample()[:2])
    with pytest.raises(MetricNotAvailable, match="Binomial"):
        found.mae()
    with pytest.raises(KeyError):
        found.hit_ratio_table()
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        found.nonsense


def test_the_report_has_the_parts_h2o_prints(capsys):
    found = measured(*sample()[:2])
    found.show()
    text = capsys.readouterr().out
    assert text.startswith("ModelMetricsBinomial: deeplearning\n** Reported on train data. **\n\nMSE: ")
    order = [
        "RMSE:",
        "LogLoss:",
        "Mean Per-Class Error:",
        "AUC:",
        "AUCPR:",
        "Gini:",
        "Confusion Matrix",
        "Maximum Metrics",
    ]
    places = [text.index(part) for part in [*order, "Gains/Lift Table: Avg response rate:"]]
    assert places == sorted(places)
    assert "Maximum Metrics" in found._repr_html_()


def test_a_hundred_thousand_rows_are_measured_in_milliseconds():
    y, p, _ = sample(100_000, digits=9)
    best = math.inf
    for _ in range(3):
        start = time.perf_counter()
        measured(y, p)
        best = min(best, time.perf_counter() - start)
    assert best < 0.5  # measured: 0.02 s; the slack is for a busy machine


def test_no_table_for_no_rows():
    found = measured(np.zeros(0, int), np.zeros(0))
    assert gains_table(found.curve, 0) is None
    assert math.isnan(found.auc())
    assert math.isnan(found.F1().value)
    assert found.confusion_matrix().to_list() == [[0.0, 0.0], [0.0, 0.0]]
