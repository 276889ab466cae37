"""One row through the network: forward, error at the output, backward with updates. Source: training sections 4-7.

The inner loops run over contiguous weights of one unit, so a unit without error costs nothing; that halves the work of
rectifier networks. Loops are split so that each touches at most four arrays: LLVM gives up vectorising beyond that.
"""

import numpy as np

from daskdl.kernels.activations import activate, slope
from daskdl.kernels.distributions import output_delta
from daskdl.kernels.jit import kernel
from daskdl.kernels.optimizers import bias_step, speed, step
from daskdl.kernels.penalties import decay, tether
from daskdl.kernels.randomness import uniform
from daskdl.kernels.slots import cut, put, read, taken, write


@kernel
def dot(weights, start, values, base, width):
    """Return the inner product of `width` weights and values, each from its own start."""
    w = weights[start : start + width]
    x = values[base : base + width]
    total = np.float32(0)
    for c in range(width):
        total += w[c] * x[c]
    return total


@kernel
def load_row(network, rows, i, settings, scratch):
    """Copy row `i` into the input layer, dropping inputs as asked."""
    width = network.units[0]
    numbers = rows.numbers[i]
    columns = rows.levels.shape[1]
    for c in range(width):
        scratch.values[c] = numbers[c]
    for c in range(columns):
        scratch.active[c] = rows.levels[i, c]
    if settings.input_dropout > np.float32(0):
        row = rows.identity[i]
        for c in range(width):
            if uniform(settings.seed, 0, row, c) < settings.input_dropout:
                scratch.values[c] = np.float32(0)
        for c in range(columns):
            if uniform(settings.seed, 0, row, width + c) < settings.input_dropout:
                scratch.active[c] = -1


@kernel
def load_target(network, rows, i, settings, target):
    """Fill `target`: the response, or for an autoencoder the clean input, levels first."""
    if not settings.autoencoder:
        target[0] = rows.target[i, 0]
        return
    target[:] = np.float32(0)
    for c in range(rows.levels.shape[1]):
        level = rows.levels[i, c]
        if level >= 0:
            target[level] += np.float32(1)
    for c in range(network.units[0]):
        target[network.levels + c] = rows.numbers[i, c]


@kernel
def first_sums(network, scratch):
    """Fill `sums` with the net inputs of the first layer: biases, active table rows, dense products."""
    height = network.channels[1] * network.units[1]
    width = network.units[0]
    sums = scratch.sums
    bias = network.biases[1]
    for r in range(height):
        sums[r] = network.weights[bias + r]
    for c in range(len(scratch.active)):
        level = scratch.active[c]
        if level >= 0:
            row = network.weights[level * height : (level + 1) * height]
            for r in range(height):
                sums[r] += row[r]
    if width > 0:
        for r in range(height):
            sums[r] += dot(network.weights, network.starts[1] + r * width, scratch.values, 0, width)


@kernel
def layer_sums(network, scratch, layer):
    """Fill `sums` with the net inputs of a later layer."""
    height = network.channels[layer] * network.units[layer]
    width = network.units[layer - 1]
    base = scratch.bases[layer - 1]
    for r in range(height):
        inner = dot(network.weights, network.starts[layer] + r * width, scratch.values, base, width)
        scratch.sums[r] = network.weights[network.biases[layer] + r] + inner


@kernel
def fire(activation, network, scratch, layer):
    """Turn `sums` into the values of a layer; remember which piece won."""
    units = network.units[layer]
    base = scratch.bases[layer]
    pieces = network.channels[layer]
    if pieces == 1:  # a loop of its own, which LLVM vectorises
        for r in range(units):
            scratch.values[base + r] = activate(activation, scratch.sums[r])
            scratch.winner[base + r] = 0
        return
    for r in range(units):
        z = scratch.sums[r]
        won = 0
        for piece in range(1, pieces):
            if scratch.sums[piece * units + r] > z:
                z = scratch.sums[piece * units + r]
                won = piece
        scratch.values[base + r] = activate(activation, z)
        scratch.winner[base + r] = won


@kernel
def drop_units(network, settings, scratch, layer, row):
    """Silence each unit of a hidden layer with its dropout probability."""
    probability = settings.hidden_dropout[layer]
    base = scratch.bases[layer]
    for r in range(network.units[layer]):
        if uniform(settings.seed, layer, row, r) < probability:
            scratch.values[base + r] = np.float32(0)
            scratch.winner[base + r] = -1


@kernel
def forward(activation, network, settings, scratch, row):
    """Compute all layers of the loaded row; the output layer stays linear except in autoencoders."""
    last = len(network.units) - 1
    for layer in range(1, last + 1):
        if layer == 1:
            first_sums(network, scratch)
        else:
            layer_sums(network, scratch, layer)
        if layer < last or settings.autoencoder:
            fire(activation, network, scratch, layer)
            if layer < last and settings.hidden_dropout[layer] > np.float32(0):
                drop_units(network, settings, scratch, layer, row)
        else:
            base = scratch.bases[layer]
            for r in range(network.units[layer]):
                scratch.values[base + r] = scratch.sums[r]
                scratch.winner[base + r] = 0


