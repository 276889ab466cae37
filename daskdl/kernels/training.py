"""Training on a window of rows: bounded staleness, owners compute. Source: docs/training.md 4-8.

Rows that share a view of the weights are passed forward and back, a panel of rows at a time, or some units of a layer
at a time where panels are few; then each block of units is moved by one thread, row after row. No thread writes what
another one reads or writes in the same phase, so any number of threads gives the same bits. With views of one row this
is H2O's algorithm; with more it is what its lock-free threads do (Recht, Re, Wright, Niu 2011), but the age of the
weights that a row sees is bounded and known.
"""

import numpy as np

from daskdl.kernels.items import FIRST, MOVE, PLACE, SIZE, STEP
from daskdl.kernels.jit import kernel, operation
from daskdl.kernels.owners import sum_table
from daskdl.kernels.panels import pass_panel
from daskdl.kernels.tickets import FINISHED, claim, count, reached, take


@operation
def move_block(steps, optimizer, penalties, pull, network, rows, begin, count, settings, view, own, block):
    """Apply the steps of a view's rows (`owners.EachRow`) or batches (`batches.EachBatch`), in order, to a block."""
    raise NotImplementedError


def items_of_window(view, rows):
    """Return how many items a window of so many rows has; empty panels at its end count too.

    Plain Python, for only who calls kernels asks: a kernel's call takes longer than the sum.
    """
    return (rows + view.rows - 1) // view.rows * len(view.items)


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
    """Do items of a window, whose tickets begin at `base`, as long as they are below `end`; return the next ticket.

    `ticket` is the one that the caller holds. Returns -1 where the threads were told to stop.
    """
    items = len(view.items)
    while ticket < end:
        number, item = (ticket - base) // items, (ticket - base) % items
        begin, before = number * view.rows, base + number * items
        first, size = view.items[item, FIRST], view.items[item, SIZE]
        if not reached(sync, FINISHED, before + first):
            return -1
        if view.threads > 1:
            item = claim(view.claims, first, size, own.number * size // view.threads, before + 1)
        if view.items[item, STEP] == MOVE:
            block = view.items[item, PLACE:]
            own_block(steps, optimizer, penalties, pull, network, rows, begin, settings, view, own, block)
        else:
            pass_panel(activation, distribution, network, rows, begin, view.items[item], settings, view, own)
        count(sync, FINISHED)
        ticket = take(sync)
    return ticket
