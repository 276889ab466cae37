"""A model made of an H2O deep-learning MOJO: weights, levels, scaling and distribution, to predict and train on."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from daskdl.coordinator.history import ScoringHistory
from daskdl.coordinator.machine import Coordinator
from daskdl.encoding.categories import MISSING_UNIT, LevelInput
from daskdl.encoding.encoder import Encoder, NumberInput, Response
from daskdl.export.mojo.archive import Mojo, read_archive
from daskdl.model.model import IMPORTED, Model
from daskdl.network.layout import Layout
from daskdl.parameters import Facts, Parameters, Resolved, resolve
from daskdl.training.plans import training_plan
from frames.chunks.column import Column
from frames.exceptions import H2OResponseError, H2OTypeError, H2OValueError, tell

PLAIN = ("AUTO", "OneHotInternal", "Enum", "null")  # encodings under which a column stays a column
MADE = (".Eigen", ".top_10_levels")  # the ends of names that encodings make
CATEGORIES = ("Binomial", "Multinomial", "Regression", "AutoEncoder")
# Families that differ in training only, by the one that predicts as they do.
SAME_ANSWER = {"quasibinomial": "bernoulli"}


def read_mojo(path: str | os.PathLike, key: str | None = None) -> Model:
    """Return the model in a MOJO file (a zip, or the folder it was unpacked to), under `key` or the file's name.

    It predicts what H2O's reader of the same file predicts, to single precision. What a MOJO does not hold is absent:
    metrics, scoring history, importances of the training, parameters that only training reads (their defaults stand).

    Raises FrameError for files that are missing or damaged, H2OValueError for what is no deep-learning MOJO or does not
    fit together. Example: ``read_mojo("DeepLearning_model.zip")``.
    """
    mojo = read_archive(path)
    return model_of(mojo, key or Path(path).stem)


def model_of(mojo: Mojo, key: str) -> Model:
    """Return the model that an archive describes. Raises H2OValueError where its parts do not fit together."""
    category = mojo.text("category")
    if category not in CATEGORIES:
        raise H2OValueError(f"The category of a MOJO must be one of {', '.join(CATEGORIES)}; got {category[:40]!r}.")
    encoder = _encoder(mojo, category)
    resolved = _resolved(mojo, encoder, category, key)
    layout, weights = _network(mojo, encoder, resolved)
    state = layout.empty()._replace(weights=weights)
    shares, priors = _shares(mojo)
    now = int(time.time() * 1000)
    return Model(
        key=key,
        parameters=resolved.actual,
        resolved=resolved,
        encoder=encoder,
        layout=layout,
        state=state,
        history=ScoringHistory(category),
        class_shares=shares,
        priors=priors,
        seen_missing=(True,) * len(encoder.levels),
        threshold=mojo.number("default_threshold", 0.5) if category == "Binomial" else None,
        progress=_untrained(resolved, layout, encoder),
        notes={IMPORTED: f"MOJO {mojo.text('mojo_version', '1.00')} of H2O {mojo.text('h2o_version', 'unknown')}"},
        start_time=now,
        end_time=now,
    )


def _require_plain(mojo: Mojo) -> None:
    """Raise H2OValueError for a model whose columns are not those of the data; tell of an offset that is left out."""
    encoding, original = mojo.text("_genmodel_encoding", "AUTO"), mojo.whole("_n_orig_names", 0)
    encoded = [name for name in mojo.columns if name.endswith(MADE)]
    if encoding not in PLAIN or (encoded and original):
        named = f"'{encoded[0]}'" if encoded else "encoded columns"
        raise H2OValueError(
            f"A MOJO must be of a model with categorical_encoding AUTO; this one has {encoding} ({named}): its "
            "columns are not those of the data. Train it with AUTO, or score it with H2O's own h2o-genmodel."
        )
    offset = mojo.text("offset_column", "null")
    if offset != "null":
        tell(f"The offset_column '{offset}' of the MOJO is left out, as H2O's reader does: predictions are without it.")


def _encoder(mojo: Mojo, category: str) -> Encoder:
    _require_plain(mojo)
    cats, nums = mojo.whole("cats"), mojo.whole("nums")
    if cats < 0 or nums < 0 or cats + nums < 1 or cats + nums > len(mojo.columns):
        raise H2OValueError(
            f"cats and nums of a MOJO must count columns that it names; got {cats} and {nums} of {len(mojo.columns)}."
        )
    names = mojo.columns[: cats + nums]
    bare = [names[i] for i in range(cats) if i not in mojo.domains]
    if bare:
        raise H2OValueError(f"Category '{bare[0]}' of a MOJO must have a file of levels; it has none.")
    starts = [int(one) for one in mojo.numbers("cat_offsets", [0])]
    if len(starts) != cats + 1 or starts[0] != 0 or any(np.diff(starts) < 1):
        raise H2OValueError(f"cat_offsets of a MOJO must be {cats + 1} rising numbers from 0; got {starts[:20]}.")
    first = 0 if mojo.flag("use_all_factor_levels", True) else 1
    for i, width in enumerate(np.diff(starts)):
        if width != len(mojo.domains[i]) + 1 - first:
            raise H2OValueError(
                f"cat_offsets of a MOJO must give '{names[i]}' a unit per level and one for missing, "
                f"{len(mojo.domains[i]) + 1 - first}; got {width}. Hashed levels are not read."
            )
    levels = tuple(_levels(names[i], mojo.domains[i], first, starts[i], starts[i + 1] - starts[i]) for i in range(cats))
    means, scales = (mojo.numbers(name, []) for name in ("norm_sub", "norm_mul"))
    if len(means) not in (0, nums) or len(scales) not in (0, nums):
        raise H2OValueError(
            f"norm_sub and norm_mul of a MOJO must have {nums} numbers; got {len(means)}, {len(scales)}."
        )
    numbers = tuple(
        # a missing number becomes 0 after scaling, as in H2O's reader
        NumberInput(name=name, column=name, sub=float(sub), mul=float(mul), fill=float(sub))
        for name, sub, mul in zip(
            names[cats:],
            means if len(means) else np.zeros(nums),
            scales if len(scales) else np.ones(nums),
            strict=True,
        )
    )
    columns = [Column(name, "enum", mojo.domains[i]) for i, name in enumerate(names[:cats])]
    columns += [Column(name, "real", None) for name in names[cats:]]
    return Encoder(levels=levels, numbers=numbers, columns=tuple(columns), response=_response(mojo, category))


def _levels(name: str, domain: tuple[str, ...], first: int, start: int, width: int) -> LevelInput:
    """Return the units of a category: one per level from `first` on, the last of `width` for a missing one."""
    last = width - 1
    units = tuple(-1 if code < first else min(code - first, last) for code in range(len(domain)))
    labels = [f"{name}.{level}" for level in domain[first : first + last]]
    labels += [f"{name}.{MISSING_UNIT}"] * (width - len(labels))
    return LevelInput(name=name, column=name, units=(*units, last), labels=tuple(labels), start=start)


def _response(mojo: Mojo, category: str) -> Response | None:
    if category == "AutoEncoder":
        return None
    if not mojo.flag("supervised", True) or len(mojo.columns) <= mojo.whole("cats") + mojo.whole("nums"):
        raise H2OValueError("The last column of a supervised MOJO must be the response; it names predictors only.")
    name, place = mojo.columns[-1], len(mojo.columns) - 1
    if category == "Regression":
        sub, mul = (mojo.numbers(key, [value]) for key, value in (("norm_resp_sub", 0.0), ("norm_resp_mul", 1.0)))
        return Response(name, None, float(sub[0]), float(mul[0]))
    domain = mojo.domains.get(place)
    if domain is None or len(domain) != mojo.whole("n_classes"):
        raise H2OValueError(f"The response '{name}' of a MOJO must have {mojo.text('n_classes')} levels; it does not.")
    return Response(name, domain)


def _resolved(mojo: Mojo, encoder: Encoder, category: str, key: str) -> Resolved:
    sizes = mojo.numbers("neural_network_sizes").astype(int)
    activation, dropped = mojo.text("activation"), mojo.numbers("hidden_dropout_ratios", [])
    family = mojo.text("distribution", "AUTO")
    given: dict[str, Any] = {
        "hidden": [int(one) for one in sizes[1:-1]],
        "activation": activation,
        "distribution": "AUTO" if category == "AutoEncoder" else SAME_ANSWER.get(family, family),
        "autoencoder": category == "AutoEncoder",
        "mini_batch_size": mojo.whole("mini_batch_size", 1),
        "use_all_factor_levels": mojo.flag("use_all_factor_levels", True),
        "standardize": mojo.info.get("norm_mul", "null") != "null" or not encoder.numbers,
        "balance_classes": mojo.flag("balance_classes", False),
        "missing_values_handling": "MeanImputation" if mojo.flag("mean_imputation", True) else "Skip",
    }
    if activation.endswith("WithDropout"):
        given["hidden_dropout_ratios"] = [float(one) for one in dropped[: len(sizes) - 2]]
    domain = () if encoder.response is None else encoder.response.domain or ()
    facts = Facts(
        rows=0,
        response=None if encoder.response is None else encoder.response.name,
        classes=0 if encoder.response is None else len(domain) or 1,
        response_type="enum" if domain else "real",
        levels=domain,
        predictors=tuple(encoder.sources),
        response_low=0.0 if family in ("poisson", "gamma", "tweedie") else -math.inf,
    )
    try:
        return resolve(Parameters(**given), facts, key)
    except (H2OTypeError, H2OResponseError) as cause:
        raise H2OValueError(f"A MOJO must describe a model that daskdl can train, too. {cause}") from cause


def _network(mojo: Mojo, encoder: Encoder, resolved: Resolved) -> tuple[Layout, np.ndarray]:
    """Return the layout and the weights (size,) float32; maxout's two sums lie side by side in a MOJO."""
    layout = Layout(
        levels=encoder.level_units,
        numbers=len(encoder.numbers),
        hidden=tuple(resolved.actual.hidden),
        outputs={"AutoEncoder": encoder.width, "Regression": 1}.get(resolved.category, resolved.classes),
        pieces=resolved.activation.pieces,
        slots=len(resolved.optimizer.slots),
    )
    said = [int(one) for one in mojo.numbers("neural_network_sizes")]
    units = [layout.inputs, *layout.hidden, layout.outputs]
    if said != units:
        raise H2OValueError(f"neural_network_sizes of a MOJO must be {units}, as its columns tell; got {said[:20]}.")
    buffer = layout.empty().weights
    for layer in range(1, layout.depth + 1):
        pieces = int(layout.channels[layer])
        shape = (units[layer], units[layer - 1], pieces)
        matrix = _sized(mojo, f"weight_layer{layer - 1}", shape).transpose(2, 0, 1).reshape(-1, shape[1])
        layout.set_matrix(buffer, layer, matrix.astype(np.float32))
        bias = _sized(mojo, f"bias_layer{layer - 1}", (units[layer], pieces))
        layout.bias(buffer, layer)[:] = bias.T.reshape(-1)
    if not np.isfinite(buffer).all():
        raise H2OValueError("Weights of a MOJO must be finite numbers; some are not. The model was unstable.")
    return layout, buffer


def _untrained(resolved: Resolved, layout: Layout, encoder: Encoder) -> dict[str, Any]:
    """Return the record of a job that has trained nothing yet, so that the model can be a checkpoint."""
    plan = training_plan(resolved, layout, len(encoder.levels), rows=[1], validated=False, workers={"": 1})
    return Coordinator(plan).to_dict()


def _sized(mojo: Mojo, key: str, shape: tuple[int, ...]) -> np.ndarray:
    found = mojo.numbers(key)
    if len(found) != math.prod(shape):
        raise H2OValueError(
            f"{key} of a MOJO must have {math.prod(shape)} numbers; it has {len(found)}. Copy it again."
        )
    return found.reshape(shape)


def _shares(mojo: Mojo) -> tuple[tuple[tuple[float, ...], tuple[float, ...]] | None, tuple[float, ...] | None]:
    """Return the (prior, model) class shares of balanced classes, and the priors, which decide between equals."""
    prior, made = (tuple(mojo.numbers(key, []).tolist()) for key in ("prior_class_distrib", "model_class_distrib"))
    if not prior:
        return None, None
    balanced = mojo.flag("balance_classes", False) and len(made) == len(prior)
    return ((prior, made) if balanced else None), prior