@kernel
def output_errors(distribution, network, rows, i, settings, scratch):
    """Fill the errors of the output layer, scaled by the row's weight."""
    last = len(network.units) - 1
    base = scratch.bases[last]
    width = network.units[last]
    values = scratch.values[base : base + width]
    errors = scratch.errors[base : base + width]
    load_target(network, rows, i, settings, scratch.target)
    if not settings.autoencoder and rows.offset[i] != np.float32(0):
        values[0] += rows.offset[i]
    output_delta(distribution, values, scratch.target, errors)
    weight = rows.weight[i]
    if weight != np.float32(1):
        for k in range(width):
            errors[k] *= weight


@kernel
def hidden_errors(activation, network, scratch, layer):
    """Turn dE/dvalue of a hidden layer into dE/dnet; a dropped unit has no error."""
    base = scratch.bases[layer]
    for r in range(network.units[layer]):
        if scratch.winner[base + r] < 0:
            scratch.errors[base + r] = np.float32(0)
        else:
            scratch.errors[base + r] *= slope(activation, scratch.values[base + r])


@kernel
def spread_error(weights, start, delta, errors, base, width):
    """Add a unit's share of the error, through its weights before they move, to the layer below."""
    w = weights[start : start + width]
    e = errors[base : base + width]
    for c in range(width):
        e[c] += delta * w[c]


@kernel
def update_unit(optimizer, penalties, pull, network, settings, start, delta, rate, values, base, width):
    """Move the dense weights of one unit; return the sum of their squared gradients."""
    w = network.weights[start : start + width]
    slots = cut(optimizer, network.slots, start, width)
    x = values[base : base + width]
    squares = np.float32(0)
    always = not settings.fast_mode
    for c in range(width):
        a = x[c]
        old = w[c]
        g = delta * a + decay(penalties, old) + tether(pull, start + c, old)
        before = taken(slots, c)
        new, fresh = step(optimizer, old, before, g, rate)
        live = always or a != np.float32(0)
        w[c] = new if live else old
        put(slots, c, fresh, before, live)
        squares += g * g if live else np.float32(0)
    return squares


@kernel
def update_levels(optimizer, penalties, pull, network, settings, scratch, deltas, rate):
    """Move the table rows of the active levels (all rows out of fast mode); add squared gradients per unit."""
    if settings.fast_mode or settings.stateless:
        for c in range(len(scratch.active)):
            level = scratch.active[c]
            if level >= 0 and times_active(scratch, 0, c, level) == np.float32(0):
                hit = times_active(scratch, c, len(scratch.active), level)
                update_level(optimizer, penalties, pull, network, settings, scratch, deltas, rate, level, hit)
        return
    for level in range(network.levels):
        hit = times_active(scratch, 0, len(scratch.active), level)
        update_level(optimizer, penalties, pull, network, settings, scratch, deltas, rate, level, hit)


@kernel
def times_active(scratch, begin, end, level):
    """Return in how many of the columns [begin, end) a level is active; hashed columns may meet in one."""
    hit = np.float32(0)
    for c in range(begin, end):
        hit += np.float32(1) if scratch.active[c] == level else np.float32(0)
    return hit


@kernel
def update_level(optimizer, penalties, pull, network, settings, scratch, deltas, rate, level, hit):
    """Move one row of the table; `hit` is the input's value (1 where the level is active)."""
    height = len(deltas)
    start = level * height
    w = network.weights[start : start + height]
    slots = cut(optimizer, network.slots, start, height)
    always = not (settings.fast_mode or settings.stateless)
    for r in range(height):
        old = w[r]
        g = deltas[r] * hit + decay(penalties, old) + tether(pull, start + r, old)
        before = taken(slots, r)
        new, fresh = step(optimizer, old, before, g, rate)
        live = always or deltas[r] != np.float32(0)
        w[r] = new if live else old
        put(slots, r, fresh, before, live)
        scratch.norms[r] += w[r] * w[r] - old * old
        scratch.squares[r] += g * g if live else np.float32(0)


@kernel
def sum_table(network, norms):
    """Fill `norms` with the sum of squares that each first-layer unit has in the categorical table.

    Done once per window: adding up a large table for every row would cost far more than training it.
    """
    height = len(norms)
    norms[:] = np.float32(0)
    for level in range(network.levels):
        w = network.weights[level * height : (level + 1) * height]
        for r in range(height):
            norms[r] += w[r] * w[r]


