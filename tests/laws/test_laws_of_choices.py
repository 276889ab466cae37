"""Laws that every entry of the registries keeps: losses and gradients, activations and slopes, optimizers.

The registries are walked, so a new entry is tested the day it is added.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daskdl.estimators.accessors import MetricAccessors
from daskdl.grid.accessors import GridAccessors
from daskdl.kernels.activations import ACTIVATIONS, activate, slope
from daskdl.kernels.distributions import DISTRIBUTIONS, Distribution, gradient, loss, output_delta, response
from daskdl.kernels.distributions.multinomial import Multinomial
from daskdl.kernels.optimizers import OPTIMIZERS, Clock, bias_step, speed, step
from daskdl.kernels.optimizers.adadelta import Adadelta
from daskdl.kernels.optimizers.adam import Adam
from daskdl.kernels.optimizers.momentum import Momentum, Nesterov
from daskdl.kernels.schedules import SCHEDULES
from daskdl.metrics import METRICS
from daskdl.metrics.at_threshold import ALIASES, METHODS
from daskdl.metrics.binomial_metrics import H2OBinomialModelMetrics
from daskdl.metrics.curve import CRITERIA
from daskdl.metrics.metric import ALL
from daskdl.metrics.registry import default_metric, judge_of_columns
from daskdl.parameters import Facts, Parameters, Resolved, declarations, resolve
from frames.exceptions import H2OResponseError

f4 = np.float32
NUMBERS = {"quantile": (0.2, 0.5, 0.9), "huber": (0.3, 1.0), "tweedie": (1.2, 1.5, 1.9)}  # the first field's
OF_NUMBERS = [name for name, kind in DISTRIBUTIONS.items() if kind.classes is None]
OF_CLASSES = [name for name, kind in DISTRIBUTIONS.items() if kind.classes is not None]
CHOSEN = [(name, numbers) for name in OF_NUMBERS for numbers in [[one] for one in NUMBERS.get(name, ())] or [[]]]
SPECS = [DISTRIBUTIONS[name](*numbers) for name, numbers in CHOSEN]
IDS = [repr(spec) for spec in SPECS]


def points(spec: Distribution, count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Targets inside the interval and net outputs (count,) float64, where the loss has a derivative."""
    rng = np.random.default_rng(13)
    y = rng.normal(0, 2, count)
    if spec.target.low == 0:
        y = abs(y) * (rng.random(count) > 0.2)
    if spec.name == "gamma":
        y = y + 0.01
    assert all(spec.target.allows(value) for value in y)
    return y, rng.normal(0, 1.5, count)


def central(function: Callable[[float], float], at: float, h: float = 1e-5) -> float:
    return (function(at + h) - function(at - h)) / (2 * h)


