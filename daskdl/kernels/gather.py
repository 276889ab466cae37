"""From narrow stored codes to scaled float32 inputs, for any choice of rows."""

import numpy as np

from daskdl.kernels.jit import kernel


@kernel
def fill_numbers(data, index, at, factor, shift, missing, fill, slots, dense, out):
    """Write rows `index` of a stored block into rows `at` of `out`, columns `slots`: code * factor + shift.

    data (rows, k) any number type; factor, shift, missing, fill (k,) float64; out (window, inputs) float32. A code that
    equals `missing` (NaN: none does), or is NaN, becomes `fill`. `dense` says that the slots follow each other and that
    no code can be missing: the loop then vectorises.
    """
    for j in range(len(index)):
        row = data[index[j]]
        target = out[at[j]]
        if dense:
            part = target[slots[0] : slots[0] + len(slots)]
            for k in range(len(slots)):
                part[k] = np.float32(np.float64(row[k]) * factor[k] + shift[k])
        else:
            for k in range(len(slots)):
                code = np.float64(row[k])
                value = fill[k] if code == missing[k] or code != code else code * factor[k] + shift[k]
                target[slots[k]] = np.float32(value)
