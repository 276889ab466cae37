"""The bridge from the oracle's words to the package's kernels: the same net, options and rows, trained in float32.

    moved = train(net, rows_of(X, Y), ORDER, options)     # an oracle.Net again, to be compared with oracle.train

`kernels` may be the compiled ones (default) or `interpreted()`: the same source run by Python, without compiling.
"""

from __future__ import annotations

import functools
import importlib
import math
import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
from oracle import CLASSIFIERS, Net, Options, momentum_at, rate_at

from daskdl.kernels.structs import Rows, Settings
from daskdl.network.layout import Layout
from daskdl.network.state import State

f4 = np.float32
MODULES = ("randomness", "activations", "distributions", "optimizers", "penalties", "gather", "structs")
MODULES += ("elementary", "tickets", "tiles", "views", "panels", "owners", "batches", "training")


@functools.cache
def compiled() -> SimpleNamespace:
    """The kernel modules as everybody imports them."""
    return SimpleNamespace(**{name: importlib.import_module(f"daskdl.kernels.{name}") for name in MODULES})


@functools.cache
def interpreted() -> SimpleNamespace:
    """A second copy of the kernel modules whose kernels are plain Python functions."""
    compiled()
    kept = {"daskdl.kernels.jit", "daskdl.kernels.structs"}
    names = [name for name in sys.modules if name.startswith("daskdl.kernels.") and name not in kept]
    usual = {name: sys.modules.pop(name) for name in names}
    numba.config.DISABLE_JIT = True
    try:
        plain = {name: importlib.import_module(f"daskdl.kernels.{name}") for name in MODULES}
    finally:
        numba.config.DISABLE_JIT = False
        sys.modules.update(usual)
        for name, module in usual.items():
            package, _, last = name.rpartition(".")
            setattr(sys.modules[package], last, module)
    return SimpleNamespace(**plain)


def layout_of(net: Net, levels: int = 0) -> Layout:
    """The package's layout of an oracle net whose first `levels` inputs are categorical units."""
    first = net.weights[0]
    hidden = tuple(w.shape[-2] for w in net.weights[:-1])
    return Layout(levels, first.shape[-1] - levels, hidden, net.weights[-1].shape[-2], 2 if first.ndim == 3 else 1)


