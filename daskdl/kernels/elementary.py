"""exp, log and tanh for formulas: NumPy's in Python; in kernels float32 polynomials without branches.

LLVM turns loops over the polynomials into vector code, where Numba would call the C library for one number at a time
unless Intel's SVML is installed. They stay within 2 units in the last place of the true value over the whole range of
float32, subnormal numbers, infinities and NaN included.
Source: Cody and Waite 1980 (reduction of the argument); the polynomials are those of Moshier's Cephes library.
"""

import numpy as np

from daskdl.kernels.jit import exact_kernel, in_kernels

f4 = np.float32
LOG2_E = f4(1.4426950408889634)
# ln 2 in two parts: `n * LN2_HIGH` is exact for every exponent n, as the high part has nine bits
LN2_HIGH, LN2_LOW = f4(0.693359375), f4(-2.12194440e-4)
EXP_TOP, EXP_BOTTOM = f4(89.0), f4(-104.0)  # beyond these the result is infinite, or 0
SMALLEST_NORMAL = f4(1.1754943508222875e-38)
SQRT_HALF = f4(0.70710678118654752)


@exact_kernel
def power_of_two(n):
    """Return 2**n as float32 for an int32 `n` in [-126, 127]."""
    return np.int32((n + np.int32(127)) << np.int32(23)).view(np.float32)


@exact_kernel
def exp_float32(x):
    """Return e**x; above 88.7 infinity, below -103.9 zero."""
    z = EXP_TOP if x > EXP_TOP else x
    z = EXP_BOTTOM if z < EXP_BOTTOM else z
    n = np.floor(z * LOG2_E + f4(0.5))
    r = z - n * LN2_HIGH
    r = r - n * LN2_LOW
    p = f4(1.9875691500e-4)
    p = p * r + f4(1.3981999507e-3)
    p = p * r + f4(8.3334519073e-3)
    p = p * r + f4(4.1665795894e-2)
    p = p * r + f4(1.6666665459e-1)
    p = p * r + f4(5.0000001201e-1)
    y = (p * (r * r) + r) + f4(1)
    whole = np.int32(n if n == n else f4(0))
    half = np.int32(whole >> np.int32(1))  # in two steps, so that subnormal results and 2**128 are reached
    return y * power_of_two(half) * power_of_two(np.int32(whole - half))


@exact_kernel
def log_float32(x):
    """Return the natural logarithm; minus infinity at 0, NaN below."""
    tiny = x < SMALLEST_NORMAL
    bits = np.float32(x * (f4(16777216.0) if tiny else f4(1))).view(np.int32)
    e = f4((bits >> np.int32(23)) - np.int32(126)) - (f4(24) if tiny else f4(0))
    m = np.int32((bits & np.int32(0x007FFFFF)) | np.int32(0x3F000000)).view(np.float32)  # in [0.5, 1)
    low = m < SQRT_HALF
    e = e - (f4(1) if low else f4(0))
    z = m * (f4(2) if low else f4(1)) - f4(1)
    p = f4(7.0376836292e-2)
    p = p * z + f4(-1.1514610310e-1)
    p = p * z + f4(1.1676998740e-1)
    p = p * z + f4(-1.2420140846e-1)
    p = p * z + f4(1.4249322787e-1)
    p = p * z + f4(-1.6668057665e-1)
    p = p * z + f4(2.0000714765e-1)
    p = p * z + f4(-2.4999993993e-1)
    p = p * z + f4(3.3333331174e-1)
    square = z * z
    y = (p * z) * square
    y = y + e * LN2_LOW
    y = y - f4(0.5) * square
    y = (z + y) + e * LN2_HIGH
    y = y if x < f4(np.inf) else x  # infinity and NaN
    y = f4(np.nan) if x < f4(0) else y
    return f4(-np.inf) if x == f4(0) else y


@exact_kernel
def tanh_float32(x):
    """Return the hyperbolic tangent; small numbers keep their full relative accuracy."""
    size = np.abs(x)
    square = x * x
    p = f4(-5.70498872745e-3)
    p = p * square + f4(2.06390887954e-2)
    p = p * square + f4(-5.37397155531e-2)
    p = p * square + f4(1.33314422036e-1)
    p = p * square + f4(-3.33332819422e-1)
    near = (p * square) * x + x
    far = f4(1) - f4(2) / (exp_float32(size + size) + f4(1))
    far = -far if x < f4(0) else far
    return near if size < f4(0.625) else far


def exp(x):
    """Return e**x of one number or of many."""
    return np.exp(x)


def log(x):
    """Return the natural logarithm of one number or of many."""
    return np.log(x)


def tanh(x):
    """Return the hyperbolic tangent of one number or of many."""
    return np.tanh(x)


@in_kernels(exp)
def _exp(x):
    return lambda x: exp_float32(np.float32(x))


@in_kernels(log)
def _log(x):
    return lambda x: log_float32(np.float32(x))


@in_kernels(tanh)
def _tanh(x):
    return lambda x: tanh_float32(np.float32(x))
