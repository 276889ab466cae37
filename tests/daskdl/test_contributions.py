"""Contributions of inputs: they add up, and agree with H2O, shap, and the definition of Shapley values."""

import functools
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import daskdl as h2o
from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from daskdl.explanation import attribution
from daskdl.explanation.attribution import Background, Features
from daskdl.explanation.contributions import Ranking
from daskdl.explanation.deepshap import Network, ratios, shares_of_maximum
from daskdl.kernels.activations import ACTIVATIONS
from daskdl.kernels.distributions import DISTRIBUTIONS
from daskdl.kernels.structs import Rows
from daskdl.network.layout import Layout
from daskdl.scoring.predictor import Predictor
from frames.exceptions import H2OTypeError, H2OValueError
from frames.frame import H2OFrame

pytestmark = pytest.mark.usefixtures("embedded_throughout")

GOLDEN = Path(__file__).parent.parent / "golden" / "explain"


def rows_of(numbers, levels=None, offset=0.0):
    count = len(numbers)
    chosen = np.zeros((count, 0), np.int32) if levels is None else np.asarray(levels, np.int32)
    nothing = np.zeros(count, np.float32)
    return Rows(
        np.asarray(numbers, np.float32), chosen, nothing[:, None], nothing, nothing + np.float32(offset),
        np.zeros(count, int),
    )  # fmt: skip


def random_network(activation, distribution, hidden=(5, 4), seed=0, target=1, in_response=False, **more):
    kind = ACTIVATIONS[activation]()
    classes = DISTRIBUTIONS[distribution].classes
    category = "Regression" if classes is None else "Binomial" if classes[1] == 2 else "Multinomial"
    outputs = {"Regression": 1, "Binomial": 2, "Multinomial": 4}[category]
    layout = Layout(levels=6, numbers=3, hidden=hidden, outputs=outputs, pieces=kind.pieces)
    weights = np.random.default_rng(seed).normal(size=layout.size).astype(np.float32) * np.float32(0.7)
    predictor = Predictor(layout, category, kind, DISTRIBUTIONS[distribution](), **more)
    return Network(predictor, weights, target, in_response)


def random_rows(count, seed):
    """Rows with two categorical columns, the second of which may have no level; some repeat."""
    rng = np.random.default_rng(seed)
    levels = np.stack([rng.integers(0, 3, count), rng.choice([-1, 3, 4, 5], count)], axis=1)
    numbers = rng.normal(size=(count, 3)).astype(np.float32)
    numbers[-1], levels[-1] = numbers[0], levels[0]
    return rows_of(numbers, levels)


def inside(network, rows, background, offset=0.0):
    """Contributions of every pair (rows, background, inputs), and the explained number of both sides."""
    x, r = network.trace(rows), network.trace(background)
    shift = np.full(len(x.net), offset)
    pairs = network.pairs(x, r, shift)
    predicted = network.explained(x, shift), network.explained(r, offset)
    return pairs, predicted[0][:, None] - predicted[1][None]


def total(pairs):
    return pairs.numbers.sum(axis=2) + pairs.gained.sum(axis=2) + pairs.lost.sum(axis=2)


# ---- laws over the registries ------------------------------------------------------------------------------------
@pytest.mark.parametrize("in_response", [False, True], ids=["link", "response"])
@pytest.mark.parametrize("distribution", sorted(DISTRIBUTIONS))
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("hidden", [(), (5,), (5, 4, 3)], ids=["none", "one", "three"])
def test_contributions_of_a_pair_add_up_to_the_difference_of_its_predictions(
    activation, distribution, hidden, in_response
):
    more = {"hidden_dropout": tuple(0.1 * (k + 1) for k in range(len(hidden))), "sub": 3.0, "mul": 0.25}
    network = random_network(activation, distribution, hidden, in_response=in_response, **more)
    rows, background = random_rows(7, 1), random_rows(5, 2)
    pairs, difference = inside(network, rows, background, 0.3 if network.predictor.category == "Regression" else 0.0)
    np.testing.assert_allclose(total(pairs), difference, rtol=1e-8, atol=1e-9 * max(1.0, abs(difference).max()))


