"""The network in plain float64 NumPy, slow and obvious: what every kernel is tested against.

    net = Net(weights=[W1, W2], biases=[b1, b2])        # W (out, in); a Maxout layer (2, out, in), bias (2, out)
    net = train(net, X, Y, order=[2, 1, 0], options=Options(activation="tanh", loss="gaussian"))
    predict(net, X, options)                            # class probabilities, response means or reconstructions

Nothing here is shared with the package: the formulas are written out a second time.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

CLASSIFIERS = ("crossentropy", "quadratic")
LOG_LINKS = ("poisson", "gamma", "tweedie")
SLOTS = 2  # numbers an optimiser remembers beside each weight


@dataclass(frozen=True)
class Options:
    """All that decides how a network learns, under short names; the activation is that of the hidden layers."""

    activation: str = "rectifier"  # tanh | rectifier | maxout
    loss: str = (
        "gaussian"  # crossentropy | quadratic | gaussian | laplace | quantile | huber | poisson | gamma | tweedie
    )
    autoencoder: bool = False
    quantile_alpha: float = 0.5
    tweedie_power: float = 1.5
    huber_delta: float = 1.0
    input_dropout: float = 0.0  # acts through `masks` only, and never at scoring
    hidden_dropout: tuple[float, ...] = ()  # acts through `masks` in training, as a factor 1-p at scoring
    masks: Callable[[int, int, int], np.ndarray] | None = None  # (sample number, layer, width) -> True where active
    fast_mode: bool = True
    l1: float = 0.0
    l2: float = 0.0
    max_w2: float = np.inf
    adaptive_rate: bool = False
    rho: float = 0.99
    epsilon: float = 1e-8
    rate: float = 0.005
    rate_decay: float = 1.0
    rate_annealing: float = 0.0
    momentum_start: float = 0.0
    momentum_ramp: float = 0.0
    momentum_stable: float = 0.0
    nesterov: bool = True
    forgetful_momentum: bool = False  # H2O: plain momentum remembers the last gradient step only
    clock: str = "sample"  # annealing and ramp see the samples so far ("sample") or those before this call ("start")
    sparsity_beta: float = 0.0
    average_activation: float = 0.0
    elastic_pull: float = 0.0
    consensus: Net | None = None
    mini_batch_size: int = 1
    view: int = 1  # rows that share one view of the weights: their steps are applied in order, their errors are as old
    entries: int | None = None  # numbers and categorical columns of a row, where inputs are indicators of levels


@dataclass
class Net:
    """Weights and all that travels with them; arrays are float64 copies of what was given."""

    weights: list[np.ndarray]  # (out, in), Maxout (2, out, in)
    biases: list[np.ndarray]  # (out,), Maxout (2, out)
    weight_slots: list[np.ndarray] = field(default_factory=list)  # (2, *weights.shape): (g, d) or (velocity, unused)
    bias_slots: list[np.ndarray] = field(default_factory=list)
    activity: list[np.ndarray] = field(default_factory=list)  # running mean activation of each hidden unit
    samples: int = 0

    def __post_init__(self):
        self.weights = [np.array(w, dtype=np.float64) for w in self.weights]
        self.biases = [np.array(b, dtype=np.float64) for b in self.biases]
        self.weight_slots = self.weight_slots or [np.zeros((SLOTS, *w.shape)) for w in self.weights]
        self.bias_slots = self.bias_slots or [np.zeros((SLOTS, *b.shape)) for b in self.biases]
        self.activity = self.activity or [np.zeros(b.shape[-1]) for b in self.biases[:-1]]


# --- the input row ---------------------------------------------------------------------------------------------------


def expand(codes, numbers, levels, subtract=None, multiply=None, use_all_factor_levels=True) -> np.ndarray:
    """The dense input (rows, units): one block per categorical column, its last unit for missing, then the numbers.

    `codes` (rows, columns) int, below 0 or past the domain = missing; `levels` levels per column; `numbers` (rows, k)
    with NaN = missing, which lands on 0 after scaling (the mean).
    """
    codes, numbers = np.atleast_2d(codes), np.atleast_2d(np.asarray(numbers, dtype=np.float64))
    blocks, skipped = [], 0 if use_all_factor_levels else 1
    for column, count in enumerate(levels):
        block = np.zeros((len(codes), count - skipped + 1))
        for row, code in enumerate(codes[:, column]):
            if not 0 <= code < count:
                block[row, -1] = 1
            elif code >= skipped:
                block[row, code - skipped] = 1
        blocks.append(block)
    scaled = (numbers - (0 if subtract is None else subtract)) * (1 if multiply is None else multiply)
    return np.hstack([*blocks, np.where(np.isnan(scaled), 0, scaled)])


# --- forward ---------------------------------------------------------------------------------------------------------


def activate(sums: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Activations (units,) and the winning channel of each unit (zeros but for Maxout)."""
    channel = np.zeros(sums.shape[-1], dtype=int)
    if kind == "tanh":
        return np.tanh(sums), channel
    if kind == "rectifier":
        return np.maximum(sums, 0), channel
    if kind == "maxout":
        channel = (sums[1] > sums[0]).astype(int)
        return np.where(channel == 1, sums[1], sums[0]), channel
    raise ValueError(f"activation must be tanh, rectifier or maxout; got {kind!r}.")


