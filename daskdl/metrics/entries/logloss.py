"""The logarithmic loss."""

import numpy as np

from daskdl.metrics.metric import CLASSES, Mean, Metric

LEAST_PROBABILITY = 1e-15  # logloss never takes the logarithm of less

LOGLOSS = Metric(
    "logloss",
    "mean negative logarithm of the probability of the actual class (classification)",
    dict.fromkeys(CLASSES, Mean(lambda seen, _: -np.log(np.maximum(seen.held, LEAST_PROBABILITY)))),
    place=6,
    history=dict.fromkeys(CLASSES, 2),
    label="LogLoss",
    default_of=CLASSES,
    judges_columns_of=("Multinomial",),
)