@kernel
def cap_row(network, penalties, norms, layer, r, width):
    """Shrink the incoming weights of row `r` of a layer where their squared sum is above the cap."""
    start = network.starts[layer] + r * width
    total = np.float32(0)
    for c in range(width):
        total += network.weights[start + c] * network.weights[start + c]
    height = network.channels[layer] * network.units[layer]
    if layer == 1:
        total += norms[r]
    if total > penalties.max_w2:
        factor = np.sqrt(penalties.max_w2 / total)
        for c in range(width):
            network.weights[start + c] *= factor
        if layer == 1:
            norms[r] *= factor * factor
            for level in range(network.levels):
                network.weights[level * height + r] *= factor


@kernel
def entries(network, layer, columns):
    """Return over how many inputs a unit's squared gradients are averaged: numbers, and one per categorical column.

    H2O divides by all levels; with thousands of them the mean vanishes and biases run away.
    """
    return np.float32(network.units[layer - 1] + (columns if layer == 1 else 0))


@kernel
def update_bias(optimizer, penalties, pull, network, layer, r, delta, q, rate):
    """Move one bias; `q` is the mean squared gradient of the unit's weights, or 0 where no input moved any."""
    k = network.biases[layer] + r
    old = network.weights[k]
    g = delta + decay(penalties, old) + tether(pull, k, old)
    # without it a unit below dead ones would forget all gradients and step at full rate
    q = q if q > np.float32(0) else g * g
    new, fresh = bias_step(optimizer, old, read(optimizer, network.slots, k), g, q, rate)
    network.weights[k] = new
    write(network.slots, k, fresh)


@kernel
def note_activity(activity, values):
    """Let the running mean activation of each unit take in the values of one row (sparse autoencoders)."""
    for r in range(len(values)):
        activity[r] = np.float32(0.999) * activity[r] + np.float32(0.001) * values[r]


@kernel
def steady_bias(optimizer, network, settings, bases, layer, r):
    """Pull a hidden unit's bias, at the rate at which it moves, towards the mean activation that was asked for."""
    mean = network.activity[bases[layer] - bases[1] + r % network.units[layer]]
    k = network.biases[layer] + r
    rate = speed(optimizer, read(optimizer, network.slots, k), settings.rates[layer])
    network.weights[k] -= rate * settings.sparsity_beta * (mean - settings.average_activation)


@kernel
def piece_errors(network, scratch, layer):
    """Fill `sums` with dE/dnet for every piece of a layer: the winner has the unit's error, the others none."""
    units = network.units[layer]
    base = scratch.bases[layer]
    for r in range(network.channels[layer] * units):
        unit = r % units
        winner = scratch.winner[base + unit]
        scratch.sums[r] = scratch.errors[base + unit] if winner == r // units else np.float32(0)


@kernel
def update_layer(optimizer, penalties, pull, network, settings, scratch, layer):
    """Send a layer's errors down and move its weights, caps and biases, unit by unit."""
    height = network.channels[layer] * network.units[layer]
    width = network.units[layer - 1]
    below = scratch.bases[layer - 1]
    rate = settings.rates[layer]
    idle = settings.fast_mode or settings.stateless
    inputs = entries(network, layer, len(scratch.active))
    sparse = settings.sparsity_beta > np.float32(0) and layer < len(network.units) - 1
    piece_errors(network, scratch, layer)
    deltas = scratch.sums[:height]
    scratch.squares[:height] = np.float32(0)
    if layer == 1:
        update_levels(optimizer, penalties, pull, network, settings, scratch, deltas, rate)
    else:
        scratch.errors[below : below + width] = np.float32(0)
    for r in range(height):
        delta = deltas[r]
        if idle and delta == np.float32(0):
            continue
        start = network.starts[layer] + r * width
        if layer > 1:
            spread_error(network.weights, start, delta, scratch.errors, below, width)
        squares = scratch.squares[r] + update_unit(
            optimizer, penalties, pull, network, settings, start, delta, rate, scratch.values, below, width
        )
        if penalties.max_w2 < np.float32(np.inf):
            cap_row(network, penalties, scratch.norms, layer, r, width)
        update_bias(optimizer, penalties, pull, network, layer, r, delta, squares / inputs, rate)
        if sparse:
            steady_bias(optimizer, network, settings, scratch.bases, layer, r)


@kernel
def backward(activation, optimizer, penalties, pull, network, settings, scratch):
    """Walk from the output to the first layer, moving each layer with the errors that its old weights gave."""
    last = len(network.units) - 1
    for layer in range(last, 0, -1):
        if layer < last:
            hidden_errors(activation, network, scratch, layer)
            if settings.sparsity_beta > np.float32(0):
                base = scratch.bases[layer]
                begin = base - scratch.bases[1]
                units = network.units[layer]
                note_activity(network.activity[begin : begin + units], scratch.values[base : base + units])
        update_layer(optimizer, penalties, pull, network, settings, scratch, layer)