@pytest.mark.parametrize("spec", SPECS, ids=IDS)
def test_the_gradient_is_the_slope_of_the_loss(spec):
    targets, outputs = points(spec)
    residual = targets - outputs
    assert (residual > 0).sum() > 20  # both sides of every kink are met
    assert (residual < 0).sum() > 20
    if spec.name == "huber":
        assert (abs(residual) < spec.delta).sum() > 10
        assert (abs(residual) > spec.delta).sum() > 10
    for y, f in zip(targets, outputs, strict=True):
        expected = central(lambda at, y=y: float(loss(spec, y, at)), f)
        assert float(gradient(spec, y, f)) == pytest.approx(expected, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("spec", SPECS, ids=IDS)
def test_no_output_has_less_loss_than_the_one_that_predicts_the_target(spec):
    """The gradient falls below 0 left of the target's own net output and rises above it right of that."""
    for y in points(spec, 40)[0]:
        if y == 0 and not spec.has_identity_link:
            continue  # the best output lies at minus infinity
        best = spec.link(y)
        assert gradient(spec, y, best - 0.5) < 0 < gradient(spec, y, best + 0.5)
        assert loss(spec, y, best) <= min(loss(spec, y, best - 0.5), loss(spec, y, best + 0.5))


@pytest.mark.parametrize("spec", SPECS, ids=IDS)
def test_gradients_stay_finite_and_single_for_outputs_far_away(spec):
    single = spec.compiled
    with np.errstate(over="ignore"):
        for y, f in itertools.product((0.5, 3.0), (-200.0, -30.0, 30.0, 200.0)):
            found = gradient(single, f4(y), f4(f))
            assert np.isfinite(found)
            assert found.dtype == f4
            assert abs(response(single, f4(f))) <= f4(1e19)


@pytest.mark.parametrize("spec", SPECS, ids=IDS)
def test_the_response_undoes_the_link_and_lies_where_targets_do(spec):
    outputs = np.linspace(-3, 3, 31)
    means = spec.response(outputs)
    np.testing.assert_allclose(spec.link(means), outputs, rtol=1e-12, atol=1e-12)
    assert all(spec.target.allows(mean) for mean in means)
    assert spec.has_identity_link == np.array_equal(means, outputs)
    np.testing.assert_allclose([float(response(spec.compiled, f4(f))) for f in outputs], means, rtol=1e-5)


@pytest.mark.parametrize("spec", SPECS, ids=IDS)
def test_the_deviance_is_the_loss_above_that_of_a_perfect_prediction(spec):
    """Training and scoring judge by one measure."""
    y, f = points(spec)
    y = y + 0.01 * (y == 0) * (spec.target.low == 0)
    mean = spec.response(f)
    perfect = [float(loss(spec, a, spec.link(a))) for a in y]
    excess = np.array([float(loss(spec, a, b)) for a, b in zip(y, f, strict=True)]) - perfect
    if spec.error_quantile is None:
        found = spec.deviance(y, mean)
    else:
        found = spec.deviance_of_errors(abs(y - mean), spec.delta)
    np.testing.assert_allclose(found, excess, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_users_can_choose_every_distribution_of_numbers_by_its_name_and_by_its_losses(name):
    facts = Facts(rows=10, response="y", classes=1, response_type="real", response_low=0.5, response_high=4.0)
    resolved = resolve(Parameters(distribution=name), facts, "law")
    assert type(resolved.distribution) is DISTRIBUTIONS[name]
    assert Resolved.from_dict(resolved.to_dict()) == resolved
    for one in DISTRIBUTIONS[name].losses:
        assert type(resolve(Parameters(loss=one), facts, "law").distribution) is DISTRIBUTIONS[name]
    with pytest.raises(H2OResponseError, match="loss"):
        resolve(Parameters(distribution=name, loss="CrossEntropy"), facts, "law")


@pytest.mark.parametrize("name", OF_CLASSES)
def test_users_can_choose_every_distribution_of_classes_with_each_of_its_losses(name):
    kind = DISTRIBUTIONS[name]
    facts = Facts(rows=10, response="y", classes=kind.classes[0], response_type="enum")
    for one in kind.losses:
        resolved = resolve(Parameters(distribution=name, loss=one), facts, "law")
        assert type(resolved.distribution) is kind
        assert resolved.distribution.loss_name == one
        assert Resolved.from_dict(resolved.to_dict()) == resolved


@pytest.mark.parametrize(
    ("family", "kinds"),
    [("distribution", DISTRIBUTIONS), ("activation", ACTIVATIONS), ("rate_schedule", SCHEDULES)],
)
def test_numbers_that_choices_declare_are_parameters_that_reach_them(family, kinds):
    found = 0
    for name, kind in kinds.items():
        for field, one in kind.declared().items():
            declared = declarations()[one.parameter]
            other = next(x for x in (0.25, 0.75, 1.25, 1.75, 3.0) if one.allowed.allows(x) and x != declared.default)
            parameters = Parameters(**{family: name, one.parameter: other})
            assert (declared.default, declared.sentence) == (kind.default(field), one.sentence)
            assert getattr(kind.of(parameters), field) == other
            assert getattr(kind.of(Parameters()), field) == kind.default(field)
            found += 1
    assert found == {"distribution": 3, "activation": 0, "rate_schedule": 1}[family]


def log_loss(net: np.ndarray, y: int) -> float:
    return math.log(np.exp(net - net.max()).sum()) - (net - net.max())[y]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-8, 8), min_size=2, max_size=5), st.integers(0, 4))
