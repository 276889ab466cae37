"""Every operation of cells against exact Python and NumPy, on generated columns, in one piece and in many."""

import math
import operator
from decimal import ROUND_HALF_EVEN, Context, Decimal
from itertools import repeat

import numpy as np
import pytest
from generated import LARGEST, alike, columns, doubles, in_many, tables
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy import special

pytestmark = pytest.mark.usefixtures("client")

law = settings(max_examples=3, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))

ARITHMETIC = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod, "**": operator.pow,
}  # fmt: skip
IN_DOUBLES = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "//": np.floor_divide, "%": np.mod, "**": np.power,
}  # fmt: skip
COMPARISONS = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
SCALARS = [0, 1, -3, 7, 2**53 + 1, -(2**60), 2**64, 0.5, -2.0, math.inf, math.nan, True]


def is_whole(cells):
    return any(isinstance(cell, int) for cell in cells) and not any(isinstance(cell, float) for cell in cells)


def one_exactly(sign, a, b):
    """Exact Python of two integers; None for missing, a float where the result is no integer."""
    if a is None or b is None:
        return None
    if sign in ("//", "%") and b == 0:
        return None if sign == "%" or a == 0 else math.copysign(math.inf, a)
    if sign == "**" and (b < 0 or (abs(a) > 1 and b > 64)):
        return 0.5  # no integer of int64
    return ARITHMETIC[sign](a, b)


def arithmetic(sign, left, right):
    """Exact integers where both sides are integers and int64 holds every cell, else doubles; no integer is -0.0."""
    whole = sign != "/" and is_whole(left) and is_whole(right)
    if whole:
        exact = [one_exactly(sign, a, b) for a, b in zip(left, right, strict=True)]
        if all(v is None or (isinstance(v, int) and abs(v) <= LARGEST) for v in exact):
            return exact
    with np.errstate(all="ignore"):
        a, b = doubles(left), doubles(right)
        result = np.where(np.isnan(a) | np.isnan(b), np.nan, IN_DOUBLES[sign](a, b))
    return (result + 0.0 if whole else result).tolist()


def comparison(sign, left, right):
    """Python compares int and float exactly; missing is unequal to all."""
    return [
        int(sign == "!=") if a is None or b is None else int(COMPARISONS[sign](a, b))
        for a, b in zip(left, right, strict=True)
    ]


def logic(sign, left, right):
    def one(a, b):
        known = [None if v is None else v != 0 for v in (a, b)]
        decided = sign == "|"
        return decided if decided in known else None if None in known else not decided

    return [None if (v := one(a, b)) is None else int(v) for a, b in zip(left, right, strict=True)]


def spread(value, count):
    """A scalar as a column of cells, as an operator takes it: integers beyond int64 as doubles, NaN as missing."""
    cell = None if value != value else int(value) if isinstance(value, int) and abs(value) <= LARGEST else float(value)
    return [cell] * count


ORACLES = {**dict.fromkeys(ARITHMETIC, arithmetic), **dict.fromkeys(COMPARISONS, comparison), "&": logic, "|": logic}
SIGNS = {**ARITHMETIC, **COMPARISONS, "&": operator.and_, "|": operator.or_}


def check(found, wanted):
    for cells, oracle in zip(columns(found), wanted, strict=True):
        alike(
            cells, [int(c) if isinstance(c, float) and c == int_or_self(c) and f_is_int(cells) else c for c in oracle]
        )


def int_or_self(cell):
    return int(cell) if math.isfinite(cell) else cell


def f_is_int(cells):
    return not any(isinstance(cell, float) for cell in cells)


@pytest.mark.parametrize("sign", SIGNS)
@law
@given(tables(), st.sampled_from(SCALARS))
def test_operators_between_columns_and_with_scalars(sign, made, scalar):
    table, sizes = made
    apply, oracle = SIGNS[sign], ORACLES[sign]
    cells, other = list(table.values()), spread(scalar, sum(sizes))
    frame = in_many(table, sizes)
    turned = frame[[*frame.names[1:], frame.names[0]]]
    check(apply(frame, turned), map(oracle, repeat(sign), cells, [*cells[1:], cells[0]]))
    check(apply(frame, frame["small"]), [oracle(sign, a, table["small"]) for a in cells])
    check(apply(frame["long"], frame), [oracle(sign, table["long"], b) for b in cells])
    if not (math.isnan(scalar) and sign in ("==", "!=")):  # that asks for missing cells
        check(apply(frame, scalar), [oracle(sign, a, other) for a in cells])
        check(apply(scalar, frame), [oracle(sign, other, b) for b in cells])
    assert columns(frame) == cells


# ---- functions of one cell -------------------------------------------------------------------------------------------
WHOLE = {
    "abs": abs, "sign": lambda v: (v > 0) - (v < 0), "floor": math.floor, "ceiling": math.ceil, "trunc": math.trunc,
}  # fmt: skip
REAL = {
    "sqrt": np.sqrt, "exp": np.exp, "expm1": np.expm1, "log": np.log, "log10": np.log10, "log1p": np.log1p,
    "log2": np.log2, "cos": np.cos, "sin": np.sin, "tan": np.tan, "cosh": np.cosh, "sinh": np.sinh, "tanh": np.tanh,
    "acos": np.arccos, "asin": np.arcsin, "atan": np.arctan, "acosh": np.arccosh, "asinh": np.arcsinh,
    "atanh": np.arctanh, "gamma": special.gamma, "lgamma": special.gammaln, "digamma": special.digamma,
    "trigamma": lambda x: special.polygamma(1, x),
}  # fmt: skip