@pytest.mark.parametrize("distribution", sorted(DISTRIBUTIONS))
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_what_is_explained_is_what_is_predicted(activation, distribution):
    more = {"sub": 3.0, "mul": 0.25, "hidden_dropout": (0.5, 0.2)}
    network = random_network(activation, distribution, in_response=True, target=0, **more)
    regression = network.predictor.category == "Regression"
    rows = random_rows(7, 1)._replace(offset=np.linspace(-1, 1, 7, dtype=np.float32))
    predicted = network.predictor.predict(network.weights, rows)
    explained = network.explained(network.trace(rows), rows.offset if regression else 0.0)
    np.testing.assert_allclose(explained, predicted if regression else predicted[:, 0], rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("target", range(4))
def test_every_class_of_many_adds_up_also_where_training_was_balanced(target):
    more = {"correction": (0.5, 2.0, 0.0, 1.0)}
    network = random_network("Tanh", "multinomial", target=target, **more)
    rows, background = random_rows(6, 3), random_rows(6, 4)
    predicted = [network.predictor.predict(network.weights, one)[:, target] for one in (rows, background)]
    pairs, difference = inside(network, rows, background)
    np.testing.assert_allclose(difference, predicted[0][:, None] - predicted[1][None], atol=1e-6)
    np.testing.assert_allclose(total(pairs), difference, rtol=1e-8, atol=1e-10)


def test_logits_far_apart_give_numbers():
    network = random_network("Rectifier", "multinomial")
    rows, background = random_rows(6, 3), random_rows(6, 4)
    rows = rows._replace(numbers=rows.numbers * 1e4)
    with np.errstate(all="raise", under="ignore"):
        pairs, difference = inside(network, rows, background)
    np.testing.assert_allclose(total(pairs), difference, atol=1e-7)


def test_of_two_classes_one_gains_what_the_other_loses():
    rows, background = random_rows(6, 3), random_rows(6, 4)
    found = [inside(random_network("Tanh", "bernoulli", target=k), rows, background)[0] for k in (0, 1)]
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, -other, rtol=1e-9, atol=1e-13)


def test_an_input_that_is_the_same_contributes_nothing():
    network = random_network("Maxout", "gaussian")
    rows, background = random_rows(6, 3), random_rows(6, 4)
    background.numbers[:, 1] = rows.numbers[0, 1]
    background.levels[:, 0] = rows.levels[0, 0]
    pairs, _ = inside(network, rows, background)
    assert not pairs.numbers[0, :, 1].any()
    assert not pairs.gained[0, :, 0].any()
    assert not pairs.lost[0, :, 0].any()
    assert pairs.numbers[0, :, 0].all()


# ---- against the definition --------------------------------------------------------------------------------------
def shapley(value, players):
    """Shapley values by all orders: `value(moved)` for a set of players."""
    found = np.zeros(players)
    for order in itertools.permutations(range(players)):
        for k, one in enumerate(order):
            found[one] += value(frozenset(order[: k + 1])) - value(frozenset(order[:k]))
    return found / math.factorial(players)


