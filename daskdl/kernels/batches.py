"""The mini-batch kernel: matrix products through BLAS, one update per batch. Source: training 7.4.

With batches of one row it moves a network exactly as the online kernel does (a test holds that). Categorical inputs
stay offsets: their gradient is collected in a small table of the levels that occur in the batch.
"""

import numpy as np

from daskdl.kernels.activations import activate, slope
from daskdl.kernels.distributions import output_delta
from daskdl.kernels.jit import kernel
from daskdl.kernels.optimizers import step
from daskdl.kernels.passes import cap_row, entries, load_target, note_activity, steady_bias, sum_table, update_bias
from daskdl.kernels.penalties import decay, tether
from daskdl.kernels.randomness import uniform
from daskdl.kernels.slots import cut, put, taken


@kernel
def block(buffer, base, count, width):
    """Return `count` rows of `width` numbers of a scratch buffer laid out for batches, as a matrix."""
    return buffer[base : base + count * width].reshape(count, width)


@kernel
def layer_matrix(network, layer):
    """Return the dense weights of a layer as a matrix `(channels * units, width below)`."""
    height = network.channels[layer] * network.units[layer]
    width = network.units[layer - 1]
    start = network.starts[layer]
    return network.weights[start : start + height * width].reshape(height, width)


@kernel
def load_batch(network, rows, begin, count, settings, scratch):
    """Copy rows into the input block, dropping inputs as asked."""
    width = network.units[0]
    inputs = block(scratch.values, 0, count, width)
    inputs[:] = rows.numbers[begin : begin + count]
    columns = rows.levels.shape[1]
    for i in range(count):
        for c in range(columns):
            scratch.active[i, c] = rows.levels[begin + i, c]
    if settings.input_dropout > np.float32(0):
        for i in range(count):
            row = rows.identity[begin + i]
            for c in range(width):
                if uniform(settings.seed, 0, row, c) < settings.input_dropout:
                    inputs[i, c] = np.float32(0)
            for c in range(columns):
                if uniform(settings.seed, 0, row, width + c) < settings.input_dropout:
                    scratch.active[i, c] = -1


@kernel
def add_levels(network, count, scratch, sums):
    """Add the table rows of each row's active levels to the sums of the first layer."""
    height = sums.shape[1]
    for i in range(count):
        for c in range(scratch.active.shape[1]):
            level = scratch.active[i, c]
            if level >= 0:
                row = network.weights[level * height : (level + 1) * height]
                for r in range(height):
                    sums[i, r] += row[r]


@kernel
def fire_batch(activation, network, settings, scratch, sums, values, winner, layer, identity):
    """Turn the sums of a layer into values; remember winners; drop hidden units."""
    units = network.units[layer]
    pieces = network.channels[layer]
    probability = settings.hidden_dropout[layer]
    for i in range(len(sums)):
        for r in range(units):
            z = sums[i, r]
            won = 0
            for piece in range(1, pieces):
                if sums[i, piece * units + r] > z:
                    z = sums[i, piece * units + r]
                    won = piece
            values[i, r] = activate(activation, z)
            winner[i, r] = won
        if probability > np.float32(0):
            for r in range(units):
                if uniform(settings.seed, layer, identity[i], r) < probability:
                    values[i, r] = np.float32(0)
                    winner[i, r] = -1


@kernel
def forward_batch(activation, network, rows, begin, count, settings, scratch):
    """Compute all layers for a batch; the output layer stays linear except in autoencoders."""
    last = len(network.units) - 1
    size = len(scratch.active)
    for layer in range(1, last + 1):
        units = network.units[layer]
        height = network.channels[layer] * units
        below = block(scratch.values, scratch.bases[layer - 1] * size, count, network.units[layer - 1])
        sums = block(scratch.sums, 0, count, height)
        np.dot(below, layer_matrix(network, layer).T, sums)
        bias = network.weights[network.biases[layer] : network.biases[layer] + height]
        for i in range(count):
            for r in range(height):
                sums[i, r] += bias[r]
        if layer == 1:
            add_levels(network, count, scratch, sums)
        values = block(scratch.values, scratch.bases[layer] * size, count, units)
        winner = block(scratch.winner, scratch.bases[layer] * size, count, units)
        if layer < last or settings.autoencoder:
            identity = rows.identity[begin : begin + count]
            fire_batch(activation, network, settings, scratch, sums, values, winner, layer, identity)
        else:
            values[:] = sums
            winner[:] = 0