def test_softmax_heads_hand_back_their_formulas(values, target):
    net, y = np.array(values), target % len(values)
    p = np.exp(net - net.max()) / np.exp(net - net.max()).sum()
    hit = np.arange(len(net)) == y
    expected = {"CrossEntropy": p - hit, "Quadratic": (p - hit) * (1 - p) * p}
    for quadratic, name in enumerate(Multinomial.losses):
        spec = Multinomial(bool(quadratic))
        delta = np.zeros(len(net))
        output_delta(spec, net, np.array([float(y)]), delta)
        np.testing.assert_allclose(delta, expected[name], atol=1e-6)
        np.testing.assert_allclose(spec.probabilities(net[None])[0], p, atol=1e-12)
    for k in range(len(net)):
        moved = np.eye(len(net))[k]
        slope_there = central(lambda h, moved=moved: log_loss(net + h * moved, y), 0.0)
        assert expected["CrossEntropy"][k] == pytest.approx(slope_there, abs=1e-6)


@pytest.mark.parametrize("quadratic", [False, True])
def test_softmax_heads_bear_large_outputs(quadratic):
    net, delta = np.array([500.0, -500.0, 499.0], f4), np.zeros(3, f4)
    output_delta(Multinomial(quadratic), net, np.array([1.0], f4), delta)
    assert np.isfinite(delta).all()