@pytest.mark.parametrize("distribution", ["gaussian", "bernoulli", "poisson"])
def test_without_hidden_layers_they_are_the_shapley_values(distribution):
    """With a link of one sum the rescale rule is proportional; Shapley values are of the sum itself."""
    network = random_network("Tanh", distribution, hidden=())
    rows, background = random_rows(4, 3), random_rows(3, 4)
    pairs, _ = inside(network, rows, background)
    x, r = network.trace(rows), network.trace(background)

    def logit(numbers, levels):
        net = network.trace(rows_of(numbers[None], levels[None])).net[0]
        return net[1] - net[0] if distribution == "bernoulli" else net[0]

    for i in range(4):
        for j in range(3):

            def moved(players, i=i, j=j):
                has = np.array([k in players for k in range(5)])
                return logit(np.where(has[:3], x.numbers[i], r.numbers[j]), np.where(has[3:], x.levels[i], r.levels[j]))

            wanted = shapley(moved, 5)
            columns = [*pairs.numbers[i, j], *(pairs.gained + pairs.lost)[i, j]]
            scale = np.sum(columns) / wanted.sum()
            assert scale == pytest.approx(1.0) or distribution == "bernoulli"
            np.testing.assert_allclose(columns, wanted * scale, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("pieces", [2, 3, 4])
def test_the_shares_of_a_maximum_are_shapley_values(pieces):
    rng = np.random.default_rng(pieces)
    x, r = rng.normal(size=(3, 1, pieces, 2)), rng.normal(size=(1, 2, pieces, 2))
    shares = shares_of_maximum(x, r)
    for i, j, unit in itertools.product(range(3), range(2), range(2)):
        high, low = x[i, 0, :, unit], r[0, j, :, unit]
        wanted = shapley(lambda s, h=high, l=low: max(h[k] if k in s else l[k] for k in range(pieces)), pieces)
        np.testing.assert_allclose(shares[i, j, :, unit] * (high - low), wanted, atol=1e-12)


def test_ratios_of_equal_numbers_are_slopes():
    x = np.array([0.5, 0.5, 0.5, 2.0])
    r = np.array([0.5, 0.5 + 1e-9, 0.5 - 1e-7, 1.0])
    slope = 1 - np.tanh(0.5) ** 2
    np.testing.assert_allclose(ratios(np.tanh, x, r)[:3], slope, rtol=1e-6)
    assert ratios(np.tanh, x, r)[3] == pytest.approx(np.tanh(2) - np.tanh(1))


# ---- against others ----------------------------------------------------------------------------------------------
def _told(activation, distribution, weights, biases, levels, **more):
    """The network with these weight matrices."""
    plain = activation.removesuffix("WithDropout")
    kind = ACTIVATIONS[plain]()
    sizes = [len(b) for b in biases]
    hidden = tuple(size // kind.pieces for size in sizes[:-1])
    layout = Layout(levels, len(weights[0][0]) - levels, hidden, sizes[-1], pieces=kind.pieces)
    buffer = np.zeros(layout.size, np.float32)
    for k, (w, b) in enumerate(zip(weights, biases, strict=True), start=1):
        layout.set_matrix(buffer, k, np.array(w, np.float32))
        layout.bias(buffer, k)[:] = b
    category = "Regression" if DISTRIBUTIONS[distribution].classes is None else "Binomial"
    dropout = (0.5,) * len(hidden) if plain != activation else ()
    predictor = Predictor(
        layout=layout, category=category, activation=kind, distribution=DISTRIBUTIONS[distribution](),
        hidden_dropout=dropout, **more,
    )  # fmt: skip
    return Network(predictor, buffer)


@pytest.mark.parametrize("number", range(4))
def test_they_are_those_of_shaps_deep_explainer(number):
    case = json.loads((GOLDEN / "shap.json").read_text())[number]
    distribution = "bernoulli" if case["classes"] else "gaussian"
    network = _told(case["activation"], distribution, case["weights"], case["biases"], levels=0)
    pairs, _ = inside(network, rows_of(case["rows"]), rows_of(case["background"]))
    np.testing.assert_allclose(pairs.numbers.mean(axis=1), case["found"], rtol=1e-5, atol=1e-6)
    expected = network.explained(network.trace(rows_of(case["background"]))).mean()
    assert expected == pytest.approx(case["expected"], rel=1e-5)


@pytest.mark.parametrize("output_format", ["Original", "Compact"])
@pytest.mark.parametrize("number", range(6))
def test_they_are_those_of_h2o(number, output_format):
    golden = json.loads((GOLDEN / "h2o.json").read_text())
    case, table = golden["cases"][number], golden["rows"]
    numbers = np.stack([np.array(table[name]) for name in ("a", "b")], axis=1)
    rows = rows_of((numbers - case["sub"]) * case["mul"], [["uvw".index(level)] for level in table["c"]])
    network = _told(
        case["activation"], case["distribution"], case["weights"], case["biases"], levels=4,
        sub=case["response_sub"], mul=case["response_mul"],
    )  # fmt: skip
    traced = network.trace(rows)
    x, r = traced.part(0, 5), traced.part(5, 12)
    names = ["c.u", "c.v", "c.w", "c.missing(NA)", "a", "b"] if output_format == "Original" else ["c", "a", "b"]
    original = output_format == "Original"
    features = Features(tuple(names), np.array([4, 5] if original else [1, 2]), None if original else np.array([0]))
    found = np.zeros((5, 7, len(names)))
    features.single(network.pairs(x, r, np.zeros(5)), x.levels, r.levels, found)
    told = case["found"][output_format]
    wanted = np.stack([told[name] for name in names], axis=1)
    np.testing.assert_allclose(found.reshape(35, -1), wanted, rtol=1e-4, atol=2e-6)
    predicted = network.explained(traced)
    predicted = np.exp(predicted) if case["distribution"] == "poisson" else predicted
    np.testing.assert_allclose(predicted, case["prediction"], rtol=1e-5, atol=1e-6)
    if case["distribution"] == "gaussian":  # with a link H2O's bias term is off by the mean of the response
        np.testing.assert_allclose(np.tile(predicted[5:], 5), told["BiasTerm"], rtol=1e-5, atol=1e-6)


# ---- over frames -------------------------------------------------------------------------------------------------
@functools.cache
def table():
    rng = np.random.default_rng(5)
    rows = pd.DataFrame({"a": rng.normal(size=90), "b": rng.normal(size=90) * 3, "c": rng.choice(["u", "v", "w"], 90)})
    rows["d"] = rng.choice(["x", "y"], 90)
    rows["off"] = rng.normal(size=90)
    rows["y"] = rows.a - rows.b + (rows.c == "u") + rows.off
    rows["count"] = rows.y.abs().round()
    rows["two"] = np.where(rows.y > 0.5, "p", "n")
    rows["three"] = rng.choice(["k", "l", "m"], 90)
    rows.loc[[3, 17], "a"] = np.nan
    rows.loc[[4, 30], "c"] = None
    return rows


@pytest.fixture(scope="module")
def frame(embedded_throughout):
    whole = H2OFrame(table(), column_types=dict.fromkeys(("c", "d", "two", "three"), "enum"))
    return whole[:40, :].rbind(whole[40:, :])


@pytest.fixture(scope="module")
def classifier(frame):
    return trained(frame, "two")


def trained(frame, y, x=("a", "b", "c", "d"), **parameters):
    box = {"hidden": [4], "epochs": 3, "seed": 1, "stopping_rounds": 0, **parameters}
    return H2ODeepLearningEstimator(**box).train(x=list(x), y=y, training_frame=frame)


def cells(frame):
    return frame.as_data_frame()


@pytest.mark.parametrize(
    ("y", "parameters"),
    [
        ("y", {}),
        ("y", {"standardize": False, "activation": "Tanh"}),
        ("y", {"offset_column": "off"}),
        ("y", {"distribution": "laplace"}),
        ("two", {"activation": "RectifierWithDropout"}),
        ("two", {"balance_classes": True}),
        ("two", {"categorical_encoding": "Binary"}),
        ("two", {"categorical_encoding": "Eigen"}),
        ("two", {"categorical_encoding": "SortByResponse"}),
        ("two", {"max_categorical_features": 3}),
        ("count", {"distribution": "poisson", "offset_column": "off"}),
        ("count", {"distribution": "tweedie", "activation": "Tanh"}),
        ("three", {"activation": "Maxout"}),
    ],
    ids=str,
)
def test_a_frames_contributions_add_up_to_its_predictions(frame, y, parameters):
    model = trained(frame, y, **parameters)
    background, target = frame[10:35, :], "m" if y == "three" else None
    ask = functools.partial(model.predict_contributions, frame, background_frame=background, target=target)
    predicted = cells(model.predict(frame)).iloc[:, -1].to_numpy()
    log = np.log if y == "count" else np.array
    original, compact, response = cells(ask()), cells(ask("Compact")), cells(ask(output_space=True))
    np.testing.assert_allclose(original.sum(axis=1), log(predicted), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(compact.sum(axis=1), log(predicted), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(response.sum(axis=1), predicted, rtol=1e-4, atol=1e-5)
    assert sorted(compact.columns) == ["BiasTerm", "a", "b", "c", "d"]
    assert len(original) == 90
    if "offset_column" not in parameters:
        bias = cells(model.predict(background)).iloc[:, -1].to_numpy()
        np.testing.assert_allclose(response["BiasTerm"], bias.mean(), rtol=1e-4)


def test_compact_columns_are_the_sums_of_their_inputs(frame, classifier):
    original = cells(classifier.predict_contributions(frame, background_frame=frame[:9, :]))
    compact = cells(classifier.predict_contributions(frame, "compact", background_frame=frame[:9, :]))
    assert list(original.columns) == [*classifier.model.encoder.unit_names, "BiasTerm"]
    assert list(compact.columns) == ["c", "d", "a", "b", "BiasTerm"]
    for name in compact.columns:
        inputs = [one for one in original.columns if one == name or one.startswith(f"{name}.")]
        np.testing.assert_allclose(original[inputs].sum(axis=1), compact[name], atol=1e-12)
    background = cells(frame[:9, :])
    levels = {f"c.{level}" for level in [*background["c"].dropna(), cells(frame)["c"][0]]}
    first = original.iloc[0]
    assert {name for name in original.columns if name.startswith("c.") and first[name]} <= levels | {"c.missing(NA)"}


@pytest.mark.parametrize("output_format", ["Original", "Compact"])
def test_a_row_for_every_pair_and_their_means_are_the_plain_answer(frame, classifier, output_format, monkeypatch):
    monkeypatch.setattr("daskdl.explanation.contributions.PAIRS_AT_ONCE", 60)  # several chunks per partition
    ask = functools.partial(classifier.predict_contributions, frame, output_format, background_frame=frame[20:43, :])
    pairs, plain = cells(ask(output_per_reference=True)), cells(ask())
    assert pairs["RowIdx"].tolist() == np.repeat(np.arange(90), 23).tolist()
    assert pairs["BackgroundRowIdx"].tolist() == list(range(23)) * 90
    means = pairs.drop(columns="BackgroundRowIdx").groupby("RowIdx").mean()
    np.testing.assert_allclose(means, plain, atol=1e-12)
    bias = cells(classifier.predict(frame[20:43, :]))["p"]
    np.testing.assert_allclose(pairs["BiasTerm"][:23], bias, rtol=1e-5)


def test_small_tiles_give_the_same_numbers(frame, classifier, monkeypatch):
    ask = functools.partial(classifier.predict_contributions, frame, background_frame=frame[20:43, :])
    plain = cells(ask())
    monkeypatch.setattr(attribution, "CELLS_AT_ONCE", 50)
    np.testing.assert_allclose(cells(ask()), plain, atol=1e-12)
    monkeypatch.setattr(attribution, "CELLS_AT_ONCE", 1)
    np.testing.assert_allclose(cells(ask()), plain, atol=1e-12)


@pytest.mark.parametrize(
    ("top", "bottom", "absolute"), [(2, 0, False), (None, 3, False), (1, 2, True), (-1, None, True)]
)
def test_the_largest_and_smallest_are_shown_with_their_names(frame, classifier, top, bottom, absolute):
    ask = functools.partial(classifier.predict_contributions, frame, "Compact", background_frame=frame[20:43, :])
    plain, ranked = cells(ask()), cells(ask(top_n=top, bottom_n=bottom, compare_abs=absolute))
    features = plain.drop(columns="BiasTerm")
    ends = {"top": 4 if top == -1 else top or 0, "bottom": bottom or 0}
    names = [f"{end}_{what}_{k}" for end in ends for k in range(1, ends[end] + 1) for what in ("feature", "value")]
    assert list(ranked.columns) == [*names, "BiasTerm"]
    for i, row in features.iterrows():
        order = row.sort_values(key=abs if absolute else None, kind="stable")
        wanted = [*order[::-1][: ends["top"]].items(), *order[: ends["bottom"]].items()]
        shown = [(ranked[names[2 * k]][i], ranked[names[2 * k + 1]][i]) for k in range(len(wanted))]
        assert [value for _, value in shown] == pytest.approx([value for _, value in wanted])
        assert all(row[name] == pytest.approx(value) for name, value in shown)


def test_rankings_are_those_of_h2o():
    """What H2O 3.46 gave for gradient boosting of three features; its deep learning leaves the arguments out."""
    counts = {
        (2, None): (2, 0), (None, 2): (0, 2), (2, 2): (2, 1), (-1, None): (3, 0), (None, -1): (0, 3), (-1, -1): (3, 0),
        (5, None): (3, 0), (0, 1): (0, 1), (-1, 1): (3, 0),
    }  # fmt: skip
    for (top, bottom), (high, low) in counts.items():
        assert Ranking.of(top, bottom, False, 3) == Ranking(high, low, False)
    assert Ranking.of(None, None, True, 3) is None
    assert Ranking.of(0, 0, True, 3) is None


def test_columns_named_like_those_beside_them_keep_apart(frame):
    odd = frame[:, ["a", "b", "two"]]
    odd.names = ["BiasTerm", "RowIdx", "two"]
    model = trained(odd, "two", x=["BiasTerm", "RowIdx"])
    found = model.predict_contributions(odd[:4, :], background_frame=odd[:3, :], output_per_reference=True)
    assert found.names == ["BiasTerm0", "RowIdx0", "BiasTerm", "RowIdx", "BackgroundRowIdx"]
    assert cells(found)["RowIdx"].tolist() == np.repeat(np.arange(4), 3).tolist()


def test_frames_without_a_column_or_a_response_are_explained_as_they_are_predicted(frame, classifier):
    with pytest.warns(UserWarning, match="missing column 'd'"):
        predicted = cells(classifier.predict(frame.drop("d")))["p"]
    with pytest.warns(UserWarning, match="missing column 'd'"):
        found = cells(
            classifier.predict_contributions(frame.drop("d"), background_frame=frame[:5, ["a", "b", "c", "d"]])
        )
    np.testing.assert_allclose(found.sum(axis=1), predicted, atol=1e-6)


def test_a_loaded_model_gives_the_same(frame, classifier, tmp_path):
    path = h2o.save_model(classifier, str(tmp_path))
    ask = {"background_frame": frame[:5, :]}
    again = cells(h2o.load_model(path).predict_contributions(frame, **ask))
    pd.testing.assert_frame_equal(again, cells(classifier.predict_contributions(frame, **ask)))


def test_what_cannot_be_explained_is_refused_with_a_remedy(frame, classifier, monkeypatch):
    with pytest.raises(H2OValueError, match=r"needs a background_frame.*train"):
        classifier.predict_contributions(frame)
    with pytest.raises(H2OValueError, match="background_frame must have a row"):
        classifier.predict_contributions(frame, background_frame=frame[frame["b"] > 1000, :])
    with pytest.raises(H2OTypeError, match="`background_frame` should be an H2OFrame"):
        classifier.predict_contributions(frame, background_frame=table())
    with pytest.raises(H2OValueError, match="test_data must be an instance"):
        classifier.predict_contributions(table(), background_frame=frame)
    with pytest.raises(H2OValueError, match=r'output_format must be "Original" or "Compact"; got .tall'):
        classifier.predict_contributions(frame, "tall", background_frame=frame)
    with pytest.raises(H2OTypeError, match="`top_n` should be an integer"):
        classifier.predict_contributions(frame, top_n=1.5, background_frame=frame)
    with pytest.raises(H2OValueError, match=r"target must be a class of 'two' \(n, p\); got q"):
        classifier.predict_contributions(frame, background_frame=frame, target="q")
    with pytest.raises(H2OValueError, match=r"got None. Name the class"):
        trained(frame, "three").predict_contributions(frame, background_frame=frame)
    with pytest.raises(H2OValueError, match="target names a class"):
        trained(frame, "y").predict_contributions(frame, background_frame=frame, target="p")
    monkeypatch.setattr("daskdl.explanation.contributions.LARGEST_BACKGROUND", 100)
    with pytest.raises(H2OValueError, match=r"background_frame must be small.*sample"):
        classifier.predict_contributions(frame, background_frame=frame)
    auto = H2OAutoEncoderEstimator(hidden=[2], epochs=1, seed=1).train(x=["a", "b"], training_frame=frame)
    with pytest.raises(H2OValueError, match=r"autoencoder.*anomaly"):
        auto.predict_contributions(frame, background_frame=frame)


def test_a_background_joins_its_partitions():
    parts = [Background(np.ones((n, 2), np.float32), np.zeros((n, 1), np.int32)) for n in (1, 0, 3)]
    assert [one.shape for one in Background.joined(parts)] == [(4, 2), (4, 1)]
