"""A model as an H2O MOJO: what H2O's public reader can express, and a sentence where it cannot."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from daskdl.encoding.categories import LevelInput
from daskdl.encoding.encoder import Encoder
from daskdl.export.mojo.archive import Mojo, array_text, packed
from daskdl.model.model import Model
from frames.exceptions import H2OValueError

INSTEAD = "export_java(), export_onnx() and export_numpy() write it"
ACTIVATIONS = ("Tanh", "Rectifier", "Maxout")
# Families under the names by which H2O's reader finds their inverse link.
FAMILIES = (*("bernoulli", "multinomial", "gaussian", "poisson", "gamma", "tweedie", "huber", "laplace", "quantile"),)


def mojo_bytes(model: Model) -> bytes:
    """Return a model as the zip that H2O's reader takes; the same bytes for the same model.

    Raises H2OValueError, with what writes it instead, for what the format cannot say, H2OJobError for unstable weights.
    """
    return packed(mojo_of(model))


def mojo_of(model: Model) -> Mojo:
    """Return what the archive of a model says. Raises as `mojo_bytes` does."""
    threshold = model.scorer().threshold  # refuses unstable weights
    encoder, resolved = model.encoder, model.resolved
    _require(model)
    categories = [one.column for one in encoder.levels]
    numbers = [one.column for one in encoder.numbers]
    columns = [*categories, *numbers, *([model.response] if model.response is not None else [])]
    domains = {i: encoder.domains[name] for i, name in enumerate(categories)}
    domain = model.domain if model.category in ("Binomial", "Multinomial") else None
    if domain is not None:
        domains[len(columns) - 1] = domain
    values: dict[str, Any] = {
        "h2o_version": "daskdl",
        "mojo_version": "1.00",
        "license": "Apache License Version 2.0",
        "algo": "deeplearning",
        "algorithm": "Deep Learning",
        "endianness": "LITTLE_ENDIAN",
        "category": model.category,
        "uuid": _identity(model),
        "supervised": model.response is not None,
        "n_features": len(categories) + len(numbers),
        "n_classes": len(domain) if domain is not None else 1,
        "n_columns": len(columns),
        "n_domains": len(domains),
        "balance_classes": model.class_shares is not None,
        "default_threshold": float(threshold),
        "prior_class_distrib": None if domain is None else _shares(model, 0, len(domain)),
        "model_class_distrib": None if domain is None else _shares(model, 1, len(domain)),
        "timestamp": "1980-01-01T00:00:00.000Z",
        "escape_domain_values": False,
        "mini_batch_size": resolved.batch,
        "nums": len(numbers),
        "cats": len(categories),
        "cat_offsets": encoder.offsets,
        **_scales(model),
        "use_all_factor_levels": bool(resolved.actual.use_all_factor_levels or model.category == "AutoEncoder"),
        "activation": resolved.actual.activation,
        "distribution": resolved.distribution.name if model.category != "AutoEncoder" else "gaussian",
        "mean_imputation": resolved.actual.missing_values_handling == "MeanImputation",
        "cat_modes": [len(one.units) - 1 for one in encoder.levels],
        "neural_network_sizes": [model.layout.inputs, *model.layout.hidden, model.layout.outputs],
        "hidden_dropout_ratios": [*(resolved.hidden_dropout or (0.0,) * len(model.layout.hidden)), 0.0],
        **_weights(model),
        "_genmodel_encoding": "AUTO",
        "_n_orig_names": 0,
        "_n_orig_domain_values": 0,
        "_orig_projection_array": None,
    }
    return Mojo({key: _text(value) for key, value in values.items()}, tuple(columns), domains)


def _require(model: Model) -> None:
    """Raise H2OValueError for what H2O's reader of this format would not predict as the model does."""
    encoder, resolved = model.encoder, model.resolved
    said = None
    if encoder.offset is not None:
        said = f"an offset_column ('{encoder.offset}'), which H2O's reader of deep-learning MOJOs leaves out"
    elif encoder.slots or any(one.values is not None for one in encoder.numbers) or not _plain(encoder):
        said = f"categorical_encoding {resolved.actual.categorical_encoding}, or hashed levels"
    elif resolved.activation.name not in ACTIVATIONS:
        said = f"the activation {resolved.activation.name}"
    elif model.category != "AutoEncoder" and resolved.distribution.name not in FAMILIES:
        said = f"the distribution {resolved.distribution.name}"
    elif model.category == "AutoEncoder" and any(one.fill != one.sub for one in encoder.numbers):
        said = "an autoencoder whose numbers are not standardized, so that a missing one is not 0"
    odd = next((name for name in _names(model) if name != name.strip() or "\n" in name or name[:1] in "#["), None)
    if odd is not None or "" in _names(model):
        said = f"a column whose name is no plain line of text ({odd!r})"
    if said is not None:
        raise H2OValueError(
            f"A model in MOJO format must be one that H2O's reader can score; {model.key} has {said}. {INSTEAD}."
        )


