"""What threads share while rows train on one view of the weights, and what each thread has for itself.

Layers are counted from 1; index 0 of a per-layer array is the input. A *panel* is `LANES` rows side by side: number
`u` of row `lane` lies at `u * LANES + lane`. A *line* is one row's values of one layer, padded to whole vectors.
"""

from typing import NamedTuple

import numpy as np

from daskdl.kernels.structs import Network
from daskdl.kernels.tiles import LANES

BLOCK_WORK = 1 << 15  # weight updates that an owner should find in one block: some 5 microseconds
FAR = 256  # rows whose lines no longer stay in a near cache


class View(NamedTuple):
    """Rows that share a view of the weights: what their forward and backward pass leaves for the owners of units."""

    rows: int  # rows at most
    batch: int  # rows whose gradients are averaged for one step
    lines: np.ndarray  # float32: values of layers 0 to last - 1, row after row
    line_at: np.ndarray  # (layers + 1,) int64: where the lines of a layer begin
    pitch: np.ndarray  # (layers + 1,) int64: length of a line
    deltas: np.ndarray  # float32: dE/dnet of every piece, panel after panel
    delta_at: np.ndarray  # (layers + 1,) int64: where the panels of a layer begin
    active: np.ndarray  # (rows, categorical columns) int32: levels that survived input dropout, -1 for none
    norms: np.ndarray  # (pieces * units of layer 1,) float32: squared table weights per sum, kept where a cap acts
    blocks: np.ndarray  # (blocks, 3) int64: layer, first unit, end; a block of units is moved by one thread


class Workspace(NamedTuple):
    """What one thread needs for one panel of rows, or for one block of units."""

    values: np.ndarray  # (sum of widths * LANES,) float32: values of all layers, as panels
    winner: np.ndarray  # (sum of widths * LANES,) int8: the piece that won; -1 for a dropped unit
    bases: np.ndarray  # (layers + 1,) int64: where a layer begins in the two above
    sums: np.ndarray  # (widest sums * LANES,) float32
    errors: np.ndarray  # (widest layer * LANES,) float32: dE/dvalue
    line: np.ndarray  # (widest sums,) float32: table rows of one row added up; a block's errors of one row
    keys: np.ndarray  # (LANES,) uint64: a panel's random keys
    net: np.ndarray  # (outputs,) float32
    delta: np.ndarray  # (outputs,) float32
    target: np.ndarray  # (outputs,) float32
    squares: np.ndarray  # (rows, sums of the largest block of layer 1) float32: squared gradients of table weights
    gradient: np.ndarray  # (units of the largest block * longest line,) float32: their gradients over a batch
    table: np.ndarray  # (levels met in a batch, sums of the largest block of layer 1) float32: their gradient
    touched: np.ndarray  # (levels met in a batch,) int64: which they are
    place: np.ndarray  # (levels,) int64: row of `table` that a level has, -1 for none


def padded(width):
    """Return `width` rounded up to whole vectors."""
    return -(-width // LANES) * LANES


def make_view(network: Network, columns: int, rows: int, batch: int) -> View:
    """Return the view of at most `rows` rows, a multiple of `batch`, on a network with categorical `columns`."""
    heights = network.units * network.channels
    panels = -(-rows // LANES)
    pitch = padded(network.units)
    sizes, spaces = pitch[:-1] * rows, heights * (panels * LANES)
    return View(
        rows=rows,
        batch=batch,
        lines=np.zeros(int(sizes.sum()), np.float32),
        line_at=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        pitch=pitch.astype(np.int64),
        deltas=np.zeros(int(spaces[1:].sum()), np.float32),
        delta_at=np.concatenate([[0, 0], np.cumsum(spaces[1:-1])]).astype(np.int64),
        active=np.full((rows, columns), -1, np.int32),
        norms=np.zeros(int(heights[1]), np.float32),
        blocks=unit_blocks(network, rows, columns),
    )


def unit_blocks(network: Network, rows: int, columns: int) -> np.ndarray:
    """Return the blocks (blocks, 3) of units that are moved by one thread each, the layers with most work first.

    They depend on the network and the view only, never on the number of threads.
    """
    found = []
    for layer in range(1, len(network.units)):
        width = int(network.units[layer - 1]) + (columns if layer == 1 else 0)
        wanted = BLOCK_WORK / max(rows * width * int(network.channels[layer]), 1)
        size = 8 * max(1, min(round(wanted / 8), 8))
        if rows > FAR:
            size = 16  # the lines of the rows are read anew for every block, but 16 threads want one each
        if layer == 1 and network.levels:
            size = max(size, 32)  # a table row is moved in pieces of so many numbers
        units = int(network.units[layer])
        found += [(-width, layer, begin, min(begin + size, units)) for begin in range(0, units, size)]
    return np.array([block[1:] for block in sorted(found)], np.int64)


def make_workspace(network: Network, view: View, whole_table: bool) -> Workspace:
    """Return one thread's working space; `whole_table` where every level may move in each batch."""
    heights = network.units * network.channels
    outputs, tallest = max(int(network.units[-1]), 1), int(heights[1:].max())
    first = view.blocks[view.blocks[:, 0] == 1]
    block = int((first[:, 2] - first[:, 1]).max()) * int(network.channels[1])
    tallest_block = int((view.blocks[:, 2] - view.blocks[:, 1]).max())
    met = 0 if view.batch == 1 else network.levels if whole_table else view.batch * view.active.shape[1]
    met = min(met, network.levels)
    width = int(network.units.sum())
    return Workspace(
        values=np.zeros(width * LANES, np.float32),
        winner=np.zeros(width * LANES, np.int8),
        bases=np.concatenate([[0], np.cumsum(network.units[:-1])]).astype(np.int64),
        sums=np.zeros(tallest * LANES, np.float32),
        errors=np.zeros(int(network.units.max()) * LANES, np.float32),
        line=np.zeros(max(tallest, block), np.float32),
        keys=np.zeros(LANES, np.uint64),
        net=np.zeros(outputs, np.float32),
        delta=np.zeros(outputs, np.float32),
        target=np.zeros(outputs, np.float32),
        squares=np.zeros((view.rows if view.batch == 1 else 1, block), np.float32),
        gradient=np.zeros(tallest_block * int(view.pitch.max()) if view.batch > 1 else 0, np.float32),
        table=np.zeros((met, block), np.float32),
        touched=np.zeros(met, np.int64),
        place=np.full(network.levels if view.batch > 1 else 0, -1, np.int64),
    )
