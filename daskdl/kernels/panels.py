"""Forward and backward for a panel of rows on one view of the weights, unchanged. Source: docs/training.md 4-6.

What is left behind for the owners of units: the lines (each row's values, layer by layer) and dE/dnet of every sum.
"""

import numpy as np

from daskdl.kernels.activations import activate, slope
from daskdl.kernels.distributions import output_delta
from daskdl.kernels.jit import part
from daskdl.kernels.randomness import draw, key
from daskdl.kernels.tiles import LANES, tiles, turn


@part
def load_lines(network, rows, begin, s, count, settings, view, own):
    """Copy rows into lines and a panel, dropping inputs as asked; `s` is the place of the first in the view."""
    width = network.units[0]
    columns = rows.levels.shape[1]
    dropping = settings.input_dropout > np.float32(0)
    for lane in range(count):
        i = begin + lane
        at = view.line_at[0] + (s + lane) * view.pitch[0]
        line = view.lines[at : at + width]
        numbers = rows.numbers[i]
        for c in range(width):
            line[c] = numbers[c]
        for c in range(columns):
            view.active[s + lane, c] = rows.levels[i, c]
        if dropping:
            mine = key(settings.seed, 0, rows.identity[i])
            for c in range(width):
                line[c] = np.float32(0) if draw(mine, c) < settings.input_dropout else line[c]
            for c in range(columns):
                if draw(mine, width + c) < settings.input_dropout:
                    view.active[s + lane, c] = -1
        for c in range(width):
            own.values[c * LANES + lane] = line[c]


@part
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


@part
def add_levels(network, s, count, height, view, own):
    """Add the table rows of each row's active levels to the sums of the first layer."""
    columns = view.active.shape[1]
    total = own.line[:height]
    for lane in range(count):
        total[:] = np.float32(0)
        for c in range(columns):
            level = view.active[s + lane, c]
            if level >= 0:
                row = network.weights[level * height : (level + 1) * height]
                for r in range(height):
                    total[r] += row[r]
        for r in range(height):
            own.sums[r * LANES + lane] += total[r]


@part
def add_up(network, layer, s, count, view, own):
    """Fill the sums of a layer: weights times values below, table rows, biases."""
    height = network.channels[layer] * network.units[layer]
    width = network.units[layer - 1]
    base = own.bases[layer - 1] * LANES
    tiles(
        height,
        own.sums,
        0,
        LANES,
        network.weights,
        network.starts[layer],
        width,
        1,
        own.values,
        base,
        LANES,
        width,
        True,
    )
    if layer == 1 and view.active.shape[1] > 0:
        add_levels(network, s, count, height, view, own)
    bias = network.biases[layer]
    for r in range(height):
        b = network.weights[bias + r]
        part = own.sums[r * LANES : (r + 1) * LANES]
        for lane in range(LANES):
            part[lane] += b


@part
def fire(activation, network, layer, own):
    """Turn the sums of a layer into values; remember which piece won."""
    size = network.units[layer] * LANES
    base = own.bases[layer] * LANES
    values = own.values[base : base + size]
    winner = own.winner[base : base + size]
    winner[:] = 0
    for piece in range(1, network.channels[layer]):
        better = own.sums[piece * size : (piece + 1) * size]
        for k in range(size):
            won = better[k] > own.sums[k]
            winner[k] = piece if won else winner[k]
            own.sums[k] = better[k] if won else own.sums[k]
    for k in range(size):
        values[k] = activate(activation, own.sums[k])


@part
def drop_units(network, layer, rows, begin, count, settings, own):
    """Silence each unit of a hidden layer with its dropout probability."""
    probability = settings.hidden_dropout[layer]
    base = own.bases[layer] * LANES
    for lane in range(count):
        own.keys[lane] = key(settings.seed, layer, rows.identity[begin + lane])
    for r in range(network.units[layer]):
        values = own.values[base + r * LANES : base + (r + 1) * LANES]
        winner = own.winner[base + r * LANES : base + (r + 1) * LANES]
        for lane in range(LANES):
            gone = draw(own.keys[lane], r) < probability
            values[lane] = np.float32(0) if gone else values[lane]
            winner[lane] = -1 if gone else winner[lane]


