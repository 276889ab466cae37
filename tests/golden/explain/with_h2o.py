"""Write h2o.json: networks that H2O 3.46 trained, and what its predict_contributions says of them.

    python tests/golden/explain/with_h2o.py      (pip install h2o; it needs Java)

Maxout's two sums lie side by side in what H2O exports; here they are kept one after the other, as daskdl has them.
"""

import json
from pathlib import Path

import h2o
import numpy as np
import pandas as pd
from h2o.estimators import H2ODeepLearningEstimator

ROWS, BACKGROUND = 5, 7
CASES = [
    ("Tanh", "y", "gaussian", True), ("Rectifier", "y", "gaussian", False), ("Maxout", "y", "gaussian", True),
    ("RectifierWithDropout", "y", "gaussian", True), ("MaxoutWithDropout", "y", "gaussian", False),
    ("Tanh", "count", "poisson", True),
]  # fmt: skip


def table():
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"a": rng.normal(size=60), "b": rng.normal(size=60) * 3 + 1, "c": rng.choice(list("uvw"), 60)})
    rows["y"] = rows.a * 2 - rows.b + (rows.c == "u") + rng.normal(size=60) * 0.1
    rows["count"] = rows.y.abs().round()
    return rows


def layers(model, maxout):
    """Weights and biases of all layers as nested lists."""
    weights = [model.weights(k).as_data_frame().to_numpy() for k in range(3)]
    biases = [model.biases(k).as_data_frame().to_numpy().ravel() for k in range(3)]
    if maxout:
        for k in range(2):
            above, below = weights[k].shape
            pairs = weights[k].ravel().reshape(above // 2, below, 2)
            weights[k] = np.concatenate([pairs[:, :, 0], pairs[:, :, 1]])
            biases[k] = biases[k].reshape(-1, 2).T.ravel()
    return [w.tolist() for w in weights], [b.tolist() for b in biases]


def case(frame, activation, y, distribution, standardize):
    model = H2ODeepLearningEstimator(
        activation=activation, distribution=distribution, standardize=standardize, hidden=[4, 3], epochs=2, seed=1,
        reproducible=True, export_weights_and_biases=True,
    )  # fmt: skip
    model.train(x=["a", "b", "c"], y=y, training_frame=frame)
    background = frame[ROWS : ROWS + BACKGROUND, :]
    asked = {"background_frame": background, "output_per_reference": True}
    found = {form: model.predict_contributions(frame[:ROWS, :], output_format=form, **asked).as_data_frame() for form in ("Original", "Compact")}
    weights, biases = layers(model, activation.startswith("Maxout"))
    scaled = standardize and distribution == "gaussian"
    return {
        "activation": activation, "distribution": distribution, "weights": weights, "biases": biases,
        "mul": model.normmul() if standardize else [1.0, 1.0], "sub": model.normsub() if standardize else [0.0, 0.0],
        "response_mul": model.respmul()[0] if scaled else 1.0, "response_sub": model.respsub()[0] if scaled else 0.0,
        "found": {form: one.to_dict("list") for form, one in found.items()},
        "prediction": model.predict(frame[: ROWS + BACKGROUND, :]).as_data_frame()["predict"].tolist(),
    }  # fmt: skip


if __name__ == "__main__":
    h2o.init()
    h2o.no_progress()
    rows = table()
    frame = h2o.H2OFrame(rows, column_types={"c": "enum"})
    cases = [case(frame, *one) for one in CASES]
    kept = rows[["a", "b", "c"]][: ROWS + BACKGROUND].to_dict("list")
    Path(__file__).with_name("h2o.json").write_text(json.dumps({"rows": kept, "cases": cases}))