def _names(model: Model) -> list[str]:
    names = [*(one.column for one in model.encoder.levels), *(one.column for one in model.encoder.numbers)]
    return [*names, *([model.response] if model.response is not None else [])]


def _plain(encoder: Encoder) -> bool:
    """Whether each category has a unit per level in their order (but perhaps the first), then one for missing."""
    return all(_is_one_hot(one, len(encoder.domains[one.column])) for one in encoder.levels)


def _is_one_hot(one: LevelInput, levels: int) -> bool:
    units = list(one.units)
    return units in ([*range(levels), levels], [-1, *range(levels - 1), levels - 1])


def _scales(model: Model) -> dict[str, Any]:
    """Return how numbers are scaled: a missing one becomes 0, so what stands for it is subtracted (see `_weights`)."""
    numbers, answer = model.encoder.numbers, model.encoder.response
    scaled = answer is not None and answer.domain is None
    return {
        "norm_mul": [one.mul for one in numbers] if numbers else None,
        "norm_sub": [one.fill for one in numbers] if numbers else None,
        "norm_resp_mul": [answer.mul] if scaled and answer is not None else None,
        "norm_resp_sub": [answer.sub] if scaled and answer is not None else None,
    }


def _weights(model: Model) -> dict[str, np.ndarray]:
    """Return weights and biases per layer, maxout's two sums side by side.

    Inputs are `(x - fill) * mul` here and `(x - sub) * mul` in training; the first biases make up for the difference.
    """
    layout, buffer, made = model.layout, np.array(model.state.weights), {}
    for layer in range(1, layout.depth + 1):
        pieces, units = int(layout.channels[layer]), int(layout.units[layer])
        matrix = layout.matrix(buffer, layer)
        bias = layout.bias(buffer, layer).astype(np.float64)
        if layer == 1:
            moved = np.array([(one.fill - one.sub) * one.mul for one in model.encoder.numbers])
            bias = bias + layout.dense(buffer, 1).astype(np.float64) @ moved
        made[f"weight_layer{layer - 1}"] = matrix.reshape(pieces, units, -1).transpose(1, 2, 0).reshape(-1)
        made[f"bias_layer{layer - 1}"] = bias.reshape(pieces, units).T.reshape(-1)
    return made


def _shares(model: Model, which: int, classes: int) -> tuple[float, ...]:
    if model.class_shares is not None:
        return model.class_shares[which]
    return model.priors or (1.0 / classes,) * classes


def _identity(model: Model) -> str:
    """Return a number that tells this model's weights from others', as H2O's identifiers are written."""
    digest = hashlib.sha256(model.key.encode() + np.ascontiguousarray(model.state.weights).tobytes()).digest()
    return str(int.from_bytes(digest[:8], "big", signed=True))


def _text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | np.ndarray):
        return array_text(value)
    return str(value)