def forward(net: Net, x, options: Options, sample: int | None = None) -> tuple[list, list, list]:
    """(activations of layers 0..last, winning channels, active units) of one row; dropout only with a `sample`."""
    training, last = sample is not None, len(net.weights)
    x = np.asarray(x, dtype=np.float64)
    live = _mask(options, sample, 0, len(x)) if training and options.input_dropout else np.ones(len(x), dtype=bool)
    outputs, channels, actives = [np.where(live, x, 0)], [np.zeros(len(x), dtype=int)], [live]
    for layer, (w, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
        sums = w @ outputs[-1] + b
        channel, live = np.zeros(b.shape[-1], dtype=int), np.ones(b.shape[-1], dtype=bool)
        if layer < last:
            sums, channel = activate(sums, options.activation)
            dropout = options.hidden_dropout[layer - 1] if options.hidden_dropout else 0.0
            if dropout and training:
                live = _mask(options, sample, layer, len(sums))
                sums = np.where(live, sums, 0)
            elif dropout:
                sums = sums * (1 - dropout)
        elif options.autoencoder:
            sums, channel = activate(sums, options.activation)
        outputs.append(sums)
        channels.append(channel)
        actives.append(live)
    return outputs, channels, actives


def _mask(options: Options, sample: int, layer: int, width: int) -> np.ndarray:
    if options.masks is None:
        raise ValueError("masks must be given where dropout is trained; got None. Pass Options(masks=...).")
    return np.asarray(options.masks(sample, layer, width), dtype=bool)


def softmax(f: np.ndarray) -> np.ndarray:
    e = np.exp(f - f.max())
    return e / e.sum()


def predict(net: Net, X, options: Options, offset=None) -> np.ndarray:
    """Probabilities (rows, classes), means (rows,) or reconstructions (rows, inputs); `offset` joins the output."""
    rows = []
    for i, x in enumerate(np.asarray(X, dtype=np.float64)):
        f = forward(net, x, options)[0][-1]
        if options.autoencoder:
            rows.append(f)
        elif options.loss in CLASSIFIERS:
            rows.append(softmax(f))
        else:
            f = f[0] + (0 if offset is None else offset[i])
            rows.append(min(1e19, np.exp(f)) if options.loss in LOG_LINKS else f)
    return np.array(rows)


# --- what the output is told ------------------------------------------------------------------------------------------


def output_error(f: np.ndarray, y, options: Options, offset: float = 0.0) -> np.ndarray:
    """dE/dnet of the output units; `y` is a class number, a response, or the clean input of an autoencoder."""
    if options.loss in CLASSIFIERS and not options.autoencoder:
        p, target = softmax(f), np.eye(len(f))[int(y)]
        return p - target if options.loss == "crossentropy" else (p - target) * (1 - p) * p
    return np.array([regression_error(u + offset, t, options) for u, t in zip(f, np.atleast_1d(y), strict=True)])


def regression_error(f: float, y: float, options: Options) -> float:
    a, p, d = options.quantile_alpha, options.tweedie_power, options.huber_delta
    match options.loss:
        case "gaussian":
            return 2 * (f - y)
        case "laplace":
            return -1.0 if f <= y else 1.0
        case "quantile":
            return -a if y > f else 1 - a
        case "huber":
            return 2 * (f - y) if abs(y - f) <= d else -2 * d * np.sign(y - f)
        case "poisson":
            return 2 * (np.exp(f) - y)
        case "gamma":
            return 2 * (1 - y * np.exp(-f))
        case "tweedie":
            return 2 * (np.exp(f * (2 - p)) - y * np.exp(f * (1 - p)))
    raise ValueError(f"loss must be a known family; got {options.loss!r}.")


# --- backward ---------------------------------------------------------------------------------------------------------


def backward(net: Net, x, y, options: Options, sample: int | None = None, weight=1.0, offset=0.0) -> list[tuple]:
    """Per layer: delta (channels, out) = dE/dnet, the input of the layer (in,), and who is visited (channels, out)."""
    outputs, channels, actives = forward(net, x, options, sample)
    # an autoencoder is told the clean input, also where input dropout hid it
    error = weight * output_error(outputs[-1], np.asarray(x) if options.autoencoder else y, options, offset)
    result = []
    for layer in range(len(net.weights), 0, -1):
        w, a = net.weights[layer - 1], outputs[layer]
        if layer < len(net.weights):
            error = np.where(actives[layer], error * slope(a, options.activation), 0)
        if w.ndim == 3:  # only the winning channel is visited
            visited = np.arange(2)[:, None] == channels[layer]
            delta = np.where(visited, error, 0)
            error = np.einsum("ko,koi->i", delta, w)
        else:
            visited, delta = np.ones((1, len(error)), dtype=bool), error[None]
            error = w.T @ error
        result.append((delta, outputs[layer - 1], visited))
    return result[::-1]


def slope(a: np.ndarray, kind: str) -> np.ndarray:
    return 1 - a**2 if kind == "tanh" else (a > 0).astype(float) if kind == "rectifier" else np.ones_like(a)


def gradients(net: Net, x, y, options: Options, offset: float = 0.0) -> tuple[list, list]:
    """dE/dW and dE/db of one row, shaped like the network, without penalties."""
    layers = backward(net, x, y, options, offset=offset)
    dw = [(delta[:, :, None] * a).reshape(w.shape) for (delta, a, _), w in zip(layers, net.weights, strict=True)]
    return dw, [delta.reshape(b.shape) for (delta, _, _), b in zip(layers, net.biases, strict=True)]


# --- updates ----------------------------------------------------------------------------------------------------------


def train(net: Net, X, Y, order: Sequence[int], options: Options, weights=None, offsets=None) -> Net:
    """A new network after the rows of `order`, in that order; `weights` are factors of the loss, one per row of X."""
    net, X, start = copy.deepcopy(net), np.asarray(X, dtype=np.float64), net.samples
    w = np.ones(len(X)) if weights is None else np.asarray(weights)
    o = np.zeros(len(X)) if offsets is None else np.asarray(offsets)
    targets = [None] * len(X) if options.autoencoder else Y
    step, view = options.mini_batch_size, net
    for low in range(0, len(order), step):
        batch = order[low : low + step]
        if low % max(options.view, step) == 0:
            view = copy.deepcopy(net)  # what the rows from here on see, until the next view
        clock = view.samples if options.clock == "sample" else start
        samples = range(net.samples, net.samples + len(batch))
        passes = [backward(view, X[i], targets[i], options, s, w[i], o[i]) for s, i in zip(samples, batch, strict=True)]
        track_activity(net, view, X, batch, samples, options)
        for layer in reversed(range(len(net.weights))):
            update_layer(net, layer, [p[layer] for p in passes], clock, options)
        net.samples += len(batch)
    return net


def track_activity(net: Net, view: Net, X, batch, samples, options: Options) -> None:
    if options.sparsity_beta:
        for s, i in zip(samples, batch, strict=True):
            outputs = forward(view, X[i], options, s)[0]
            for layer, mean in enumerate(net.activity):
                mean[:] = 0.999 * mean + 0.001 * outputs[layer + 1]


def momentum_at(n: int, options: Options) -> float:
    """Linear from start to stable over the ramp; without a ramp it stays at the start, as in H2O."""
    if options.momentum_ramp <= 0:
        return options.momentum_start
    share = min(n / options.momentum_ramp, 1.0)
    return options.momentum_start + (options.momentum_stable - options.momentum_start) * share


def update_layer(net: Net, layer: int, passes: list[tuple], clock: int, options: Options) -> None:
    """Unit by unit: skip it, step its weights, cap them, step its bias; a batch steps along its mean gradient."""
    single = len(passes) == 1
    for channel, unit in np.ndindex(passes[0][0].shape):
        at = (channel, unit) if net.weights[layer].ndim == 3 else (unit,)
        visited = [(p[0][channel, unit], p[1]) for p in passes if p[2][channel, unit]]
        if not visited:
            continue
        delta = sum(d for d, _ in visited) / len(passes)
        plain = not (options.adaptive_rate or options.momentum_start or options.momentum_stable)
        plain = plain and not (options.l1 or options.l2)
        if (options.fast_mode or plain) and all(d == 0 for d, _ in visited):
            continue
        w, slots = net.weights[layer][at], net.weight_slots[layer][(slice(None), *at)]
        grad = sum(d * a for d, a in visited) / len(passes) + options.l1 * np.sign(w) + options.l2 * w
        if options.consensus is not None:
            grad = grad + options.elastic_pull * (w - options.consensus.weights[layer][at])
        # fast mode leaves a weight alone, penalties and all, when its input is 0 (one sample at a time only)
        moves = visited[0][1] != 0 if options.fast_mode and single else np.ones(len(w), dtype=bool)
        w[moves] += step(grad[moves], grad[moves] ** 2, slots, moves, layer, clock, options)
        total = np.sum(w**2)
        if total > options.max_w2:
            w *= np.sqrt(options.max_w2 / total)
        count = options.entries if layer == 0 and options.entries else len(w)
        update_bias(net, layer, at, delta, np.sum(np.where(moves, grad, 0) ** 2) / count, clock, options)


def update_bias(net: Net, layer: int, at: tuple, delta: float, square: float, clock: int, options: Options) -> None:
    b = net.biases[layer]
    delta = delta + options.l1 * np.sign(b[at]) + options.l2 * b[at]
    slots = net.bias_slots[layer][(slice(None), *at)][:, None]
    b[at] += step(np.array([delta]), np.array([square or delta**2]), slots, np.array([True]), layer, clock, options)[0]
    if options.sparsity_beta and layer < len(net.activity):
        rate = rate_at(layer, clock, options) if not options.adaptive_rate else adaptive(slots[0], slots[1], options)[0]
        b[at] -= rate * options.sparsity_beta * (net.activity[layer][at[-1]] - options.average_activation)


def rate_at(layer: int, n: int, options: Options) -> float:
    return options.rate * options.rate_decay**layer / (1 + options.rate_annealing * n)


def adaptive(g: np.ndarray, d: np.ndarray, options: Options) -> np.ndarray:
    return np.sqrt((d + options.epsilon) / (g + options.epsilon))


def step(grad, square, slots, moves, layer: int, clock: int, options: Options) -> np.ndarray:
    """What is added to the weights that move; `square` is what ADADELTA takes for the squared gradient."""
    if options.adaptive_rate:
        g = slots[0, moves] = options.rho * slots[0, moves] + (1 - options.rho) * square
        rate = adaptive(g, slots[1, moves], options)
        slots[1, moves] = options.rho * slots[1, moves] + (1 - options.rho) * rate**2 * square
        return -rate * grad
    m = momentum_at(clock, options)
    effective = rate_at(layer, clock, options) * (1 - m)
    if options.nesterov:
        slots[0, moves] = m * slots[0, moves] - grad
        return effective * slots[0, moves]
    velocity = m * slots[0, moves] - effective * grad
    slots[0, moves] = -effective * grad if options.forgetful_momentum else velocity
    return velocity
