"""The numbers that an optimizer keeps for each weight, as a tuple of float32 values.

`slots` of a network is `(k, size)`; how many of its rows an optimizer has, its class says, so that kernels unroll them.
The functions below call themselves on shorter tuples: that is how Numba goes through a tuple. Loops that shall become
vector code give the weight's number as uint64: a signed one might count from the end.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from daskdl.kernels.jit import in_kernels


def read(optimizer, slots, k):
    """Return the optimizer's slots of weight number `k`."""
    return tuple(slots[row, k] for row in range(len(type(optimizer).slots)))


def write(slots, k, values):
    """Set the slots of weight number `k`."""
    for row, value in enumerate(values):
        slots[row, k] = value


def pick(live, values, others):
    """Return the values where `live`, else the others."""
    return tuple(value if live else other for value, other in zip(values, others, strict=True))


def choose(live, new, old):
    """Return the weight `new` where `live`, else `old`, as it was read from where the result is written to.

    Kernels select without a branch and behind a `freeze`, by which LLVM cannot tell that `old` is what is there. Else
    it makes a masked store of the two, and AMD's processors take longer for those than for the roots of a step.
    """
    return new if live else old


@in_kernels(choose)
def _typed_choose(live, new, old):
    return lambda live, new, old: _select_frozen(live, new, old)


@intrinsic
def _select_frozen(context, live, new, old):
    def generate(context, builder, signature, arguments):
        flag, one, other = arguments
        frozen = ir.instructions.Instruction(builder.block, other.type, "freeze", [other])
        builder._insert(frozen)  # llvmlite has no call for this instruction
        return builder.select(flag, one, frozen)

    return types.float32(types.boolean, types.float32, types.float32), generate


@in_kernels(read)
def _typed_read(optimizer, slots, k):
    rows = tuple(range(len(optimizer.instance_class.slots)))
    return lambda optimizer, slots, k: _read_rows(slots, rows, k)


def _read_rows(slots, rows, k):
    raise NotImplementedError


@in_kernels(_read_rows)
def _typed_read_rows(slots, rows, k):
    if not len(rows):
        return lambda slots, rows, k: ()
    return lambda slots, rows, k: (slots[rows[0], k], *_read_rows(slots, rows[1:], k))


@in_kernels(write)
def _typed_write(slots, k, values):
    rows = tuple(range(len(values)))
    return lambda slots, k, values: _write_rows(slots, rows, k, values)


def _write_rows(slots, rows, k, values):
    raise NotImplementedError


@in_kernels(_write_rows)
def _typed_write_rows(slots, rows, k, values):
    if not len(rows):
        return lambda slots, rows, k, values: None

    def first_and_others(slots, rows, k, values):
        slots[rows[0], k] = values[0]
        _write_rows(slots, rows[1:], k, values[1:])

    return first_and_others


@in_kernels(pick)
def _typed_pick(live, values, others):
    if not len(values):
        return lambda live, values, others: ()
    return lambda live, values, others: (
        values[0] if live else others[0],
        *pick(live, values[1:], others[1:]),
    )