# --- activations ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_slope_belongs_to_the_activation(name):
    spec = ACTIVATIONS[name]()
    places = np.random.default_rng(3).normal(0, 2, 100)
    assert places.min() < -2 < 2 < places.max()
    for z in places:
        expected = central(lambda at: float(activate(spec, at)), z)
        assert float(slope(spec, activate(spec, z))) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_never_fall_and_bear_large_sums(name):
    spec = ACTIVATIONS[name]()
    places = np.array([-1e30, -300, -5, -1, 0, 1, 5, 300, 1e30], f4)
    with np.errstate(over="ignore"):
        found = np.array([activate(spec, z) for z in places])
    assert np.isfinite(found).all()
    assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_take_whole_arrays_and_keep_single_precision(name):
    """Predictions use the formula of the kernels, on arrays."""
    spec = ACTIVATIONS[name]()
    sums = np.random.default_rng(4).normal(0, 3, (6, 5)).astype(f4)
    found = spec.activate(sums)
    assert found.dtype == f4
    np.testing.assert_allclose(found, [[activate(spec, z) for z in row] for row in sums], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_facts_of_an_activation_fit_its_formula(name):
    spec = ACTIVATIONS[name]()
    values = [float(activate(spec, f4(z))) for z in (-4.0, -1.0, 0.5, 4.0)]
    assert spec.pieces >= 1
    assert spec.flop > 0
    if spec.reconstructs:
        assert any(spec.averages.allows(value) for value in values)  # a mean activation that can be reached


def test_only_maxout_has_two_pieces():
    assert {name: spec.pieces for name, spec in ACTIVATIONS.items()} == {"Tanh": 1, "Rectifier": 1, "Maxout": 2}


# --- optimizers -------------------------------------------------------------------------------------------------------

CASES = [Adadelta(rho=0.9, epsilon=1e-3)]
CASES += [kind(0.05, 0.0, 1.0, start, 0.0) for kind in (Nesterov, Momentum) for start in (0.5, 0)]
CASES += [Adam(rate=0.05), Adam(rate=0.1, beta1=0.0, beta2=0.99, epsilon=1e-6)]


def test_the_laws_try_every_optimizer():
    assert {type(spec) for spec in CASES} == set(OPTIMIZERS.values())


@pytest.mark.parametrize("spec", CASES, ids=repr)
@pytest.mark.parametrize("start", [-2.0, 0.5, 3.0])
def test_optimizers_descend_a_parabola_in_single_precision(spec, start):
    single, rates = spec.at(Clock())
    for move in (step, lambda s, w, slots, g, rate: bias_step(s, w, slots, g, g * g, rate)):
        w, slots = f4(start), tuple(f4(0) for _ in spec.slots)
        for _ in range(600):
            w, slots = move(single, w, slots, f4(2) * (w - f4(1)), rates[1, 0])
        assert abs(w - 1) < 0.05 * abs(start - 1)
        assert len(slots) == len(spec.slots)
        assert all(isinstance(v, f4) for v in (w, *slots, speed(single, slots, rates[1, 0])))


@pytest.mark.parametrize("spec", CASES, ids=repr)
def test_an_optimizer_that_remembers_nothing_rests_without_a_gradient(spec):
    single, rates = spec.at(Clock())
    w, slots = step(single, f4(1), tuple(f4(0) for _ in spec.slots), f4(0.5), rates[1, 0])
    again, after = step(single, w, slots, f4(0), rates[1, 0])
    assert spec.remembers == (again != w or any(a and a != b for a, b in zip(after, slots, strict=True)))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_is_chosen_by_its_parameters_and_comes_back_from_a_record(name):
    switches = {"adadelta": {}, "nesterov": {"adaptive_rate": False}, "adam": {"optimizer": "adam"}}
    switches["momentum"] = {"adaptive_rate": False, "nesterov_accelerated_gradient": False}
    facts = Facts(rows=10, response="y", classes=1, response_type="real")
    numbers = {one.parameter: 0.25 for one in OPTIMIZERS[name].declared().values()}
    resolved = resolve(Parameters(**switches[name], **numbers), facts, "law")
    assert type(resolved.optimizer) is OPTIMIZERS[name]
    assert {getattr(resolved.optimizer, field) for field in OPTIMIZERS[name].declared()} == {0.25}
    assert Resolved.from_dict(resolved.to_dict()) == resolved
    assert len(set(OPTIMIZERS[name].slots)) == len(OPTIMIZERS[name].slots)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_is_chosen_by_its_own_word_as_well(name):
    facts = Facts(rows=10, response="y", classes=1, response_type="real")
    kind = OPTIMIZERS[name]
    given = {"optimizer": kind.asked_as(), "nesterov_accelerated_gradient": name != "momentum"}
    resolved = resolve(Parameters(**given), facts, "law")
    assert type(resolved.optimizer) is kind
    assert (resolved.actual.optimizer, resolved.actual.adaptive_rate) == (kind.asked_as(), name == "adadelta")
    assert Resolved.from_dict(resolved.to_dict()) == resolved


@pytest.mark.parametrize("spec", CASES, ids=repr)
def test_what_the_table_of_layers_shows_is_the_speed_of_the_weights(spec):
    slots = np.random.default_rng(5).random((len(spec.slots), 50)).astype(f4)
    clock = Clock(samples=100, batch=4, layers=2)
    single, rates = spec.at(clock)
    shown = spec.figures(slots, 2, clock)
    found = np.broadcast_to(speed(single, tuple(slots), rates[2, 0]), 50).astype(float)
    assert shown.mean_rate * (1 - shown.momentum) == pytest.approx(found.mean(), rel=1e-6)
    assert shown.deviation == pytest.approx(found.std(), rel=1e-5)
    assert spec.figures(slots[:, :0], 2, clock).deviation == 0.0


def test_a_bias_of_adadelta_takes_its_rate_from_the_weights_of_its_unit():
    spec = Adadelta(0.9, 1e-6).compiled
    w, (first, second) = bias_step(spec, f4(1), (f4(0), f4(0)), f4(0.5), f4(4), f4(0))
    g = 0.1 * 4
    rate = math.sqrt(1e-6 / (g + 1e-6))
    assert float(first) == pytest.approx(g)
    assert float(w) == pytest.approx(1 - rate * 0.5)
    assert float(second) == pytest.approx(0.1 * rate**2 * 4, rel=1e-4)


def test_rates_anneal_with_samples_and_decay_with_layers():
    _, rates = Nesterov(0.05, 1e-3, 0.5, 0.5, 0.0).at(Clock(1000, 1, 3, count=2))
    expected = [0, 0.05 / 2 * 0.5, 0.05 / 2 * 0.25, 0.05 / 2 * 0.125]
    np.testing.assert_allclose(rates, np.transpose([expected, expected]), rtol=1e-6)


def test_momentum_ramps_and_then_stays():
    spec = Momentum(start=0.2, stable=0.8, ramp=100.0)
    assert [spec.momentum_at(n) for n in (0, 50, 100, 1e9)] == pytest.approx([0.2, 0.5, 0.8, 0.8])
    assert [spec.at(Clock(n))[0].momentum for n in (0, 50)] == pytest.approx([0.2, 0.5])
    assert Momentum(start=0.2, stable=0.8, ramp=0.0).momentum_at(1e9) == 0.2


@pytest.mark.parametrize("spec", CASES, ids=repr)
def test_the_rates_of_a_schedule_are_the_rates_without_one_times_its_factors(spec):
    clock = Clock(samples=100, batch=4, layers=2, count=5, target=400.0)
    plain, falling = (spec.at(clock._replace(schedule=SCHEDULES[name]())) for name in ("constant", "cosine"))
    factors = 0.5 + 0.5 * np.cos(np.pi * (100 + 4 * (np.arange(5) + 0.5)) / 400)
    np.testing.assert_allclose(falling[1], plain[1] * factors, rtol=1e-6)
    assert spec.scheduled == bool(plain[1].any())


# --- schedules --------------------------------------------------------------------------------------------------------


def by_hand(name: str, done: float, warmup: float = 0.25) -> float:
    """A second formula of each schedule."""
    if name == "warmup_cosine" and done < warmup:
        return done / warmup
    if name == "warmup_cosine":
        done = (done - warmup) / (1 - warmup)
    return 1.0 if name == "constant" else math.cos(math.pi * done / 2) ** 2


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_follow_their_formulas(name):
    spec = SCHEDULES[name](*([0.25] if SCHEDULES[name].declared() else []))
    done = np.linspace(0, 1, 41)
    np.testing.assert_allclose(spec.factors(done), [by_hand(name, one) for one in done], atol=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_has_a_factor_between_none_and_all_of_the_rate_and_somewhere_all_of_it(name):
    found = SCHEDULES[name]().factors(np.linspace(0, 1, 1001))
    assert found.dtype == np.float64
    assert found.min() >= 0
    assert found.max() == pytest.approx(1, abs=1e-5)


def test_no_step_of_a_training_goes_without_a_rate():
    clock = Clock(samples=0, batch=10, count=100, pace=2.0, target=2000.0)
    for kind in SCHEDULES.values():
        assert (clock._replace(schedule=kind()).factors > 0).all()
        late = clock._replace(samples=1e6, count=1, schedule=kind()).factors  # rows that are repeated at the end
        np.testing.assert_array_equal(late, kind().factors(np.ones(1)))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_has_a_usual_schedule_and_a_usual_batch(name):
    facts = Facts(rows=100_000, response="y", classes=1, response_type="real")
    kind = OPTIMIZERS[name]
    given = {"optimizer": kind.asked_as(), "nesterov_accelerated_gradient": name != "momentum"}
    resolved = resolve(Parameters(mini_batch_size="auto", **given), facts, "law")
    assert type(resolved.schedule) is SCHEDULES[kind.usual_schedule]
    assert resolved.actual.rate_schedule == kind.usual_schedule
    assert (resolved.batch == 1) == (kind.steps_per_epoch is None)
    assert Resolved.from_dict(resolved.to_dict()) == resolved


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_chosen_by_its_name_and_comes_back_from_a_record(name):
    facts = Facts(rows=10, response="y", classes=1, response_type="real")
    numbers = {one.parameter: 0.5 for one in SCHEDULES[name].declared().values()}
    resolved = resolve(Parameters(optimizer="adam", rate_schedule=name, **numbers), facts, "law")
    assert resolved.actual.rate_schedule == name
    assert resolved.schedule == SCHEDULES[name](*numbers.values())
    assert Resolved.from_dict(resolved.to_dict()) == resolved


# --- metrics ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("category", ALL)
def test_a_category_of_models_has_one_metric_for_every_word_auto(category):
    assert sum(category in metric.default_of for metric in METRICS.values()) == 1
    assert sum(category in metric.judges_columns_of for metric in METRICS.values()) == 1
    assert category in default_metric(category).formulas
    assert category in judge_of_columns(category).formulas


def test_what_is_asked_at_a_threshold_is_a_method_of_measurements_models_and_grids():
    for name, one in METHODS.items():
        assert one.criterion in CRITERIA
        for kind in (H2OBinomialModelMetrics, MetricAccessors, GridAccessors):
            assert one.meaning in getattr(kind, name).__doc__
    assert ALIASES == {"sensitivity": "recall", "fallout": "fpr", "missrate": "fnr", "mcc": "absolute_mcc"}
