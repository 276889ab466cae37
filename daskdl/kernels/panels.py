"""Forward and backward for a panel of rows on one view of the weights, unchanged. Source: docs/training.md 4-6.

Each function does its part for some units of a layer, so that threads may share a panel (`kernels.items`). What is left
behind for the owners of units: the lines (each row's values, layer by layer) and dE/dnet of every sum.
"""

import numpy as np

from daskdl.kernels.activations import activate, slope
from daskdl.kernels.distributions import output_delta
from daskdl.kernels.items import BEGIN, END, PLACE, STEP, STOP
from daskdl.kernels.jit import part
from daskdl.kernels.randomness import draw, key
from daskdl.kernels.tiles import LANES, tiles, turn

REACH = 128  # units above whose weights into a few units below stay in the second cache while their neighbours use them


@part
def load_lines(network, rows, begin, s, count, settings, view, board):
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
            board[c * LANES + lane] = line[c]


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
def add_levels(network, s, count, u0, u1, view, own):
    """Add the table rows of each row's active levels to the sums of the first layer's units [u0, u1)."""
    columns, size = view.active.shape[1], u1 - u0
    height = network.channels[1] * network.units[1]
    total = own.line[:size]
    for piece in range(network.channels[1]):
        r = piece * network.units[1] + u0
        for lane in range(count):
            total[:] = np.float32(0)
            for c in range(columns):
                level = view.active[s + lane, c]
                if level >= 0:
                    row = network.weights[level * height + r : level * height + r + size]
                    for u in range(size):
                        total[u] += row[u]
            for u in range(size):
                own.sums[(piece * size + u) * LANES + lane] += total[u]


@part
def add_up(network, layer, s, count, u0, u1, view, own, board):
    """Fill the sums of the units [u0, u1) of a layer, piece after piece: weights times values, table rows, biases."""
    width, size = network.units[layer - 1], u1 - u0
    below = view.bases[layer - 1] * LANES
    for piece in range(network.channels[layer]):
        start = network.starts[layer] + (piece * network.units[layer] + u0) * width
        sums = piece * size * LANES
        tiles(size, own.sums, sums, LANES, network.weights, start, width, 1, board, below, LANES, width, True)
    if layer == 1 and view.active.shape[1] > 0:
        add_levels(network, s, count, u0, u1, view, own)
    for piece in range(network.channels[layer]):
        bias = network.biases[layer] + piece * network.units[layer] + u0
        for u in range(size):
            b = network.weights[bias + u]
            part = own.sums[(piece * size + u) * LANES : (piece * size + u + 1) * LANES]
            for lane in range(LANES):
                part[lane] += b


@part
def fire(activation, network, layer, u0, u1, view, own, board, winners):
    """Turn the sums of the units [u0, u1) of a layer into values; remember which piece won."""
    size = (u1 - u0) * LANES
    base = (view.bases[layer] + u0) * LANES
    values = board[base : base + size]
    winner = winners[base : base + size]
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
def drop_units(network, layer, rows, begin, count, u0, u1, settings, view, own, board, winners):
    """Silence each unit of a hidden layer with its dropout probability."""
    probability = settings.hidden_dropout[layer]
    for lane in range(count):
        own.keys[lane] = key(settings.seed, layer, rows.identity[begin + lane])
    for u in range(u0, u1):
        base = (view.bases[layer] + u) * LANES
        values = board[base : base + LANES]
        winner = winners[base : base + LANES]
        for lane in range(LANES):
            gone = draw(own.keys[lane], u) < probability
            values[lane] = np.float32(0) if gone else values[lane]
            winner[lane] = -1 if gone else winner[lane]


@part
def forward(activation, network, layer, rows, begin, s, count, u0, u1, settings, view, own, board, winners):
    """Compute the units [u0, u1) of a layer of a loaded panel; of the output layer only their sums."""
    last = len(network.units) - 1
    add_up(network, layer, s, count, u0, u1, view, own, board)
    base = (view.bases[layer] + u0) * LANES
    if layer < last or settings.autoencoder:
        fire(activation, network, layer, u0, u1, view, own, board, winners)
    else:
        for k in range((u1 - u0) * LANES):
            board[base + k] = own.sums[k]
    if layer < last:
        if settings.hidden_dropout[layer] > np.float32(0):
            drop_units(network, layer, rows, begin, count, u0, u1, settings, view, own, board, winners)
        at = view.line_at[layer] + s * view.pitch[layer] + u0
        turn(board, base, u1 - u0, view.lines, at, view.pitch[layer], count)


