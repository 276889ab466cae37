"""Mini-batches: the owner of a block of units collects a batch's gradient and takes one step along it. Source: 7.4.

Several batches may share a view; their steps are applied in order. With batches of one row this is what `owners` does,
up to the last bits. Categorical inputs stay table rows: the gradient is collected for the levels that a batch meets.
"""

from typing import NamedTuple

import numpy as np

from daskdl.kernels.jit import part
from daskdl.kernels.owners import close_step, delta_place, move_by_gradient, move_level, note_activity
from daskdl.kernels.tiles import LANES, TILE, tiles

NEAR = 64  # rows whose lines stay in the near cache while all units of a block take them in


@part
def add_gradient(network, view, gradient, o, layer, r, count, s, end, fresh):
    """Add the gradients of `count` sums from `r` on over the rows [s, end), all of one panel."""
    height = network.channels[layer] * network.units[layer]
    width, pitch = network.units[layer - 1], view.pitch[layer - 1]
    deltas = view.delta_at[layer] + (s // LANES * height + r) * LANES + s % LANES
    lines = view.line_at[layer - 1] + s * pitch
    for c in range(0, width, LANES):
        place = o + c
        tiles(
            count, gradient, place, pitch, view.deltas, deltas, LANES, 1, view.lines, lines + c, pitch, end - s, fresh
        )


@part
def gather_gradient(network, view, own, layer, r, count, low, high):
    """Sum the gradients of `count` sums from `r` on over the rows [low, high) of the view."""
    pitch = view.pitch[layer - 1]
    for near in range(low, high, NEAR):
        for u in range(0, count, TILE):
            s = near
            while s < min(near + NEAR, high):
                end = min(s // LANES * LANES + LANES, min(near + NEAR, high))
                tile = min(TILE, count - u)
                add_gradient(network, view, own.gradient, u * pitch, layer, r + u, tile, s, end, s == low)
                s = end


@part
def gather_levels(network, view, own, block, low, high, whole):
    """Collect a block's gradient of the table, a row per level that occurs (all if `whole`); return how many."""
    used = 0
    if whole:
        used = network.levels
        for level in range(network.levels):
            own.touched[level] = level
            own.place[level] = level
        own.table[:] = np.float32(0)
    units, count = network.units[1], block[2] - block[1]
    for s in range(low, high):
        for c in range(view.active.shape[1]):
            level = view.active[s, c]
            if level < 0:
                continue
            place = own.place[level]
            if place < 0:
                place = used
                used += 1
                own.place[level] = place
                own.touched[place] = level
                own.table[place, :] = np.float32(0)
            for piece in range(network.channels[1]):
                for j in range(count):
                    r = piece * units + block[1] + j
                    own.table[place, piece * count + j] += view.deltas[delta_place(network, view, 1, r, s)]
    return used


@part
def move_table(optimizer, penalties, pull, network, settings, view, own, block, low, high, rate):
    """Move a block's part of the table by one batch; leave the squared gradients per sum in `own.squares`."""
    masked = settings.fast_mode or settings.stateless
    used = gather_levels(network, view, own, block, low, high, not masked)
    units, count = network.units[1], block[2] - block[1]
    height = network.channels[1] * units
    own.squares[0, :] = np.float32(0)
    for place in range(used):
        level = own.touched[place]
        own.place[level] = -1
        for piece in range(network.channels[1]):
            r = piece * units + block[1]
            part = own.table[place, piece * count : (piece + 1) * count]
            squares = own.squares[0, piece * count : (piece + 1) * count]
            norms = view.norms[r : r + count]
            start = level * height + r
            move_level(
                optimizer,
                penalties,
                pull,
                network,
                start,
                part,
                np.float32(1),
                rate,
                masked,
                squares,
                norms,
            )


@part
def sum_errors(network, view, layer, r, low, high):
    """Return the summed error of one sum over the rows [low, high), and whether any of them is not zero."""
    total = np.float32(0)
    heard = 0
    s = low
    while s < high:
        count = min(s // LANES * LANES + LANES, high) - s
        at = delta_place(network, view, layer, r, s)
        for k in range(count):
            delta = view.deltas[np.uint64(at + k)]
            total += delta
            heard += 1 if delta != np.float32(0) else 0
        s += count
    return total, heard > 0


@part
def move_sums(optimizer, penalties, pull, network, settings, view, own, block, low, high, rate):
    """Move the dense weights, caps and biases of a block by the batch in rows [low, high) of the view."""
    layer = block[0]
    units, width = network.units[layer], network.units[layer - 1]
    idle = settings.fast_mode or settings.stateless
    count, pitch = block[2] - block[1], view.pitch[layer - 1]
    for piece in range(network.channels[layer]):
        first = piece * units + block[1]
        gather_gradient(network, view, own, layer, first, count, low, high)
        for j in range(count):
            r = first + j
            total, heard = sum_errors(network, view, layer, r, low, high)
            if idle and not heard:
                continue
            gradient = own.gradient[j * pitch : j * pitch + width]
            squares = move_by_gradient(
                optimizer, penalties, pull, network, network.starts[layer] + r * width, gradient,
                rate, settings.fast_mode,
            )  # fmt: skip
            if layer == 1 and network.levels > 0:
                squares += own.squares[0, piece * count + j]
            close_step(optimizer, penalties, pull, network, settings, view, layer, r, total, squares, rate)


class EachBatch(NamedTuple):
    """A step for every `view.batch` rows, along their mean gradient."""

    def move_block(self, *given):
        move_by_batches(*given)


@part
def move_by_batches(optimizer, penalties, pull, network, rows, begin, count, settings, view, own, block):
    """Apply the steps of the view's batches, one after the other, to a block (layer, first unit, end)."""
    layer = block[0]
    sparse = settings.sparsity_beta > np.float32(0) and layer < len(network.units) - 1
    for low in range(0, count, view.batch):
        high = min(low + view.batch, count)
        live = False
        for s in range(low, high):
            if rows.weight[begin + s] > np.float32(0):
                live = True
                if sparse:
                    for unit in range(block[1], block[2]):
                        note_activity(network, view, layer, unit, s)
        if not live:
            continue
        rate = settings.rates[layer, (begin + low) // view.batch]
        if layer == 1 and network.levels > 0:
            move_table(optimizer, penalties, pull, network, settings, view, own, block, low, high, rate)
        move_sums(optimizer, penalties, pull, network, settings, view, own, block, low, high, rate)
