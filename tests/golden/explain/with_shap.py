"""Write shap.json: what shap's DeepExplainer says of small networks (pip install shap torch; gigabytes, so not in CI).

    python tests/golden/explain/with_shap.py

Written with shap 0.51.0 and torch 2.14.1.
"""

import json
from pathlib import Path

import numpy as np
import shap
import torch

HIDDEN, INPUTS, ROWS, BACKGROUND = (5, 4), 4, 6, 9
ACTIVATIONS = {"Tanh": torch.nn.Tanh, "Rectifier": torch.nn.ReLU}


def network(weights, biases, activation, classes):
    """The layers of a network; two classes end in the logistic function of the difference of their logits."""
    layers = []
    for w, b in zip(weights, biases, strict=True):
        linear = torch.nn.Linear(w.shape[1], w.shape[0])
        linear.weight.data, linear.bias.data = torch.tensor(w), torch.tensor(b)
        layers += [linear, ACTIVATIONS[activation]()]
    layers.pop()
    if classes:
        difference = torch.nn.Linear(2, 1, bias=False)
        difference.weight.data = torch.tensor([[-1.0, 1.0]], dtype=torch.float64)
        layers += [difference, torch.nn.Sigmoid()]
    return torch.nn.Sequential(*layers).double()


def case(activation, classes, seed):
    """One network, its rows, and shap's answer."""
    rng = np.random.default_rng(seed)
    sizes = (INPUTS, *HIDDEN, 2 if classes else 1)
    weights = [rng.normal(size=(above, below)).astype(np.float32).astype(float) for below, above in zip(sizes, sizes[1:], strict=False)]
    biases = [rng.normal(size=above).astype(np.float32).astype(float) for above in sizes[1:]]
    x, r = (rng.normal(size=(count, INPUTS)).astype(np.float32).astype(float) for count in (ROWS, BACKGROUND))
    explainer = shap.DeepExplainer(network(weights, biases, activation, classes), torch.tensor(r))
    found = explainer.shap_values(torch.tensor(x))[:, :, 0]
    return {
        "activation": activation, "classes": classes, "weights": [w.tolist() for w in weights],
        "biases": [b.tolist() for b in biases], "rows": x.tolist(), "background": r.tolist(), "found": found.tolist(),
        "expected": float(explainer.expected_value[0]),
    }  # fmt: skip


if __name__ == "__main__":
    cases = [case(name, classes, seed) for seed, name in enumerate(ACTIVATIONS) for classes in (False, True)]
    Path(__file__).with_name("shap.json").write_text(json.dumps(cases))