@settings(law, max_examples=2)
@given(tables())
def test_functions_of_every_cell(made):
    table, sizes = made
    frame = in_many(table, sizes)
    for name, oracle in WHOLE.items():
        wanted = [[c if c is None or math.isinf(c) else oracle(c) for c in cells] for cells in table.values()]
        if name in ("abs", "sign"):
            wanted[4] = [None if c is None else float(getattr(np, name)(c)) + 0.0 for c in table["double"]]
        check(getattr(frame, name)(), wanted)
    for name, oracle in REAL.items():
        found = getattr(frame, name)()
        assert found.names == [f"{name}({one})" for one in frame.names]
        for cells, given_ in zip(columns(found), table.values(), strict=True):
            with np.errstate(all="ignore"):
                np.testing.assert_allclose(doubles(cells), oracle(doubles(given_)), rtol=1e-14)
    missing = [[int(c is None) for c in cells] for cells in table.values()]
    check(frame.isna(), missing)
    check(frame == None, missing)  # noqa: E711
    check(frame != math.nan, [[1 - m for m in cells] for cells in missing])
    check(~frame, [[None if c is None else int(c == 0) for c in cells] for cells in table.values()])
    check(-frame, [[None if c is None else -c for c in cells] for cells in table.values()])
    assert frame.nacnt() == [sum(cells) for cells in missing]


def significant(cell, digits):
    if cell is None or math.isinf(cell):
        return cell
    return type(cell)(Context(prec=digits, rounding=ROUND_HALF_EVEN).create_decimal(Decimal(cell)))


def rounded_to(cell, step):
    return None if cell is None else int((Decimal(cell) / step).quantize(0, ROUND_HALF_EVEN) * step)


@law
@given(tables(kinds=("small", "middle", "long", "double")), st.integers(1, 18), st.integers(-4, 12))
def test_rounding(made, digits, places):
    table, sizes = made
    frame, whole = in_many(table, sizes), ("small", "middle", "long")
    check(frame.signif(digits), [[significant(c, digits) for c in cells] for cells in table.values()])
    found = frame.round(places)
    step = 10 ** max(-places, 0)
    check(found[list(whole)], [[rounded_to(c, step) for c in table[name]] for name in whole])
    for before, after in zip(table["double"], columns(found["double"])[0], strict=True):
        assert (before is None) == (after is None)
        if before is not None and math.isfinite(before):
            # No further away than half a step, and as near to the decimal as a double can be.
            assert abs(Decimal(after) - Decimal(before)) <= Decimal(10) ** -places * Decimal("0.5000001")
            assert after == round(after, max(places, 0)) or abs(before) > 2**52


@law
@given(tables(kinds=("small",), missing=False))
def test_multiples_of_pi_are_exact(made):
    table, sizes = made
    halves = [c / 2 for c in table["small"]]
    frame = in_many({"x": halves}, sizes)
    cosine = [(1, 0, -1, 0)[int(2 * h) % 4] for h in halves]
    sine = [(0, 1, 0, -1)[int(2 * h) % 4] for h in halves]
    np.testing.assert_array_equal(doubles(columns(frame.cospi())[0]), cosine)
    np.testing.assert_array_equal(doubles(columns(frame.sinpi())[0]), sine)
    quarters = in_many({"x": [h + 0.25 for h in halves]}, sizes)
    np.testing.assert_allclose(
        doubles(columns(quarters.tanpi())[0]), np.tan(np.pi * doubles(halves) + np.pi / 4), 1e-12
    )


# ---- running results -------------------------------------------------------------------------------------------------
STEPS = {"cumsum": operator.add, "cumprod": operator.mul, "cummax": max, "cummin": min}


def run(step, cells):
    """The running result, missing from the first missing cell on: exact, or in doubles one after the other."""
    result, lost = [], False
    for cell in cells:
        lost = lost or cell is None or cell != cell
        result.append(math.nan if lost else cell if not result else step(result[-1], cell))
        lost = lost or result[-1] != result[-1]
    return result


def running(name, cells, exactly):
    whole = run(STEPS[name], cells)
    if exactly and all(v != v or abs(v) <= LARGEST for v in whole):
        return whole
    return run(STEPS[name], doubles(cells).tolist())


@law
@given(tables())
def test_running_results(made):
    table, sizes = made
    frame = in_many(table, sizes)
    whole = ["small", "long", "edge", "gone"]
    for name in STEPS:
        check(getattr(frame, name)(), [running(name, cells, is_whole(cells)) for cells in table.values()])
        rows = list(zip(*(table[n] for n in whole), strict=True))
        exactly = [run(STEPS[name], row) for row in rows]
        fits = all(v != v or abs(v) <= LARGEST for row in exactly for v in row)
        across = exactly if fits else [run(STEPS[name], doubles(row).tolist()) for row in rows]
        found = getattr(frame[whole], name)(axis=1)
        check(found, zip(*across, strict=True) if across else [[]] * 4)
    check(frame["long"].difflag1(), [arithmetic("-", table["long"], [None, *table["long"]][: sum(sizes)])])
    check(frame["double"].difflag1(), [arithmetic("-", table["double"], [None, *table["double"]][: sum(sizes)])])
