"""Metrics of more than two classes against scikit-learn and slow definitions."""

import math

import numpy as np
import pytest
from sklearn import metrics as sk

from daskdl.metrics import Header, MetricNotAvailable, Options, finish, measure
from frames.exceptions import H2OValueError

DOMAIN = ("ape", "bee", "cat", "dog")
OPTIONS = Options(domain=DOMAIN)


def measured(y, p, w=None, options=OPTIONS):
    return finish("Multinomial", measure("Multinomial", y, p, w, options), options, Header("valid"))


def sample(rows=600, classes=4, seed=11):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(classes), rows)
    y = np.array([rng.choice(classes, p=0.5 * row + 0.5 / classes) for row in p])
    return y, p, rng.random(rows) * 2.0


@pytest.mark.parametrize("weighted", [False, True])
def test_scalars_equal_scikit_learn(weighted):
    y, p, w = sample()
    w = w if weighted else None
    found = measured(y, p, w)
    hat = p.argmax(axis=1)
    mse = np.average((1 - p[np.arange(len(y)), y]) ** 2, weights=w)
    centre = np.average(y, weights=w)
    assert found.logloss() == pytest.approx(sk.log_loss(y, p, sample_weight=w), abs=1e-12)
    assert found.mse() == pytest.approx(mse, abs=1e-12)
    assert found.r2() == pytest.approx(1 - mse / np.average((y - centre) ** 2, weights=w), abs=1e-12)
    assert found.error() == pytest.approx(1 - sk.accuracy_score(y, hat, sample_weight=w), abs=1e-12)
    balanced = sk.balanced_accuracy_score(y, hat, sample_weight=w)
    assert found.mean_per_class_error() == pytest.approx(1 - balanced, abs=1e-12)
    recalls = sk.recall_score(y, hat, average=None, sample_weight=w)
    values = found.values()
    assert values["max_per_class_error"] == pytest.approx(1 - recalls.min(), abs=1e-12)
    assert values["err_count"] == pytest.approx((np.ones(len(y)) if w is None else w)[y != hat].sum())
    assert values["accuracy"] == pytest.approx(1 - values["classification_error"])
    cells = np.array([row[1:-2] for row in found.confusion_matrix().cell_values])
    assert np.allclose(cells[:-1], sk.confusion_matrix(y, hat, sample_weight=w))
    assert np.allclose(cells[-1], cells[:-1].sum(axis=0))


def test_the_confusion_matrix_names_actual_classes_and_totals():
    table = measured(*sample()[:2]).confusion_matrix()
    assert table.col_header == ["", *DOMAIN, "Error", "Rate"]
    assert table[""] == [*DOMAIN, "Total"]
    row = table.cell_values[0]
    assert row[-2] == pytest.approx(1 - row[1] / sum(row[1:5]))
    assert row[-1] == f"{sum(row[1:5]) - row[1]:g} / {sum(row[1:5]):g}"


@pytest.mark.parametrize("weighted", [False, True])
def test_hit_ratios_equal_top_k_accuracy(weighted):
    y, p, w = sample(classes=12)
    w = w if weighted else None
    options = Options(domain=tuple("abcdefghijkl"))
    table = measured(y, p, w, options).hit_ratio_table()
    assert table.table_header == "Top-10 Hit Ratios"
    assert table["k"] == list(range(1, 11))
    slow = [sk.top_k_accuracy_score(y, p, k=k, sample_weight=w, labels=range(12)) for k in range(1, 11)]
    assert table["hit_ratio"] == pytest.approx(slow)
    assert len(measured(*sample()[:2]).hit_ratio_table()) == 4


def test_among_equally_probable_classes_the_largest_prior_is_predicted():
    y, p = np.array([0, 1, 3]), np.array([[0.4, 0.4, 0.1, 0.1], [0.4, 0.4, 0.1, 0.1], [0.25] * 4])
    plain = measured(y, p)
    assert plain.error() == pytest.approx(2 / 3)
    assert plain.hit_ratio_table()["hit_ratio"] == pytest.approx([1 / 3, 2 / 3, 2 / 3, 1.0])
    informed = measured(y, p, options=OPTIONS._replace(priors=(0.1, 0.2, 0.3, 0.4)))
    assert informed.error() == pytest.approx(1 / 3)
    assert informed.hit_ratio_table()["hit_ratio"] == pytest.approx([2 / 3, 1.0, 1.0, 1.0])


def test_a_label_outside_the_domain_is_an_error_of_the_whole():
    y, p, _ = sample(100)
    codes = y.copy()
    codes[:10] = 7
    found, held = measured(codes, p), measured(y[10:], p[10:])
    assert found.nobs() == 100
    assert found.logloss() == pytest.approx(0.9 * held.logloss() + 0.1 * -math.log(1e-15))
    assert found.mse() == pytest.approx(0.9 * held.mse() + 0.1)
    assert found.error() == pytest.approx(0.9 * held.error() + 0.1)
    assert found.mean_per_class_error() == held.mean_per_class_error()
    assert found.confusion_matrix()[""] == [*DOMAIN, "(other)", "Total"]
    assert found.hit_ratio_table()["hit_ratio"][-1] == pytest.approx(0.9)


