"""The work on one view as a table of items: phases that follow one another, in each what threads may do side by side.

A panel goes forward and back in steps: it is loaded (step 0), the layers add up (steps 1 to last), the outputs are held
against the target (last + 1), errors come down to each hidden layer. Where there are as many panels as threads an item
is all steps of one panel. Where there are fewer, each step is a phase, and layers are divided between threads by units:
who adds up a block of units moves its weights afterwards, which so stay in one core's cache. The last phase moves the
weights, a block of units at a time. A sum has the same order in both cases, so the bits are the same.
"""

import numpy as np

from daskdl.kernels.structs import Network
from daskdl.kernels.tiles import LANES

# columns of the table
FIRST, SIZE = 0, 1  # where the item's phase begins, and how many items it has
STEP, STOP = 2, 3  # steps of a panel; MOVE
PLACE = 4  # the panel; where weights move, the layer
BEGIN, END = 5, 6  # units

MOVE = -1  # instead of a step
ALL = 1 << 40  # units: as many as the layer has
BLOCK_WORK = 1 << 15  # weight updates that an owner should find in one block: some 5 microseconds
FAR = 256  # rows whose lines no longer stay in a near cache
PHASE_WORK = 8_000  # weights whose work on a panel takes as long as the end of a phase: some 9 microseconds


def padded(width):
    """Return `width` rounded up to whole vectors."""
    return -(-width // LANES) * LANES


def make_items(network: Network, rows: int, columns: int, threads: int) -> np.ndarray:
    """Return the items (items, 7) int64 of a view of `rows` rows for so many threads; `columns` are categorical."""
    panels = -(-rows // LANES)
    steps = 2 * len(network.units) - 1
    if is_divided(network, rows, columns, threads):
        phases = _divided(network, panels, threads)
    else:
        phases = [[(0, steps, panel, 0, ALL) for panel in range(panels)]]
    phases.append([(MOVE, MOVE, *block) for block in _unit_blocks(network, rows, columns, threads)])
    table: list[tuple[int, ...]] = []
    for phase in phases:
        first = len(table)
        table += [(first, len(phase), *item) for item in phase]
    return np.array(table, np.int64)


def is_divided(network: Network, rows: int, columns: int, threads: int) -> bool:
    """Tell whether threads share panels: there are fewer panels, and more to gain than the ends of phases cost."""
    panels = -(-rows // LANES)
    table = columns * network.channels[1] * network.units[1]
    weights = table + np.sum(network.units[:-1] * network.units[1:] * network.channels[1:])
    return bool(weights * (threads - panels) > threads * (2 * len(network.units) - 1) * PHASE_WORK)


def _divided(network: Network, panels: int, threads: int) -> list[list[tuple[int, ...]]]:
    """Return phases that are single steps, in which each panel's layer is divided by units."""
    last = len(network.units) - 1
    phases = [[(0, 1, panel, 0, ALL) for panel in range(panels)]]
    parts = [_parts(int(units), -(-threads // panels)) for units in network.units]
    layers = [*range(1, last + 1), *range(last - 1, 0, -1)]
    steps = [*range(1, last + 1), *range(last + 2, 2 * last + 1)]
    for step, layer in zip(steps, layers, strict=True):
        phases.append([(step, step + 1, panel, *part) for part in parts[layer] for panel in range(panels)])
    errors = [(last + 1, last + 2, panel, 0, ALL) for panel in range(panels)]
    if len(parts[last]) == 1:  # the sums of few outputs and their errors are one item
        phases[last] = [(last, last + 2, panel, 0, ALL) for panel in range(panels)]
    else:
        phases.insert(last + 1, errors)
    return phases


def _parts(units: int, wanted: int) -> list[tuple[int, int]]:
    size = int(padded(-(-units // wanted)))
    return [(begin, min(begin + size, units)) for begin in range(0, units, size)]


def _unit_blocks(network: Network, rows: int, columns: int, threads: int) -> list[tuple[int, int, int]]:
    """Return the blocks (layer, first unit, end) that are moved by one thread each.

    As many times as there are threads the list has a part of every layer, those with most work first: a thread that
    begins at its place in the list finds the units that it added up.
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
        found += [
            (begin * threads // units, -width, layer, begin, min(begin + size, units))
            for begin in range(0, units, size)
        ]
    return [block[2:] for block in sorted(found)]