@kernel
def output_errors_batch(distribution, network, rows, begin, count, live, settings, scratch):
    """Fill the errors of the output layer, scaled by row weight and by the number of rows that train."""
    last = len(network.units) - 1
    size = len(scratch.active)
    width = network.units[last]
    values = block(scratch.values, scratch.bases[last] * size, count, width)
    errors = block(scratch.errors, scratch.bases[last] * size, count, width)
    share = np.float32(1) / np.float32(live)
    for i in range(count):
        weight = rows.weight[begin + i] * share
        if weight == np.float32(0):
            errors[i, :] = np.float32(0)
            continue
        load_target(network, rows, begin + i, settings, scratch.target)
        if not settings.autoencoder and rows.offset[begin + i] != np.float32(0):
            values[i, 0] += rows.offset[begin + i]
        output_delta(distribution, values[i], scratch.target, errors[i])
        for k in range(width):
            errors[i, k] *= weight


@kernel
def piece_errors_batch(network, count, scratch, layer, deltas):
    """Fill `deltas` with dE/dnet for every piece: the winner has the unit's error, the others none."""
    units = network.units[layer]
    size = len(scratch.active)
    errors = block(scratch.errors, scratch.bases[layer] * size, count, units)
    winner = block(scratch.winner, scratch.bases[layer] * size, count, units)
    for i in range(count):
        for r in range(deltas.shape[1]):
            unit = r % units
            deltas[i, r] = errors[i, unit] if winner[i, unit] == r // units else np.float32(0)


@kernel
def hidden_errors_batch(activation, network, count, scratch, layer):
    """Turn dE/dvalue into dE/dnet."""
    size = len(scratch.active)
    units = network.units[layer]
    base = scratch.bases[layer] * size
    for k in range(base, base + count * units):
        live = scratch.winner[k] >= 0
        scratch.errors[k] = scratch.errors[k] * slope(activation, scratch.values[k]) if live else np.float32(0)


@kernel
def move_block(optimizer, penalties, pull, network, settings, start, gradient, rate):
    """Move a run of weights by their gradients; return the sum of squared gradients."""
    width = len(gradient)
    w = network.weights[start : start + width]
    slots = cut(optimizer, network.slots, start, width)
    always = not settings.fast_mode
    squares = np.float32(0)
    for c in range(width):
        old = w[c]
        g = gradient[c] + decay(penalties, old) + tether(pull, start + c, old)
        before = taken(slots, c)
        new, fresh = step(optimizer, old, before, g, rate)
        live = always or gradient[c] != np.float32(0)
        w[c] = new if live else old
        put(slots, c, fresh, before, live)
        squares += g * g if live else np.float32(0)
    return squares


@kernel
def gather_levels(network, count, scratch, deltas, whole):
    """Collect the gradient of the table: one row per level that occurs (every level if `whole`); return how many."""
    used = 0
    if whole:
        used = network.levels
        for level in range(network.levels):
            scratch.touched[level] = level
            scratch.place[level] = level
        scratch.table[:] = np.float32(0)
    for i in range(count):
        for c in range(scratch.active.shape[1]):
            level = scratch.active[i, c]
            if level < 0:
                continue
            place = scratch.place[level]
            if place < 0:
                place = used
                used += 1
                scratch.place[level] = place
                scratch.touched[place] = level
                scratch.table[place, :] = np.float32(0)
            for r in range(deltas.shape[1]):
                scratch.table[place, r] += deltas[i, r]
    return used


@kernel
def move_levels(optimizer, penalties, pull, network, settings, scratch, used, rate):
    """Move the collected table rows; add squared gradients per unit."""
    height = network.channels[1] * network.units[1]
    always = not settings.fast_mode
    for place in range(used):
        level = scratch.touched[place]
        scratch.place[level] = -1
        start = level * height
        w = network.weights[start : start + height]
        slots = cut(optimizer, network.slots, start, height)
        for r in range(height):
            raw = scratch.table[place, r]
            if always or raw != np.float32(0):
                old = w[r]
                g = raw + decay(penalties, old) + tether(pull, start + r, old)
                new, fresh = step(optimizer, old, taken(slots, r), g, rate)
                w[r] = new
                put(slots, r, fresh, fresh, True)
                scratch.norms[r] += new * new - old * old
                scratch.squares[r] += g * g