def state_of(net: Net, layout: Layout) -> State:
    """The float32 state with the net's weights, optimizer slots and mean activations."""
    state = layout.empty()
    for layer, (w, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
        slots, bias_slots = net.weight_slots[layer - 1], net.bias_slots[layer - 1]
        sources = zip((state.weights, *state.slots), (w, *slots), (b, *bias_slots), strict=True)
        for buffer, matrix, vector in sources:
            layout.set_matrix(buffer, layer, matrix.reshape(-1, w.shape[-1]))
            layout.bias(buffer, layer)[:] = vector.ravel()
    if net.activity:
        state.activity[:] = np.concatenate(net.activity)
    return state


def net_of(state: State, layout: Layout, like: Net, samples: int) -> Net:
    """The oracle net that a state holds, shaped like another one."""
    buffers = (state.weights, *state.slots)
    weights, biases, weight_slots, bias_slots = [], [], [], []
    for layer, (w, b) in enumerate(zip(like.weights, like.biases, strict=True), start=1):
        matrices = [layout.matrix(buffer, layer).astype(np.float64).reshape(w.shape) for buffer in buffers]
        vectors = [layout.bias(buffer, layer).astype(np.float64).reshape(b.shape) for buffer in buffers]
        weights.append(matrices[0])
        biases.append(vectors[0])
        weight_slots.append(np.stack(matrices[1:]))
        bias_slots.append(np.stack(vectors[1:]))
    cuts = np.cumsum([len(a) for a in like.activity])[:-1]
    activity = np.split(state.activity.astype(np.float64), cuts) if like.activity else []
    return Net(weights, biases, weight_slots, bias_slots, activity, like.samples + samples)


def rows_of(numbers, target=None, levels=None, weight=None, offset=None) -> Rows:
    """Encoded rows; `levels` (rows, columns) are table rows, -1 for none; identities count from 0."""
    numbers = np.ascontiguousarray(numbers, dtype=f4)
    count = len(numbers)
    return Rows(
        numbers=numbers,
        levels=np.zeros((count, 0), np.int32) if levels is None else np.ascontiguousarray(levels, dtype=np.int32),
        target=np.zeros((count, 1), f4) if target is None else np.asarray(target, f4).reshape(count, 1),
        weight=np.ones(count, f4) if weight is None else np.asarray(weight, f4),
        offset=np.zeros(count, f4) if offset is None else np.asarray(offset, f4),
        identity=np.arange(count, dtype=np.int64),
    )


def dense(rows: Rows, levels: int) -> np.ndarray:
    """The rows as the oracle reads them: indicators of the active levels, then the numbers."""
    wide = np.zeros((len(rows.numbers), levels))
    for row, active in enumerate(rows.levels):
        for level in active[active >= 0]:
            wide[row, level] += 1
    return np.hstack([wide, rows.numbers])


def activation(options: Options, kernels: SimpleNamespace) -> Any:
    """The spec of the hidden activation."""
    return kernels.activations.ACTIVATIONS[options.activation.capitalize()]()


# The number of a distribution, in the package's word and in the oracle's.
NUMBERS = {
    "quantile": ("alpha", "quantile_alpha"),
    "huber": ("delta", "huber_delta"),
    "tweedie": ("power", "tweedie_power"),
}


def distribution(options: Options, kernels: SimpleNamespace) -> Any:
    """The spec of the loss."""
    if options.loss in CLASSIFIERS:
        return kernels.distributions.DISTRIBUTIONS["multinomial"](quadratic=options.loss == "quadratic")
    own = {ours: getattr(options, theirs) for name, (ours, theirs) in NUMBERS.items() if name == options.loss}
    return kernels.distributions.DISTRIBUTIONS[options.loss](**own)


def optimizer(options: Options, clock: int, kernels: SimpleNamespace) -> Any:
    """The spec of the optimizer with the momentum that holds at `clock`."""
    if options.adaptive_rate:
        return kernels.optimizers.OPTIMIZERS["adadelta"](options.rho, options.epsilon).compiled
    kind = kernels.optimizers.OPTIMIZERS["nesterov" if options.nesterov else "momentum"]
    return kind(momentum=momentum_at(clock, options)).compiled


def settings_of(options: Options, depth: int, clock: int, seed: int, steps: int = 1) -> Settings:
    """What steers one call; rates and momentum are those at `clock`, as the trainer sets them per window."""
    rates, dropout = np.zeros((depth + 1, steps), f4), np.zeros(depth + 1, f4)
    if not options.adaptive_rate:
        rates[1:] = [[rate_at(l, clock, options) * (1 - momentum_at(clock, options))] for l in range(depth)]
    dropout[1 : 1 + len(options.hidden_dropout)] = options.hidden_dropout
    moving = options.adaptive_rate or options.momentum_start or options.momentum_stable
    return Settings(
        fast_mode=options.fast_mode,
        stateless=not (moving or options.l1 or options.l2 or options.consensus is not None),
        autoencoder=options.autoencoder,
        input_dropout=f4(options.input_dropout),
        hidden_dropout=dropout,
        rates=rates,
        average_activation=f4(options.average_activation),
        sparsity_beta=f4(options.sparsity_beta),
        seed=np.uint64(seed),
    )


def take(rows: Rows, order: Sequence[int]) -> Rows:
    """The rows of `order`, numbered anew."""
    chosen = Rows(*(array[list(order)] for array in rows))
    return chosen._replace(identity=np.arange(len(order), dtype=np.int64))


def train(
    net: Net, rows: Rows, order: Sequence[int], options: Options, *, levels=0, seed=0, batch=1, view=1, kernels=None,
    own_optimizer=None, schedule=None,
):  # fmt: skip
    """The net after the rows of `order`, in batches of `batch` rows, on views of `view` rows (of a batch at least).

    Rates and momentum are asked anew for every row (or batch) where they change with the samples. `own_optimizer` takes
    the place of the one that the options name, with slots that begin at zero; `schedule` is one of its rates.
    """
    kernels = compiled() if kernels is None else kernels
    layout = layout_of(net, levels)
    state = state_of(net, layout)
    network = layout.network(state)
    if own_optimizer is not None:
        network = network._replace(slots=np.zeros((len(own_optimizer.slots), len(network.weights)), f4))
    chosen = take(rows, order)
    seen = kernels.views.make_view(network, chosen.levels.shape[1], max(view, batch), batch)
    own = kernels.views.make_workspace(network, seen, whole_table=not options.fast_mode)
    penalties = kernels.penalties.Penalties(f4(options.l1), f4(options.l2), f4(options.max_w2))
    pull = kernels.penalties.Free()
    if options.consensus is not None:
        consensus = state_of(options.consensus, layout)
        pull = kernels.penalties.Elastic(f4(options.elastic_pull), consensus.weights)
    still = options.clock == "start" or not (options.rate_annealing or options.momentum_ramp)
    step = max(len(order), 1) if still else max(view, batch)
    trained = 0
    with np.errstate(all="ignore"):
        for low in range(0, len(order), step):
            clock = net.samples + low
            window = Rows(*(array[low : low + step] for array in chosen))
            settings = settings_of(options, layout.depth, clock, seed, -(-len(window.weight) // batch))
            moved_by = optimizer(options, clock, kernels)
            if own_optimizer is not None:
                count = settings.rates.shape[1]
                now = kernels.optimizers.Clock(clock, batch, layout.depth, count)
                if schedule is not None:
                    now = now._replace(schedule=schedule, target=float(len(order)))
                moved_by, rates = own_optimizer.at(now)
                settings = settings._replace(rates=rates)
            sync = kernels.tickets.counters()
            kernels.training.train_window(
                kernels.owners.EachRow() if batch == 1 else kernels.batches.EachBatch(),
                activation(options, kernels).compiled, distribution(options, kernels).compiled,
                moved_by, penalties, pull, network, window, settings, seen, own,
                sync, 0, kernels.training.items_of_window(seen, len(window.weight)), kernels.tickets.take(sync),
            )  # fmt: skip
            trained += int(np.count_nonzero(window.weight))
    return net_of(state, layout, net, trained)


def masks_of(seed: int, numbers: int, columns: int, options: Options, levels_at=None):
    """The dropout masks (sample, layer, width) -> True where active, drawn by the package's own counters.

    Input units are asked as the kernel numbers them: numbers first, then one draw per categorical column, which
    speaks for the unit that `levels_at[sample]` (columns,) makes active.
    """
    uniform = interpreted().randomness.uniform

    def draws(layer: int, sample: int, width: int) -> np.ndarray:
        with np.errstate(over="ignore"):
            return np.array([uniform(seed, layer, sample, unit) for unit in range(width)])

    def masks(sample: int, layer: int, width: int) -> np.ndarray:
        if layer:
            return draws(layer, sample, width) >= f4(options.hidden_dropout[layer - 1])
        live = draws(0, sample, numbers + columns) >= f4(options.input_dropout)
        inputs = np.ones(width, dtype=bool)
        inputs[width - numbers :] = live[:numbers]
        for column, level in enumerate([] if levels_at is None else levels_at[sample]):
            if level >= 0:
                inputs[level] = live[numbers + column]
        return inputs

    return masks


def distance(a: Net, b: Net) -> float:
    """The largest difference between two nets' weights and biases."""
    pairs = zip(a.weights + a.biases, b.weights + b.biases, strict=True)
    worst = max(float(np.max(np.abs(x - y), initial=0.0)) for x, y in pairs)
    return worst if math.isfinite(worst) else math.inf


def is_classifier(options: Options) -> bool:
    """Whether the target is a class number."""
    return options.loss in CLASSIFIERS and not options.autoencoder
