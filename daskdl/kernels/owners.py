"""The owner of a block of units applies the steps of all rows of a view, row after row. Source: docs/training.md 6-7.

One thread moves a unit's weights, table columns, bias and mean activation; nobody else writes them, so the order of the
steps is that of the rows whoever the threads are. A unit's weights stay in the nearest cache for all rows.

What can be spared is decided outside of the inner loops: a unit without error (a dropped one, a rectifier that is off)
costs nothing, no penalty costs no arithmetic, and what an optimizer owes to the step and not to the weight was computed
before (`Settings.rates`). `tests/laws` holds that the loops become vector code whatever the optimizer keeps.
"""

from typing import NamedTuple

import numpy as np

from daskdl.kernels.jit import inlined, part
from daskdl.kernels.optimizers import bias_step, speed, step
from daskdl.kernels.penalties import decay, tether
from daskdl.kernels.slots import choose, pick, read, write
from daskdl.kernels.tiles import LANES


@inlined
def delta_place(network, view, layer, r, s):
    """Return where the view keeps dE/dnet of sum `r` of a layer for row `s`."""
    height = network.channels[layer] * network.units[layer]
    return view.delta_at[layer] + (s // LANES * height + r) * LANES + s % LANES


@inlined
def move_weights(optimizer, penalties, pull, network, start, delta, rate, lines, at, width, masked):
    """Move the dense weights of one sum by one row; return the sum of their squared gradients.

    `masked` leaves weights alone whose input is zero.
    """
    weights, slots = network.weights, network.slots
    squares = np.float32(0)
    if penalties.l1 != np.float32(0) or penalties.l2 != np.float32(0):
        for c in range(width):
            k = np.uint64(start + c)
            a, old, before = lines[np.uint64(at + c)], weights[k], read(optimizer, slots, k)
            g = delta * a + decay(penalties, old) + tether(pull, k, old)
            new, after = step(optimizer, old, before, g, rate)
            live = not masked or a != np.float32(0)
            weights[k] = choose(live, new, old)
            write(slots, k, pick(live, after, before))
            squares += g * g if live else np.float32(0)
    else:
        for c in range(width):
            k = np.uint64(start + c)
            a, old, before = lines[np.uint64(at + c)], weights[k], read(optimizer, slots, k)
            g = delta * a + tether(pull, k, old)
            new, after = step(optimizer, old, before, g, rate)
            live = not masked or a != np.float32(0)
            weights[k] = choose(live, new, old)
            write(slots, k, pick(live, after, before))
            squares += g * g if live else np.float32(0)
    return squares


@part
def move_by_gradient(optimizer, penalties, pull, network, start, gradient, rate, masked):
    """Move a run of weights by their gradients, those of zero gradient not at all if `masked`; return their squares."""
    weights, slots = network.weights, network.slots
    squares = np.float32(0)
    for c in range(len(gradient)):
        k = np.uint64(start + c)
        raw, old, before = gradient[c], weights[k], read(optimizer, slots, k)
        g = raw + decay(penalties, old) + tether(pull, k, old)
        new, after = step(optimizer, old, before, g, rate)
        live = not masked or raw != np.float32(0)
        weights[k] = choose(live, new, old)
        write(slots, k, pick(live, after, before))
        squares += g * g if live else np.float32(0)
    return squares


@part
def move_level(optimizer, penalties, pull, network, start, deltas, hit, rate, masked, squares, norms):
    """Move a block's part of one row of the table; `hit` is the input's value (1 where the level is active)."""
    weights, slots = network.weights, network.slots
    for j in range(len(deltas)):
        k = np.uint64(start + j)
        raw, old, before = deltas[j] * hit, weights[k], read(optimizer, slots, k)
        g = raw + decay(penalties, old) + tether(pull, k, old)
        new, after = step(optimizer, old, before, g, rate)
        live = not masked or deltas[j] != np.float32(0)
        new = choose(live, new, old)
        weights[k] = new
        write(slots, k, pick(live, after, before))
        squares[j] += g * g if live else np.float32(0)
        norms[j] += new * new - old * old


@part
def times_active(active, begin, end, level):
    """Return in how many of the columns [begin, end) a level is active; hashed columns may meet in one."""
    hit = np.float32(0)
    for c in range(begin, end):
        hit += np.float32(1) if active[c] == level else np.float32(0)
    return hit


@part
def move_levels(optimizer, penalties, pull, network, settings, view, own, block, s, number):
    """Move the table by row `s` in step `number`: its active levels, out of fast mode all; squares go to row `s`."""
    units, count = network.units[1], block[2] - block[1]
    height = network.channels[1] * units
    rate = settings.rates[1, number]
    masked = settings.fast_mode or settings.stateless
    active = view.active[s]
    for piece in range(network.channels[1]):
        r = piece * units + block[1]
        deltas = own.line[:count]
        squares = own.squares[s, piece * count : (piece + 1) * count]
        norms = view.norms[r : r + count]
        for j in range(count):
            deltas[j] = view.deltas[delta_place(network, view, 1, r + j, s)]
            squares[j] = np.float32(0)
        if masked:
            for c in range(len(active)):
                level = active[c]
                if level >= 0 and times_active(active, 0, c, level) == np.float32(0):
                    hit = times_active(active, c, len(active), level)
                    start = level * height + r
                    move_level(optimizer, penalties, pull, network, start, deltas, hit, rate, masked, squares, norms)
        else:
            for level in range(network.levels):
                hit = times_active(active, 0, len(active), level)
                start = level * height + r
                move_level(optimizer, penalties, pull, network, start, deltas, hit, rate, masked, squares, norms)


@part
def sum_table(network, view, u0, u1):
    """Fill the norms of a block: the sum of squares that each first-layer sum has in the categorical table.

    Done once per window: adding up a large table for every row would cost far more than training it.
    """
    units = network.units[1]
    height = network.channels[1] * units
    for piece in range(network.channels[1]):
        r = piece * units + u0
        norms = view.norms[r : r + u1 - u0]
        norms[:] = np.float32(0)
        for level in range(network.levels):
            w = network.weights[level * height + r : level * height + r + u1 - u0]
            for j in range(u1 - u0):
                norms[j] += w[j] * w[j]


@part
def cap_weights(network, penalties, view, layer, r):
    """Shrink the incoming weights of a sum where their squares add up to more than the cap."""
    width = network.units[layer - 1]
    start = network.starts[layer] + r * width
    w = network.weights[start : start + width]
    total = np.float32(0)
    for c in range(width):
        total += w[c] * w[c]
    height = network.channels[layer] * network.units[layer]
    if layer == 1:
        total += view.norms[r]
    if total > penalties.max_w2:
        factor = np.sqrt(penalties.max_w2 / total)
        for c in range(width):
            w[c] *= factor
        if layer == 1:
            view.norms[r] *= factor * factor
            for level in range(network.levels):
                network.weights[level * height + r] *= factor


@inlined
def move_bias(optimizer, penalties, pull, network, layer, r, delta, q, rate):
    """Move one bias; `q` is the mean squared gradient of the unit's weights, or 0 where no input moved any."""
    k = network.biases[layer] + r
    old = network.weights[k]
    g = delta + decay(penalties, old) + tether(pull, k, old)
    # without it a unit below dead ones would forget all gradients and step at full rate
    q = q if q > np.float32(0) else g * g
    new, after = bias_step(optimizer, old, read(optimizer, network.slots, k), g, q, rate)
    network.weights[k] = new
    write(network.slots, k, after)


@inlined
def activity_place(network, layer, u):
    """Return where a hidden unit's running mean activation is kept."""
    place = u
    for below in range(1, layer):
        place += network.units[below]
    return place


@part
def note_activity(network, view, layer, u, s):
    """Let the running mean activation of a hidden unit take in one row (sparse autoencoders)."""
    k = activity_place(network, layer, u)
    value = view.lines[view.line_at[layer] + s * view.pitch[layer] + u]
    network.activity[k] = np.float32(0.999) * network.activity[k] + np.float32(0.001) * value


@inlined
def steady_bias(optimizer, network, settings, layer, r, rate):
    """Pull a hidden unit's bias, at the rate at which it moves, towards the mean activation that was asked for."""
    mean = network.activity[activity_place(network, layer, r % network.units[layer])]
    k = network.biases[layer] + r
    moves = speed(optimizer, read(optimizer, network.slots, k), rate)
    network.weights[k] -= moves * settings.sparsity_beta * (mean - settings.average_activation)


@inlined
def entries(network, view, layer):
    """Return over how many inputs a unit's squared gradients are averaged: numbers, and one per categorical column.

    H2O divides by all levels; with thousands of them the mean vanishes and biases run away.
    """
    return np.float32(network.units[layer - 1] + (view.active.shape[1] if layer == 1 else 0))


@inlined
def close_step(optimizer, penalties, pull, network, settings, view, layer, r, delta, squares, rate):
    """After a sum's weights have moved: its cap, its bias, and what keeps its unit sparse."""
    if penalties.max_w2 < np.float32(np.inf):
        cap_weights(network, penalties, view, layer, r)
    q = squares / entries(network, view, layer)
    move_bias(optimizer, penalties, pull, network, layer, r, delta, q, rate)
    if settings.sparsity_beta > np.float32(0) and layer < len(network.units) - 1:
        steady_bias(optimizer, network, settings, layer, r, rate)


@inlined
def move_unit(optimizer, penalties, pull, network, settings, view, own, layer, unit, block, s, number):
    """Move one unit, all its pieces, by row `s` in step `number`; `own.squares[s]` has those of its table weights."""
    units, width = network.units[layer], network.units[layer - 1]
    line = view.line_at[layer - 1] + s * view.pitch[layer - 1]
    masked = settings.fast_mode
    idle = settings.fast_mode or settings.stateless
    rate = settings.rates[layer, number]
    for piece in range(network.channels[layer]):
        r = piece * units + unit
        delta = view.deltas[delta_place(network, view, layer, r, s)]
        if idle and delta == np.float32(0):
            continue
        start = network.starts[layer] + r * width
        squares = move_weights(optimizer, penalties, pull, network, start, delta, rate, view.lines, line, width, masked)
        if layer == 1 and network.levels > 0:
            squares += own.squares[s, piece * (block[2] - block[1]) + unit - block[1]]
        close_step(optimizer, penalties, pull, network, settings, view, layer, r, delta, squares, rate)


class EachRow(NamedTuple):
    """A step for every row, as in H2O."""

    def move_block(self, *given):
        move_by_rows(*given)


@part
def move_by_rows(optimizer, penalties, pull, network, rows, begin, count, settings, view, own, block):
    """Apply the steps of the view's rows, one after the other, to a block (layer, first unit, end)."""
    layer = block[0]
    table = layer == 1 and network.levels > 0
    sparse = settings.sparsity_beta > np.float32(0) and layer < len(network.units) - 1
    # a cap joins table and dense weights: then each row is finished before the next one begins
    together = 1 if penalties.max_w2 < np.float32(np.inf) else count
    for low in range(0, count, together):
        high = min(low + together, count)
        if table:
            for s in range(low, high):
                if rows.weight[begin + s] != np.float32(0):
                    move_levels(optimizer, penalties, pull, network, settings, view, own, block, s, begin + s)
        for unit in range(block[1], block[2]):
            for s in range(low, high):
                if rows.weight[begin + s] == np.float32(0):
                    continue
                if sparse:
                    note_activity(network, view, layer, unit, s)
                move_unit(optimizer, penalties, pull, network, settings, view, own, layer, unit, block, s, begin + s)
