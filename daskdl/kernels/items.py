"""The work on one view as a table of items: phases that follow one another, in each what threads may do side by side.

A panel goes forward and back in steps: it is loaded (step 0), the layers add up (steps 1 to last), the outputs are held
against the target (last + 1), errors come down to each hidden layer. Where there are as many panels as threads an item
is all steps of one panel. Where there are fewer, each step is a phase, and layers are divided between threads by units:
who adds up a block of units moves its weights afterwards, which so stay in one core's cache. The last phase moves the
weights, a block of units at a time. A sum has the same order in both cases, so the bits are the same.
"""

import functools
import itertools
from typing import NamedTuple

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
MANY = 512  # units of which 16 threads find two blocks of 16 each
PHASE_WORK = 8_000  # weights whose work on a panel takes as long as the end of a phase: some 9 microseconds


def padded(width):
    """Return `width` rounded up to whole vectors."""
    return -(-width // LANES) * LANES


def spread(width):
    """Return how far apart lines of `width` numbers lie: whole vectors, but no multiple of eight of them.

    The first cache keeps what is a multiple of 4096 bytes apart in the same few places. Lines of 1,024 numbers would
    push one another out while a batch's gradient goes through 16 of them side by side, at half the speed.
    """
    whole = padded(width)
    return whole + (whole % (8 * LANES) == 0) * LANES


def make_items(network: Network, rows: int, columns: int, threads: int) -> np.ndarray:
    """Return the items (items, 7) int64 of a view of `rows` rows for so many threads; `columns` are categorical.

    They are the same array for the same question: it is asked anew for every round, however short.
    """
    units, channels = (tuple(map(int, numbers)) for numbers in (network.units, network.channels))
    return _items(Shape(units, channels, network.levels > 0, rows, columns), threads, PHASE_WORK)


class Shape(NamedTuple):
    """What the items follow from."""

    units: tuple[int, ...]
    channels: tuple[int, ...]
    table: bool  # of categorical inputs
    rows: int
    columns: int

    @property
    def panels(self) -> int:
        """How many panels the rows fill."""
        return -(-self.rows // LANES)


@functools.lru_cache(maxsize=256)
def _items(shape: Shape, threads: int, phase_work: int) -> np.ndarray:
    if _is_divided(shape, threads, phase_work):
        phases = _divided(shape, threads)
    else:
        steps = 2 * len(shape.units) - 1
        phases = [[(0, steps, panel, 0, ALL) for panel in range(shape.panels)]]
    phases.append([(MOVE, MOVE, *block) for block in _unit_blocks(shape, threads)])
    table: list[tuple[int, ...]] = []
    for phase in phases:
        first = len(table)
        table += [(first, len(phase), *item) for item in phase]
    return np.array(table, np.int64)


def are_divided(items: np.ndarray) -> bool:
    """Tell whether threads share panels."""
    return bool(items[0, STOP] == 1)


def _is_divided(shape: Shape, threads: int, phase_work: int) -> bool:
    """Tell whether threads share panels: there are fewer panels, and more to gain than the ends of phases cost."""
    weights = shape.columns * shape.channels[1] * shape.units[1]
    weights += sum(i * o * c for (i, o), c in zip(itertools.pairwise(shape.units), shape.channels[1:], strict=True))
    return weights * (threads - shape.panels) > threads * (2 * len(shape.units) - 1) * phase_work


def _divided(shape: Shape, threads: int) -> list[list[tuple[int, ...]]]:
    """Return phases that are single steps, in which each panel's layer is divided by units."""
    last, panels = len(shape.units) - 1, range(shape.panels)
    phases = [[(0, 1, panel, 0, ALL) for panel in panels]]
    parts = [_parts(units, -(-threads // shape.panels)) for units in shape.units]
    layers = [*range(1, last + 1), *range(last - 1, 0, -1)]
    steps = [*range(1, last + 1), *range(last + 2, 2 * last + 1)]
    for step, layer in zip(steps, layers, strict=True):
        phases.append([(step, step + 1, panel, *part) for part in parts[layer] for panel in panels])
    if len(parts[last]) == 1:  # the sums of few outputs and their errors are one item
        phases[last] = [(last, last + 2, panel, 0, ALL) for panel in panels]
    else:
        phases.insert(last + 1, [(last + 1, last + 2, panel, 0, ALL) for panel in panels])
    return phases


def _parts(units: int, wanted: int) -> list[tuple[int, int]]:
    size = int(padded(-(-units // wanted)))
    return [(begin, min(begin + size, units)) for begin in range(0, units, size)]


def _unit_blocks(shape: Shape, threads: int) -> list[tuple[int, int, int]]:
    """Return the blocks (layer, first unit, end) that are moved by one thread each.

    As many times as there are threads the list has a part of every layer, those with most work first: a thread that
    begins at its place in the list finds the units that it added up.
    """
    found = []
    for layer, (below, units) in enumerate(itertools.pairwise(shape.units), 1):
        width = below + (shape.columns if layer == 1 else 0)
        wanted = BLOCK_WORK / max(shape.rows * width * shape.channels[layer], 1)
        size = 8 * max(1, min(round(wanted / 8), 8))
        if shape.rows > FAR or units >= MANY:
            size = max(size, 16)  # the lines of the rows are read anew for every block, but 16 threads want one each
        if layer == 1 and shape.table:
            size = max(size, 32)  # a table row is moved in pieces of so many numbers
        found += [
            (begin * threads // units, -width, layer, begin, min(begin + size, units))
            for begin in range(0, units, size)
        ]
    return [block[2:] for block in sorted(found)]