@part
def share_of_batch(rows, begin, s, batch):
    """Return the part that a row of the view has in its batch: 1 over the rows of the batch that train."""
    first = begin + s // batch * batch
    live = 0
    for i in range(first, min(first + batch, len(rows.weight))):
        live += 1 if rows.weight[i] > np.float32(0) else 0
    return np.float32(1) / np.float32(max(live, 1))


@part
def output_errors(distribution, network, rows, begin, s, count, settings, view, own, board):
    """Fill dE/dnet of the output layer for a panel; `begin` is where the view begins in the window."""
    last = len(network.units) - 1
    width = network.units[last]
    base = view.bases[last] * LANES
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
            own.net[k] = board[base + k * LANES + lane]
        load_target(network, rows, i, settings, own.target)
        if not settings.autoencoder and rows.offset[i] != np.float32(0):
            own.net[0] += rows.offset[i]
        output_delta(distribution, own.net[:width], own.target, own.delta[:width])
        for k in range(width):
            view.deltas[out + k * LANES + lane] = own.delta[k] * weight


@part
def bring_down(network, layer, above, up, u0, u1, view, own):
    """Fill the errors of the units [u0, u1): what the `above` sums of the next layer, at `up`, owe to their values.

    A cache line holds the weights of 16 neighbours and the next one lies a whole row away. Some sums at a time, for all
    neighbours, so that a line is fetched once; the order in which an error is added up stays that of the sums.
    """
    units = network.units[layer]
    for r in range(0, above, REACH):
        start = network.starts[layer + 1] + r * units + u0
        count = min(REACH, above - r)
        tiles(
            u1 - u0, own.errors, 0, LANES, network.weights, start, 1, units, view.deltas, up + r * LANES, LANES,
            count, r == 0,
        )  # fmt: skip


@part
def hidden_errors(activation, network, layer, s, u0, u1, view, own, board, winners):
    """Turn the errors of the layer above into dE/dnet of every piece of the units [u0, u1) of a hidden layer."""
    units, above = network.units[layer], network.units[layer + 1] * network.channels[layer + 1]
    panel = s // LANES * LANES
    up = view.delta_at[layer + 1] + panel * above
    bring_down(network, layer, above, up, u0, u1, view, own)
    size = (u1 - u0) * LANES
    base = (view.bases[layer] + u0) * LANES
    values = board[base : base + size]
    winner = winners[base : base + size]
    pieces = network.channels[layer]
    for piece in range(pieces):
        at = view.delta_at[layer] + panel * units * pieces + (piece * units + u0) * LANES
        deltas = view.deltas[at : at + size]
        for k in range(size):
            mine = winner[k] == piece
            deltas[k] = own.errors[k] * slope(activation, values[k]) if mine else np.float32(0)


@part
def pass_panel(activation, distribution, network, rows, begin, item, settings, view, own):
    """Do an item's steps for its panel of the view that begins at row `begin` of the window, for its units."""
    panel = item[PLACE]
    s = panel * LANES
    count = min(LANES, min(view.rows, len(rows.weight) - begin) - s)
    if count <= 0:
        return
    last = len(network.units) - 1
    board, winners = own.board, own.winner
    if len(view.boards) > 0:
        size = (view.bases[last] + network.units[last]) * LANES
        board, winners = view.boards[panel * size : (panel + 1) * size], view.winners[panel * size : (panel + 1) * size]
    for step in range(item[STEP], item[STOP]):
        if step == 0:
            load_lines(network, rows, begin + s, s, count, settings, view, board)
        elif step == last + 1:
            output_errors(distribution, network, rows, begin, s, count, settings, view, own, board)
        else:
            layer = step if step <= last else 2 * last + 1 - step
            u0, u1 = item[BEGIN], min(item[END], network.units[layer])
            if step <= last:
                forward(
                    activation, network, layer, rows, begin + s, s, count, u0, u1, settings, view, own, board, winners
                )
            else:
                hidden_errors(activation, network, layer, s, u0, u1, view, own, board, winners)
