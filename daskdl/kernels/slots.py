"""The numbers that an optimizer keeps for each weight, as tuples: of views for a run of weights, of values for one.

`slots` of a network is `(k, size)`; how many of its rows an optimizer has, its class says, so that kernels unroll them.
The functions below call themselves on shorter tuples: that is how Numba goes through a tuple.
"""

from numba.extending import overload


def cut(optimizer, slots, start, width):
    """Return the optimizer's slots of the weights [start, start + width): one view (width,) for each."""
    return tuple(slots[row, start : start + width] for row in range(len(type(optimizer).slots)))


def taken(views, c):
    """Return the values of weight `c` of some views."""
    return tuple(view[c] for view in views)


def put(views, c, values, others, live):
    """Write into the views of weight `c` the values where it is `live`, else the others."""
    for view, value, other in zip(views, values, others, strict=True):
        view[c] = value if live else other


def read(optimizer, slots, k):
    """Return the optimizer's slots of weight number `k`; cheaper than a view of one weight."""
    return tuple(slots[row, k] for row in range(len(type(optimizer).slots)))


def write(slots, k, values):
    """Set the slots of weight number `k`."""
    for row, value in enumerate(values):
        slots[row, k] = value


@overload(cut)
def _typed_cut(optimizer, slots, start, width):
    rows = tuple(range(len(optimizer.instance_class.slots)))
    return lambda optimizer, slots, start, width: _cut_rows(slots, rows, start, width)


def _cut_rows(slots, rows, start, width):
    raise NotImplementedError


@overload(_cut_rows)
def _typed_cut_rows(slots, rows, start, width):
    if not len(rows):
        return lambda slots, rows, start, width: ()

    def first_and_others(slots, rows, start, width):
        return (slots[rows[0], start : start + width], *_cut_rows(slots, rows[1:], start, width))

    return first_and_others


@overload(taken)
def _typed_taken(views, c):
    if not len(views):
        return lambda views, c: ()
    return lambda views, c: (views[0][c], *taken(views[1:], c))


@overload(put)
def _typed_put(views, c, values, others, live):
    if not len(views):
        return lambda views, c, values, others, live: None

    def first_and_others(views, c, values, others, live):
        views[0][c] = values[0] if live else others[0]
        put(views[1:], c, values[1:], others[1:], live)

    return first_and_others


@overload(read)
def _typed_read(optimizer, slots, k):
    rows = tuple(range(len(optimizer.instance_class.slots)))
    return lambda optimizer, slots, k: _read_rows(slots, rows, k)


def _read_rows(slots, rows, k):
    raise NotImplementedError


@overload(_read_rows)
def _typed_read_rows(slots, rows, k):
    if not len(rows):
        return lambda slots, rows, k: ()
    return lambda slots, rows, k: (slots[rows[0], k], *_read_rows(slots, rows[1:], k))


@overload(write)
def _typed_write(slots, k, values):
    rows = tuple(range(len(values)))
    return lambda slots, k, values: _write_rows(slots, rows, k, values)


def _write_rows(slots, rows, k, values):
    raise NotImplementedError


@overload(_write_rows)
def _typed_write_rows(slots, rows, k, values):
    if not len(rows):
        return lambda slots, rows, k, values: None

    def first_and_others(slots, rows, k, values):
        slots[rows[0], k] = values[0]
        _write_rows(slots, rows[1:], k, values[1:])

    return first_and_others
