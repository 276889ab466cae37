"""How threads without the GIL share work: numbered tickets, phases that end before the next begins, no thread awaited.

Work is a row of items, cut into phases. A thread takes the next ticket (an atomic addition), waits until all items of
earlier phases are finished, claims an item of the ticket's phase (those of its own part first, which its cache knows),
does it and counts it as finished. So a phase ends when its *work* is done,
not when every thread has arrived: a thread that the system took off its core holds up at most the item it is at, more
threads than cores do no harm, and which thread does an item leaves no trace in the result.

Waiting spins for a few microseconds, then offers the core to others, then sleeps in pauses that grow to a millisecond.
`stop` ends every wait at once.
"""

import numpy as np
from numba import types
from numba.extending import intrinsic

from daskdl.kernels.jit import in_kernels, kernel

# places in the array of counters; each has a cache line of its own
TAKEN, FINISHED, STOP, READY = 0, 16, 32, 48
COUNTERS = 64
SPINS = 2000  # looks at the counter before the core is offered to others: a few microseconds
OFFERS = 100  # times that it is offered before the thread sleeps: some 50 microseconds on an idle core
FIRST_PAUSE, LONGEST_PAUSE = 20, 1000  # microseconds

_sched_yield = types.ExternalFunction("sched_yield", types.int32())
_usleep = types.ExternalFunction("usleep", types.int32(types.uint32))


def counters() -> np.ndarray:
    """Return the counters of one crew of threads, all zero: (COUNTERS,) int64."""
    return np.zeros(COUNTERS, np.int64)


@intrinsic
def _atomic_add(context, array, place, value):
    def generate(context, builder, signature, arguments):
        return builder.atomic_rmw("add", _pointer(context, builder, signature, arguments), arguments[2], "seq_cst")

    return types.int64(array, types.int64, types.int64), generate


@intrinsic
def _atomic_exchange(context, array, place, value):
    def generate(context, builder, signature, arguments):
        return builder.atomic_rmw("xchg", _pointer(context, builder, signature, arguments), arguments[2], "seq_cst")

    return types.int64(array, types.int64, types.int64), generate


@intrinsic
def _atomic_load(context, array, place):
    def generate(context, builder, signature, arguments):
        return builder.load_atomic(_pointer(context, builder, signature, arguments), "seq_cst", 8)

    return types.int64(array, types.int64), generate


def _pointer(context, builder, signature, arguments):
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(array.data, [arguments[1]])


def add(array, place, value):
    """Add `value` to `array[place]` in one step and return what was there before."""
    before = array[place]
    array[place] += value
    return before


@in_kernels(add)
def _add(array, place, value):
    return lambda array, place, value: _atomic_add(array, np.int64(place), np.int64(value))


def look(array, place):
    """Return `array[place]` as other threads last left it."""
    return array[place]


def exchange(array, place, value):
    """Set `array[place]` to `value` and return what was there before, in one step."""
    before = array[place]
    array[place] = value
    return before


@in_kernels(exchange)
def _exchange(array, place, value):
    return lambda array, place, value: _atomic_exchange(array, np.int64(place), np.int64(value))


@in_kernels(look)
def _look(array, place):
    return lambda array, place: _atomic_load(array, np.int64(place))


def pause(turn):
    """Let others have the core; sleep, from one `turn` to the next for longer, where that did not help."""


@in_kernels(pause)
def _pause(turn):
    def compiled(turn):
        if turn < OFFERS:
            _sched_yield()
        else:
            _usleep(np.uint32(min(FIRST_PAUSE << min(turn - OFFERS, 10), LONGEST_PAUSE)))

    return compiled


@kernel
def reached(sync, place, value):
    """Wait until the counter at `place` is `value` at least; return False where the threads were told to stop."""
    spins = 0
    while look(sync, place) < value:
        if look(sync, STOP) != 0:
            return False
        spins += 1
        if spins > SPINS:
            pause(spins - SPINS)
    return look(sync, STOP) == 0


@kernel
def take(sync):
    """Return the next ticket: the right to one item of its phase."""
    return add(sync, TAKEN, 1)


@kernel
def claim(claims, first, size, start, mark):
    """Return an item of a phase [first, first + size) that is now the caller's, the next one from `start` on.

    There is one for each ticket. `mark` is a number that no earlier turn of these items had, and not 0.
    """
    place = start
    while True:
        item = first + place % size
        if look(claims, item) != mark and exchange(claims, item, mark) != mark:
            return item
        place += 1


@kernel
def count(sync, place):
    """Raise the counter at `place` by one, for all threads to see: an item finished, a window ready, a stop."""
    add(sync, place, 1)