@kernel
def move_layer(optimizer, penalties, pull, network, settings, scratch, layer, deltas, gradient):
    """Move a layer's dense weights, caps and biases with the collected gradients, unit by unit."""
    width = network.units[layer - 1]
    inputs = entries(network, layer, scratch.active.shape[1])
    rate = settings.rates[layer]
    idle = settings.fast_mode or settings.stateless
    sparse = settings.sparsity_beta > np.float32(0) and layer < len(network.units) - 1
    for r in range(deltas.shape[1]):
        total = np.float32(0)
        silent = True
        for i in range(len(deltas)):
            total += deltas[i, r]
            if deltas[i, r] != np.float32(0):
                silent = False
        if idle and silent:
            continue
        start = network.starts[layer] + r * width
        squares = scratch.squares[r] + move_block(
            optimizer, penalties, pull, network, settings, start, gradient[r], rate
        )
        if penalties.max_w2 < np.float32(np.inf):
            cap_row(network, penalties, scratch.norms, layer, r, width)
        update_bias(optimizer, penalties, pull, network, layer, r, total, squares / inputs, rate)
        if sparse:
            steady_bias(optimizer, network, settings, scratch.bases, layer, r)


@kernel
def note_activity_batch(network, rows, begin, count, scratch):
    """Let the running mean activation of each hidden unit take in the rows of a batch that train, in their order."""
    size = len(scratch.active)
    for layer in range(1, len(network.units) - 1):
        units = network.units[layer]
        base = scratch.bases[layer] - scratch.bases[1]
        values = block(scratch.values, scratch.bases[layer] * size, count, units)
        for i in range(count):
            if rows.weight[begin + i] > np.float32(0):
                note_activity(network.activity[base : base + units], values[i])


@kernel
def backward_batch(activation, optimizer, penalties, pull, network, count, settings, scratch):
    """Walk from the output to the first layer: errors below, gradients, one update per layer."""
    last = len(network.units) - 1
    size = len(scratch.active)
    for layer in range(last, 0, -1):
        width = network.units[layer - 1]
        height = network.channels[layer] * network.units[layer]
        if layer < last:
            hidden_errors_batch(activation, network, count, scratch, layer)
        deltas = block(scratch.sums, 0, count, height)
        piece_errors_batch(network, count, scratch, layer, deltas)
        weights = layer_matrix(network, layer)
        below = block(scratch.values, scratch.bases[layer - 1] * size, count, width)
        if layer > 1:
            np.dot(deltas, weights, block(scratch.errors, scratch.bases[layer - 1] * size, count, width))
        begin = network.starts[layer] - network.levels * network.channels[1] * network.units[1]
        gradient = scratch.gradient[begin : begin + height * width].reshape(height, width)
        np.dot(deltas.T, below, gradient)
        scratch.squares[:height] = np.float32(0)
        if layer == 1 and network.levels > 0:
            whole = not (settings.fast_mode or settings.stateless)
            used = gather_levels(network, count, scratch, deltas, whole)
            move_levels(optimizer, penalties, pull, network, settings, scratch, used, settings.rates[1])
        move_layer(optimizer, penalties, pull, network, settings, scratch, layer, deltas, gradient)


@kernel
def train_batches(activation, distribution, optimizer, penalties, pull, network, rows, settings, scratch):
    """Train on a window in batches of `len(scratch.active)` rows (the last one may be smaller); return rows trained."""
    size = len(scratch.active)
    if penalties.max_w2 < np.float32(np.inf):
        sum_table(network, scratch.norms)
    trained = 0
    for begin in range(0, len(rows.weight), size):
        count = min(size, len(rows.weight) - begin)
        live = 0
        for i in range(count):
            live += 1 if rows.weight[begin + i] > np.float32(0) else 0
        if live == 0:
            continue
        load_batch(network, rows, begin, count, settings, scratch)
        forward_batch(activation, network, rows, begin, count, settings, scratch)
        output_errors_batch(distribution, network, rows, begin, count, live, settings, scratch)
        if settings.sparsity_beta > np.float32(0):
            note_activity_batch(network, rows, begin, count, scratch)
        backward_batch(activation, optimizer, penalties, pull, network, count, settings, scratch)
        trained += live
    return trained
