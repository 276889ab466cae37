"""A supervised model that starts from an autoencoder reads its columns as that does: its weights expect that scaling.

Source: docs/training.md 19.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from daskdl.encoding.encoder import Encoder, Response
from daskdl.model.model import Model
from daskdl.parameters import FieldError, Resolved
from daskdl.parameters.facts import refuse
from frames.chunks.column import Column
from frames.frame import H2OFrame

FIELD = "pretrained_autoencoder"


def encoder_of_autoencoder(
    pretrained: Model, resolved: Resolved, frame: H2OFrame, response: Response | None, key: str
) -> Encoder:
    """Return the autoencoder's encoder with the response and the roles of the supervised model.

    Raises H2OResponseError where the model is no autoencoder, or its columns or levels are not those of the new frame.
    """
    actual = resolved.actual
    if pretrained.category != "AutoEncoder":
        message = "The pretrained model must be unsupervised (an autoencoder), and the model to be trained must be "
        refuse(key, [FieldError(FIELD, f"{message}supervised; {pretrained.key} is a {pretrained.category} model.")])
    here = [frame.schema[name] for name in resolved.predictors]
    differences = _differences(pretrained.encoder.columns, here)
    if differences:
        message = f"The columns must be those of the pretrained autoencoder {pretrained.key}: {'; '.join(differences)}."
        refuse(key, [FieldError(FIELD, message)])
    return replace(
        pretrained.encoder,
        response=response,
        weights=actual.weights_column,
        offset=actual.offset_column,
        skip_missing=actual.missing_values_handling == "Skip",
    )


def _differences(theirs: Sequence[Column], ours: Sequence[Column]) -> list[str]:
    known, here = {c.name: c for c in theirs}, {c.name: c for c in ours}
    found = [f"'{name}' is not used here" for name in known if name not in here]
    found += [f"'{name}' is not known to it" for name in here if name not in known]
    for name in known:
        if name not in here:
            continue
        before, now = known[name].domain, here[name].domain
        if (before is None) != (now is None):
            found.append(f"'{name}' was {known[name].type} there and is {here[name].type} here")
        elif before is not None and now is not None and set(now) - set(before):
            found.append(f"'{name}' has levels that it does not know: {', '.join(sorted(set(now) - set(before))[:10])}")
    return found
