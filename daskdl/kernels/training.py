"""Training on a window of rows: bounded staleness, owners compute. Source: docs/training.md 4-8.

Rows that share a view of the weights are passed forward and back by any thread, a panel at a time; then each block of
units is moved by one thread, row after row. No thread writes what another one reads or writes in the same phase, so any
number of threads gives the same bits. With views of one row this is H2O's algorithm; with more it is what its lock-free
threads do (Recht, Re, Wright, Niu 2011), but the age of the weights that a row sees is bounded and known.
"""

import numpy as np

from daskdl.kernels.jit import kernel, operation
from daskdl.kernels.owners import sum_table
from daskdl.kernels.panels import pass_panel
from daskdl.kernels.tickets import FINISHED, count, reached, take
from daskdl.kernels.tiles import LANES


@operation
def move_block(steps, optimizer, penalties, pull, network, rows, begin, count, settings, view, own, block):
    """Apply the steps of a view's rows (`owners.EachRow`) or batches (`batches.EachBatch`), in order, to a block."""
    raise NotImplementedError


@kernel
def items_of_view(view):
    """Return how many panels, and how many items altogether, every view of a window has."""
    panels = (view.rows + LANES - 1) // LANES
    return panels, panels + len(view.blocks)


@kernel
def items_of_window(view, rows):
    """Return how many items a window of so many rows has; empty panels at its end count too."""
    return (rows + view.rows - 1) // view.rows * items_of_view(view)[1]


@kernel
def own_block(steps, optimizer, penalties, pull, network, rows, begin, settings, view, own, block):
    """Move a block of units by all rows of the view that begins at row `begin` of the window."""
    size = min(view.rows, len(rows.weight) - begin)
    if begin == 0 and block[0] == 1 and penalties.max_w2 < np.float32(np.inf):
        sum_table(network, view, block[1], block[2])
    move_block(steps, optimizer, penalties, pull, network, rows, begin, size, settings, view, own, block)


@kernel
def train_window(
    steps,
    activation,
    distribution,
    optimizer,
    penalties,
    pull,
    network,
    rows,
    settings,
    view,
    own,
    sync,
    base,
    end,
    ticket,
):
    """Do items of a window, whose numbers begin at `base`, as long as they are below `end`; return the next ticket.

    `ticket` is the one that the caller holds. Returns -1 where the threads were told to stop.
    """
    panels, items = items_of_view(view)
    while ticket < end:
        number, item = (ticket - base) // items, (ticket - base) % items
        begin = number * view.rows
        phase = base + number * items + (panels if item >= panels else 0)
        if not reached(sync, FINISHED, phase):
            return -1
        if item < panels:
            pass_panel(activation, distribution, network, rows, begin, item, settings, view, own)
        else:
            block = view.blocks[item - panels]
            own_block(steps, optimizer, penalties, pull, network, rows, begin, settings, view, own, block)
        count(sync, FINISHED)
        ticket = take(sync)
    return ticket
