"""The online kernel: one update per row, the algorithm of H2O. Source: training sections 4-8."""

import numpy as np

from daskdl.kernels.jit import kernel
from daskdl.kernels.passes import backward, forward, load_row, output_errors, sum_table


@kernel
def train_rows(activation, distribution, optimizer, penalties, pull, network, rows, settings, scratch):
    """Train on the rows of a window in their order; return how many moved the network (weight above 0)."""
    if penalties.max_w2 < np.float32(np.inf):
        sum_table(network, scratch.norms)
    trained = 0
    for i in range(len(rows.weight)):
        if rows.weight[i] == np.float32(0):
            continue
        load_row(network, rows, i, settings, scratch)
        forward(activation, network, settings, scratch, rows.identity[i])
        output_errors(distribution, network, rows, i, settings, scratch)
        backward(activation, optimizer, penalties, pull, network, settings, scratch)
        trained += 1
    return trained
