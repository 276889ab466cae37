"""The one matrix product of the training kernels: a tile of sums held in vector registers.

A tile is up to `TILE` sums of `LANES` numbers each; every step adds a scalar times a vector to each of them:

    out[u, lane] (+)= sum over k of scalars[u, k] * vectors[k, lane]

Scalars are read where they lie, through two strides, so nothing is packed or transposed first: the same tile serves the
forward pass (scalars: weights), the errors of the layer below (weights, the other way round) and the gradient of a
batch (scalars: errors). Numba's own vectorising cannot keep such sums in registers, and BLAS packs its matrices anew
for every few rows; at 16 rows this is two to three times faster than either. The order of the sums is fixed.
"""

import numba
import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.extending import intrinsic

from daskdl.kernels.jit import in_kernels, kernel

LANES = 16  # float32 in one AVX-512 register; LLVM splits the vectors where registers are shorter
CONTRACT = ("contract",)


def largest_tile() -> int:
    """Return how many sums fit into the registers of the processor that kernels are compiled for, with what they need.

    32 registers of `LANES` numbers (AVX-512) hold eight with ease. 16 of half the length (AVX2) hold four: with eight,
    every step would write sums to memory and read them back, at a third of the speed. So do 32 of a quarter (NEON).
    The order in which a sum is added up does not depend on it, so neither do bits.
    """
    asked = numba.config.CPU_FEATURES, numba.config.CPU_NAME  # pyright: ignore[reportAttributeAccessIssue]
    if any(asked):
        return 8 if "+avx512f" in (asked[0] or "") else 4
    return 8 if binding.get_host_cpu_features().get("avx512f", False) else 4


TILE = largest_tile()


def _tile(height):
    """Return the intrinsic `tile(out, o, so, scalars, a, su, sk, vectors, v, sv, steps, fresh)` of so many sums."""

    @intrinsic
    def tile(context, out, o, so, scalars, a, su, sk, vectors, v, sv, steps, fresh):
        i8 = types.int64
        signature = types.none(out, i8, i8, scalars, i8, i8, i8, vectors, i8, i8, i8, types.boolean)
        return signature, lambda *given: _generate(height, *given)

    return tile


def _generate(height, context, builder, signature, arguments):
    """Write the loop of a tile in LLVM's language; the loop variables are the sums themselves."""
    _, o, so, _, a, su, sk, _, v, sv, steps, fresh = arguments
    out, scalars, vectors = (_data(context, builder, signature, arguments, k) for k in (0, 3, 7))
    integer, vector = ir.IntType(64), ir.VectorType(ir.FloatType(), LANES)
    rows = [builder.add(a, builder.mul(su, integer(u))) for u in range(height)]
    places = [builder.add(o, builder.mul(so, integer(u))) for u in range(height)]
    with builder.if_else(fresh) as (begin, go_on):
        with begin:
            from_zero = builder.block
        with go_on:
            old = [_load(builder, out, place, vector) for place in places]
            from_old = builder.block
    zero = ir.Constant(vector, [0.0] * LANES)
    start = [_join(builder, (zero, from_zero), (one, from_old)) for one in old]
    before, loop, after = builder.block, builder.append_basic_block("tile"), builder.append_basic_block("tile.end")
    builder.cbranch(builder.icmp_signed(">", steps, integer(0)), loop, after)
    builder.position_at_end(loop)
    k = _join(builder, (integer(0), before))
    sums = [_join(builder, (one, before)) for one in start]
    x = _load(builder, vectors, builder.add(v, builder.mul(k, sv)), vector)
    shift = builder.mul(k, sk)
    more = [_step(builder, scalars, builder.add(row, shift), x, total) for row, total in zip(rows, sums, strict=True)]
    following = builder.add(k, integer(1))
    for phi, value in zip((k, *sums), (following, *more), strict=True):
        phi.add_incoming(value, loop)
    builder.cbranch(builder.icmp_signed("<", following, steps), loop, after)
    builder.position_at_end(after)
    ends = [_join(builder, (first, before), (last, loop)) for first, last in zip(start, more, strict=True)]
    for end, place in zip(ends, places, strict=True):
        _store(builder, out, place, end)
    return context.get_dummy_value()


def _data(context, builder, signature, arguments, k):
    return context.make_array(signature.args[k])(context, builder, arguments[k]).data


def _join(builder, *sources):
    phi = builder.phi(sources[0][0].type)
    for value, block in sources:
        phi.add_incoming(value, block)
    return phi


def _load(builder, base, place, vector):
    value = builder.load(builder.bitcast(builder.gep(base, [place]), vector.as_pointer()))
    value.align = 4
    return value


def _store(builder, base, place, value):
    done = builder.store(value, builder.bitcast(builder.gep(base, [place]), value.type.as_pointer()))
    done.align = 4


def _step(builder, scalars, place, x, total):
    """Return total + scalar * x, fused where the machine can."""
    none = ir.Constant(x.type, ir.Undefined)
    one = builder.insert_element(none, builder.load(builder.gep(scalars, [place])), ir.IntType(32)(0))
    everywhere = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    spread = builder.shuffle_vector(one, none, everywhere)
    return builder.fadd(total, builder.fmul(spread, x, flags=CONTRACT), flags=CONTRACT)


_LARGE, _FOUR, _ONE = _tile(TILE), _tile(4), _tile(1)


def tiles(height, out, o, so, scalars, a, su, sk, vectors, v, sv, steps, fresh):
    """Compute `height` sums of vectors; all places and strides count float32 in flat arrays.

    Sum u lies at `out[o + so * u]`, its scalar of step k at `scalars[a + su * u + sk * k]`, the vector of step k at
    `vectors[v + sv * k]`. `fresh` begins at zero, otherwise what `out` holds is added to.
    """
    for u in range(height):
        total = out[o + so * u : o + so * u + LANES]
        if fresh:
            total[:] = np.float32(0)
        for k in range(steps):
            total += scalars[a + su * u + sk * k] * vectors[v + sv * k : v + sv * k + LANES]


@in_kernels(tiles)
def _tiles(height, out, o, so, scalars, a, su, sk, vectors, v, sv, steps, fresh):
    return _compiled_tiles


def _compiled_tiles(height, out, o, so, scalars, a, su, sk, vectors, v, sv, steps, fresh):
    o, so, a, su, sk = np.int64(o), np.int64(so), np.int64(a), np.int64(su), np.int64(sk)
    v, sv, steps = np.int64(v), np.int64(sv), np.int64(steps)
    u = 0
    while u + TILE <= height:
        _LARGE(out, o + so * u, so, scalars, a + su * u, su, sk, vectors, v, sv, steps, fresh)
        u += TILE
    while u + 4 <= height:
        _FOUR(out, o + so * u, so, scalars, a + su * u, su, sk, vectors, v, sv, steps, fresh)
        u += 4
    while u < height:
        _ONE(out, o + so * u, so, scalars, a + su * u, su, sk, vectors, v, sv, steps, fresh)
        u += 1


@kernel
def turn(source, s, width, target, t, pitch, count):
    """Copy `count` rows of a panel `(width, LANES)` at `source[s:]` to rows of `pitch` numbers at `target[t:]`."""
    for lane in range(count):
        row = target[t + lane * pitch : t + lane * pitch + width]
        for c in range(width):
            row[c] = source[s + c * LANES + lane]