@part
def forward(activation, network, rows, begin, s, count, settings, view, own):
    """Compute all layers of a loaded panel; the sums of the output layer are left in `own.sums`."""
    last = len(network.units) - 1
    for layer in range(1, last + 1):
        add_up(network, layer, s, count, view, own)
        if layer < last or settings.autoencoder:
            fire(activation, network, layer, own)
        if layer < last:
            if settings.hidden_dropout[layer] > np.float32(0):
                drop_units(network, layer, rows, begin, count, settings, own)
            width = network.units[layer]
            at = view.line_at[layer] + s * view.pitch[layer]
            turn(own.values, own.bases[layer] * LANES, width, view.lines, at, view.pitch[layer], count)


@part
def share_of_batch(rows, begin, s, batch):
    """Return the part that a row of the view has in its batch: 1 over the rows of the batch that train."""
    first = begin + s // batch * batch
    live = 0
    for i in range(first, min(first + batch, len(rows.weight))):
        live += 1 if rows.weight[i] > np.float32(0) else 0
    return np.float32(1) / np.float32(max(live, 1))


@part
def output_errors(distribution, network, rows, begin, s, count, settings, view, own):
    """Fill dE/dnet of the output layer for a panel; `begin` is where the view begins in the window."""
    last = len(network.units) - 1
    width = network.units[last]
    base = own.bases[last] * LANES
    out = view.delta_at[last] + s // LANES * width * LANES
    share = np.float32(1)
    for lane in range(count):
        i = begin + s + lane
        if view.batch > 1 and (lane == 0 or (s + lane) % view.batch == 0):
            share = share_of_batch(rows, begin, s + lane, view.batch)
        weight = rows.weight[i] * share
        if weight == np.float32(0):
            for k in range(width):
                view.deltas[out + k * LANES + lane] = np.float32(0)
            continue
        for k in range(width):
            own.net[k] = own.values[base + k * LANES + lane] if settings.autoencoder else own.sums[k * LANES + lane]
        load_target(network, rows, i, settings, own.target)
        if not settings.autoencoder and rows.offset[i] != np.float32(0):
            own.net[0] += rows.offset[i]
        output_delta(distribution, own.net[:width], own.target, own.delta[:width])
        for k in range(width):
            view.deltas[out + k * LANES + lane] = own.delta[k] * weight


@part
def hidden_errors(activation, network, layer, s, view, own):
    """Turn the errors of the layer above into dE/dnet of every piece of a hidden layer."""
    units, above = network.units[layer], network.units[layer + 1] * network.channels[layer + 1]
    panel = s // LANES * LANES
    up = view.delta_at[layer + 1] + panel * above
    start = network.starts[layer + 1]
    tiles(units, own.errors, 0, LANES, network.weights, start, 1, units, view.deltas, up, LANES, above, True)
    size = units * LANES
    base = own.bases[layer] * LANES
    values = own.values[base : base + size]
    winner = own.winner[base : base + size]
    pieces = network.channels[layer]
    for piece in range(pieces):
        at = view.delta_at[layer] + panel * units * pieces + piece * size
        deltas = view.deltas[at : at + size]
        for k in range(size):
            mine = winner[k] == piece
            deltas[k] = own.errors[k] * slope(activation, values[k]) if mine else np.float32(0)


@part
def pass_panel(activation, distribution, network, rows, begin, panel, settings, view, own):
    """Take panel number `panel` of the view that begins at row `begin` of the window forward and back."""
    s = panel * LANES
    count = min(LANES, min(view.rows, len(rows.weight) - begin) - s)
    if count <= 0:
        return
    load_lines(network, rows, begin + s, s, count, settings, view, own)
    forward(activation, network, rows, begin + s, s, count, settings, view, own)
    output_errors(distribution, network, rows, begin, s, count, settings, view, own)
    for layer in range(len(network.units) - 2, 0, -1):
        hidden_errors(activation, network, layer, s, view, own)