@pytest.mark.parametrize("kind", ["macro_ovr", "weighted_ovr", "macro_ovo", "weighted_ovo"])
def test_multinomial_areas_equal_scikit_learn(kind):
    y, p, _ = sample()
    average, how = kind.split("_")
    found = measured(y, p, options=OPTIONS._replace(auc_type=kind))
    slow = sk.roc_auc_score(y, p, average=average, multi_class=how)
    assert found.auc() == pytest.approx(slow, abs=1e-12)
    table = found.multinomial_auc_table()
    row = {"macro_ovr": "Macro OVR", "weighted_ovr": "Weighted OVR", "macro_ovo": "Macro OVO"}.get(kind, "Weighted OVO")
    assert table["auc"][table["type"].index(row)] == found.auc()
    assert len(table) == 4 + 2 + 6 + 2
    assert found.multinomial_aucpr_table()["aucpr"][0] < table["auc"][0]


def test_weighted_areas_equal_the_two_class_ones():
    y, p, w = sample()
    found = measured(y, p, w, OPTIONS._replace(auc_type="MACRO_OVR"))
    two = [
        finish("Binomial", measure("Binomial", (y == c).astype(int), p[:, c], w), Options(domain=("no", "yes")))
        for c in range(4)
    ]
    assert found.auc() == pytest.approx(np.mean([each.auc() for each in two]), abs=1e-12)
    assert found.aucpr() == pytest.approx(np.mean([each.aucpr() for each in two]), abs=1e-12)
    assert found.multinomial_aucpr_table()["aucpr"][:4] == pytest.approx([each.aucpr() for each in two], abs=1e-12)
    pair = np.isin(y, (1, 2))
    one = sk.roc_auc_score(y[pair] == 1, p[pair, 1], sample_weight=w[pair])
    other = sk.roc_auc_score(y[pair] == 2, p[pair, 2], sample_weight=w[pair])
    table = found.multinomial_auc_table()
    assert table["auc"][table["type"].index("bee vs cat")] == pytest.approx((one + other) / 2, abs=1e-12)


def test_without_an_auc_type_the_area_is_nan_and_its_table_not_available():
    found = measured(*sample()[:2])
    assert math.isnan(found.auc())
    with pytest.raises(MetricNotAvailable, match="auc_type"):
        found.multinomial_auc_table()
    with pytest.raises(H2OValueError, match="'ROC'"):
        measured(*sample()[:2], options=OPTIONS._replace(auc_type="ROC"))
    many = Options(domain=tuple(map(str, range(51))), auc_type="MACRO_OVR")
    assert math.isnan(measured(*sample(300, 51)[:2], options=many).auc())


def test_more_than_a_thousand_classes_have_all_but_the_confusion_matrix():
    rng = np.random.default_rng(3)
    p, y = rng.dirichlet(np.ones(1001), 200), rng.integers(0, 1001, 200)
    options = Options(domain=tuple(map(str, range(1001))))
    found = measured(y, p, options=options)
    slow = -np.log(np.maximum(p[np.arange(200), y], 1e-15)).mean()
    assert found.logloss() == pytest.approx(slow)
    assert found.error() == pytest.approx((p.argmax(axis=1) != y).mean())
    assert found.to_str()
    with pytest.raises(MetricNotAvailable, match="1001"):
        found.confusion_matrix()


def test_missing_rows_are_left_out():
    y, p, w = sample(60)
    codes, probabilities, weights = y.astype(float), p.copy(), w.copy()
    codes[0], probabilities[1, 2], weights[2] = np.nan, np.nan, 0.0
    assert measured(codes, probabilities, weights).values() == pytest.approx(
        measured(y[3:], p[3:], w[3:]).values(), nan_ok=True
    )


def test_a_wrong_number_of_columns_is_refused():
    y, p, _ = sample(20)
    with pytest.raises(H2OValueError, match=r"shape \(rows, 4\).*got \(20, 3\)"):
        measured(y, p[:, :3])


def test_the_report_has_the_parts_h2o_prints():
    text = measured(*sample()[:2]).to_str()
    assert text.startswith("ModelMetricsMultinomial: deeplearning\n** Reported on validation data. **\n\nMSE: ")
    order = [
        "LogLoss",
        "Mean Per-Class Error",
        "AUC table was not",
        "AUCPR table was not",
        "Confusion Matrix",
        "Top-4 Hit",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_thresholds_are_refused_because_there_are_none():
    found = measured(*sample()[:2])
    for ask in (found.error, found.mean_per_class_error, found.confusion_matrix):
        with pytest.raises(MetricNotAvailable, match="no thresholds"):
            ask(0.5)


@pytest.mark.parametrize(("ranks", "rows"), [(0, None), (1, 1), (2, 2), (10, 3)])
def test_the_table_of_hit_ratios_has_as_many_rows_as_asked(ranks, rows):
    options = Options(domain=("a", "b", "c"), hit_ranks=ranks)
    p = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7], [0.3, 0.4, 0.3]])
    state = measure("Multinomial", np.array([0, 1, 1]), p, None, options)
    table = finish("Multinomial", state, options).hit_ratio_table()
    assert (None if table is None else len(table)) == rows
