"""What threads share while rows train on one view of the weights, and what each thread has for itself.

Layers are counted from 1; index 0 of a per-layer array is the input. A *panel* is `LANES` rows side by side: number
`u` of row `lane` lies at `u * LANES + lane`. A *line* is one row's values of one layer, padded (`items.spread`).
"""

from typing import NamedTuple

import numpy as np

from daskdl.kernels.items import BEGIN, END, MOVE, PLACE, STEP, are_divided, make_items, spread
from daskdl.kernels.structs import Network
from daskdl.kernels.tiles import LANES


class View(NamedTuple):
    """Rows that share a view of the weights: what their forward and backward pass leaves for the owners of units."""

    rows: int  # rows at most
    batch: int  # rows whose gradients are averaged for one step
    lines: np.ndarray  # float32: values of layers 0 to last - 1, row after row
    line_at: np.ndarray  # (layers + 1,) int64: where the lines of a layer begin
    pitch: np.ndarray  # (layers + 1,) int64: length of a line with its padding
    deltas: np.ndarray  # float32: dE/dnet of every piece, panel after panel
    delta_at: np.ndarray  # (layers + 1,) int64: where the panels of a layer begin
    active: np.ndarray  # (rows, categorical columns) int32: levels that survived input dropout, -1 for none
    norms: np.ndarray  # (pieces * units of layer 1,) float32: squared table weights per sum, kept where a cap acts
    boards: np.ndarray  # (panels * numbers of a board,) float32: where threads share panels; else empty
    winners: np.ndarray  # the same, int8
    bases: np.ndarray  # (layers + 1,) int64: the first unit of a layer on a board
    items: np.ndarray  # (items, 7) int64: what is to be done, see `items`
    claims: np.ndarray  # (items,) int64: the last view for which a thread took an item
    threads: int


class Workspace(NamedTuple):
    """What one thread needs for one panel of rows, or for one block of units.

    A *board* holds a panel's values of all layers, the sums of the output among them.
    """

    number: int  # of the thread, from 0
    board: np.ndarray  # (sum of widths * LANES,) float32; empty where threads share panels
    winner: np.ndarray  # (sum of widths * LANES,) int8: the piece that won; -1 for a dropped unit
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


def make_view(network: Network, columns: int, rows: int, batch: int, threads: int = 1) -> View:
    """Return the view of at most `rows` rows, a multiple of `batch`, on a network with categorical `columns`.

    The number of threads decides how the work is divided, and leaves no trace in the result.
    """
    heights = network.units * network.channels
    panels = -(-rows // LANES)
    pitch = spread(network.units)
    sizes, spaces = pitch[:-1] * rows, heights * (panels * LANES)
    items = make_items(network, rows, columns, threads)
    shared = panels * int(network.units.sum()) * LANES if are_divided(items) else 0
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
        boards=np.zeros(shared, np.float32),
        winners=np.zeros(shared, np.int8),
        bases=np.concatenate([[0], np.cumsum(network.units[:-1])]).astype(np.int64),
        items=items,
        claims=np.zeros(len(items), np.int64),
        threads=threads,
    )


def make_workspace(network: Network, view: View, whole_table: bool, number: int = 0) -> Workspace:
    """Return the working space of a thread; `whole_table` where every level may move in each batch."""
    heights = network.units * network.channels
    outputs, tallest = max(int(network.units[-1]), 1), int(heights[1:].max())
    blocks = view.items[view.items[:, STEP] == MOVE]
    heights_of_blocks = blocks[:, END] - blocks[:, BEGIN]
    block = int(heights_of_blocks[blocks[:, PLACE] == 1].max()) * int(network.channels[1])
    tallest_block = int(heights_of_blocks.max())
    met = 0 if view.batch == 1 else network.levels if whole_table else view.batch * view.active.shape[1]
    met = min(met, network.levels)
    board = 0 if len(view.boards) else int(network.units.sum()) * LANES
    return Workspace(
        number=number,
        board=np.zeros(board, np.float32),
        winner=np.zeros(board, np.int8),
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
