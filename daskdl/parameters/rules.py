"""The rules between parameters, and between parameters and data: all errors found at once, and the warnings."""

import math
import os

from daskdl.kernels.activations import ACTIVATIONS
from daskdl.kernels.distributions import DISTRIBUTIONS
from daskdl.kernels.optimizers import OPTIMIZERS, asked, optimizer_of
from daskdl.kernels.schedules import SCHEDULES
from daskdl.kernels.spec import Spec
from daskdl.metrics.metric import CLASSES
from daskdl.metrics.registry import metric_named, names
from daskdl.parameters.choices import suits
from daskdl.parameters.chosen import activation_of, asked_distribution, distribution_of, drops_units, schedule_of
from daskdl.parameters.declared import Parameters
from daskdl.parameters.facts import Facts, FieldError


def check(parameters: "Parameters", facts: Facts) -> tuple[list[FieldError], list[str]]:
    """Return all errors and all warnings for these parameters on these data; an empty error list means: may train."""
    errors = list(facts.problems)
    for rule in (
        _ranges,
        _network,
        _optimizer,
        _classes,
        _response,
        _stopping,
        _cross_validation,
        _autoencoder,
        _encoding,
        _starts,
    ):
        errors += rule(parameters, facts)
    return errors, [*facts.notes, *_warnings(parameters)]


def is_classifier(parameters: "Parameters", facts: Facts) -> bool:
    """Tell whether the response is categorical (and there is one)."""
    return not parameters.autoencoder and facts.response_type == "enum"


def category_of(parameters: "Parameters", facts: Facts) -> str:
    """Return the category of model: Binomial, Multinomial, Regression or AutoEncoder."""
    if parameters.autoencoder:
        return "AutoEncoder"
    if not is_classifier(parameters, facts):
        return "Regression"
    return "Binomial" if facts.classes == 2 else "Multinomial"


def inactive(parameters: "Parameters") -> set[str]:
    """Return the parameters that have no effect in this combination; their values are not judged."""
    names = set(_of_other_optimizers(parameters))
    for kind in SCHEDULES.values():
        if not isinstance(schedule_of(parameters), kind):
            names |= _unjudged(kind)
    for kind in DISTRIBUTIONS.values():
        if parameters.distribution != kind.name and parameters.loss not in kind.losses:
            names |= _unjudged(kind)
    for kind in ACTIVATIONS.values():
        if not isinstance(activation_of(parameters), kind):
            names |= _unjudged(kind)
    if parameters.initial_weight_distribution == "UniformAdaptive":
        names.add("initial_weight_scale")
    return names


def _of_other_optimizers(parameters: "Parameters") -> dict[str, str]:
    """Return the parameters of optimizers that were not chosen, and what chooses them."""
    own = {one.parameter for one in optimizer_of(parameters).declared().values()}
    every = {one.parameter: kind.asked_as() for kind in OPTIMIZERS.values() for one in kind.declared().values()}
    return {name: choice for name, choice in every.items() if name not in own}


def _unjudged(kind: type[Spec]) -> set[str]:
    """Return the parameters of a choice that was not made."""
    return {one.parameter for one in kind.declared().values() if not one.always}


def _ranges(p: "Parameters", _: Facts) -> list[FieldError]:
    skip = inactive(p) | {"nfolds"}  # nfolds words its own error below
    return [FieldError(name, complaint) for name, complaint in p.complaints().items() if name not in skip]


def _network(p: "Parameters", _: Facts) -> list[FieldError]:
    errors = []
    ratios = p.hidden_dropout_ratios
    if ratios is not None:
        if not drops_units(p):
            message = f"hidden_dropout_ratios need an activation WithDropout; got {p.activation}."
            errors.append(FieldError("hidden_dropout_ratios", message))
        if len(ratios) != len(p.hidden):
            message = f"Must have {len(p.hidden)} hidden layer dropout ratios, one per hidden layer; got {len(ratios)}."
            errors.append(FieldError("hidden_dropout_ratios", message))
    if p.sparse and p.elastic_averaging:
        errors.append(FieldError("elastic_averaging", "Cannot use elastic averaging for sparse data."))
    folder = p.export_checkpoints_dir
    if folder is not None and "://" not in folder and not _writable(folder):
        errors.append(FieldError("export_checkpoints_dir", f"Folder '{folder}' must be writable."))
    return errors


def _optimizer(p: "Parameters", _: Facts) -> list[FieldError]:
    if p.optimizer == "adadelta" and not p.adaptive_rate:
        message = "optimizer 'adadelta' and adaptive_rate=False contradict each other. Leave one of them out."
        return [FieldError("optimizer", message)]
    return []


def _writable(folder: str) -> bool:
    """Say whether a folder can be written; one that is made later counts as its nearest existing parent."""
    path = os.path.abspath(folder)
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return os.path.isdir(path) and os.access(path, os.W_OK)


def _classes(p: "Parameters", facts: Facts) -> list[FieldError]:
    errors = []
    factors = p.class_sampling_factors
    if p.balance_classes and not is_classifier(p, facts):
        errors.append(FieldError("balance_classes", "balance_classes requires classification."))
    elif p.balance_classes and not facts.weights_binary:
        message = "balance_classes and weights other than 0 and 1 exclude each other."
        errors.append(FieldError("weights_column", message))
    if factors is not None and not p.balance_classes:
        message = "class_sampling_factors require balance_classes=True."
        errors.append(FieldError("class_sampling_factors", message))
    elif factors is not None and is_classifier(p, facts) and len(factors) != facts.classes:
        message = f"class_sampling_factors must have {facts.classes} elements; got {len(factors)}."
        errors.append(FieldError("class_sampling_factors", message))
    return errors


def _response(p: "Parameters", facts: Facts) -> list[FieldError]:
    """Distribution, loss and offset against the response."""
    if p.autoencoder:
        return _loss_of_numbers(p)
    if is_classifier(p, facts):
        return _classification(p, facts)
    errors, asked = [], asked_distribution(p)
    if asked is not None and asked.classes is not None:
        message = f"{asked.name} requires a categorical response; '{facts.response}' is numeric. Use asfactor()."
        errors.append(FieldError("distribution", message))
    errors += _loss_of_numbers(p)
    target = distribution_of(p, None).target
    for value in (facts.response_low, facts.response_high):
        if math.isfinite(value) and not target.allows(value):
            message = f"{p.distribution} requires a response {target}; '{facts.response}' holds {value:g}."
            errors.append(FieldError("response_column", message))
            break
    return errors


def _classification(p: "Parameters", facts: Facts) -> list[FieldError]:
    """Distribution, loss and offset against a categorical response."""
    errors, asked = [], asked_distribution(p)
    fitting = [kind for kind in DISTRIBUTIONS.values() if suits(kind, facts.classes)]
    if asked is not None and asked.classes is None:
        message = f"{asked.name} requires a numeric response; '{facts.response}' is categorical."
        errors.append(FieldError("distribution", message))
    elif asked is not None and asked.classes is not None and not suits(asked, facts.classes):
        few, many = asked.classes
        wanted = f"{few}" if few == many else f"{few} to {many:g}"
        names = ", ".join(kind.name for kind in fitting)
        message = f"{asked.name} requires a response with {wanted} classes; got {facts.classes}. Use {names} or AUTO."
        errors.append(FieldError("distribution", message))
    losses = dict.fromkeys(["Automatic", *(loss for kind in fitting for loss in kind.losses)])
    if p.loss not in losses:
        errors.append(FieldError("loss", f"Classification allows {', '.join(losses)}; got {p.loss}."))
    if p.offset_column is not None:
        errors.append(FieldError("offset_column", "Offset is only supported for regression."))
    return errors


def _loss_of_numbers(p: "Parameters") -> list[FieldError]:
    """Loss against the distribution of a numeric response or of an autoencoder's inputs."""
    asked, loss = asked_distribution(p), p.loss
    if loss == "Automatic":
        return []
    if not any(loss in kind.losses for kind in DISTRIBUTIONS.values() if kind.classes is None):
        return [FieldError("loss", f"{loss} requires classification; what is predicted here is numeric.")]
    if asked is None or asked.classes is not None or loss in distribution_of(p, None).losses:
        return []
    if not asked.losses:
        return [FieldError("loss", f"Only Automatic loss (deviance) is allowed for {asked.name}; got {loss}.")]
    allowed = " or ".join(["Automatic", *asked.losses])
    return [FieldError("loss", f"Only {allowed} loss is allowed for {asked.name}; got {loss}.")]


def _stopping(p: "Parameters", facts: Facts) -> list[FieldError]:
    metric, category = p.stopping_metric, category_of(p, facts)
    if metric == "AUTO":
        return []
    defined = metric_named(metric).categories
    if p.autoencoder and category not in defined:
        choices = ", ".join(["AUTO", *names(category, use="stopping")])
        return [FieldError("stopping_metric", f"An autoencoder stops on {choices}; got {metric}.")]
    if metric.startswith("custom") and p.custom_metric_func is None:
        return [FieldError("stopping_metric", f"Stopping metric {metric} requires custom_metric_func.")]
    if category not in defined:
        wanted = "regression" if "Regression" in defined else "an autoencoder"
        if set(defined).intersection(CLASSES):
            wanted = "a response with 2 classes" if is_classifier(p, facts) else "classification"
        return [FieldError("stopping_metric", f"Stopping metric {metric} requires {wanted}.")]
    if facts.classes > 2 and metric in ("AUC", "AUCPR") and p.auc_type in ("AUTO", "NONE"):
        message = f"{metric} of {facts.classes} classes requires auc_type, for example 'weighted_ovr'."
        return [FieldError("stopping_metric", message)]
    return []


def _cross_validation(p: "Parameters", facts: Facts) -> list[FieldError]:
    errors = []
    if p.nfolds < 0 or p.nfolds == 1:
        errors.append(FieldError("nfolds", "nfolds must be either 0 or >1."))
    elif p.nfolds > facts.rows:
        errors.append(FieldError("nfolds", f"nfolds cannot be larger than the number of rows ({facts.rows})."))
    if p.fold_column is not None and p.nfolds:
        errors.append(FieldError("nfolds", "nfolds and fold_column exclude each other."))
    if p.fold_assignment != "AUTO" and p.fold_column is not None:
        errors.append(FieldError("fold_assignment", "fold_assignment and fold_column exclude each other."))
    elif p.fold_assignment != "AUTO" and not p.nfolds:
        errors.append(FieldError("fold_assignment", "fold_assignment is only allowed for cross-validation (nfolds)."))
    elif p.fold_assignment == "Stratified" and facts.response_type not in ("enum", "int"):
        errors.append(FieldError("fold_assignment", "Stratified folds need a categorical or integer response."))
    if (p.nfolds or p.fold_column is not None) and p.autoencoder:
        errors.append(FieldError("nfolds", "N-fold cross-validation is not supported for Autoencoder."))
    if (p.nfolds or p.fold_column is not None) and p.checkpoint is not None:
        errors.append(FieldError("nfolds", "A checkpoint cannot be continued with cross-validation; set nfolds to 0."))
    return errors


def _autoencoder(p: "Parameters", _: Facts) -> list[FieldError]:
    errors = []
    if not p.autoencoder:
        if p.sparsity_beta:
            errors.append(FieldError("sparsity_beta", "sparsity_beta requires autoencoder=True."))
        return errors
    activation = activation_of(p)
    if not activation.reconstructs:
        errors.append(FieldError("activation", f"{activation.name} activation is not supported for auto-encoder."))
    elif p.sparsity_beta > 0 and not activation.averages.allows(p.average_activation):
        said = activation.averages.message or f"{activation.name} average activation must be {activation.averages}."
        errors.append(FieldError("average_activation", said))
    asked = asked_distribution(p)
    if asked is not None and not asked.reconstructs:
        errors.append(FieldError("distribution", f"{p.distribution} makes no sense for an autoencoder."))
    if p.offset_column is not None:
        errors.append(FieldError("offset_column", "Offset is only supported for regression."))
    if p.custom_metric_func is not None and p.custom_metric_func.startswith("python:"):  # H2O's form: row by row
        errors.append(FieldError("custom_metric_func", "Custom metric is not supported for Autoencoder."))
    if p.pretrained_autoencoder is not None:
        message = "The pretrained model must be unsupervised (an autoencoder), and the model to be trained must be"
        message += " supervised."
        errors.append(FieldError("pretrained_autoencoder", message))
    return errors


def _encoding(p: "Parameters", _: Facts) -> list[FieldError]:
    errors = []
    if p.categorical_encoding in ("Enum", "OneHotExplicit"):
        message = f"Cannot use {p.categorical_encoding} encoding for Deep Learning. Use AUTO."
        errors.append(FieldError("categorical_encoding", message))
    if p.autoencoder and p.categorical_encoding == "SortByResponse":
        errors.append(FieldError("categorical_encoding", "SortByResponse needs a response; an autoencoder has none."))
    if p.autoencoder and p.max_categorical_features < 2**31 - 1:
        message = "max_categorical_features cannot be used with an autoencoder: hashed inputs cannot be reconstructed."
        errors.append(FieldError("max_categorical_features", message))
    return errors


def _starts(p: "Parameters", _: Facts) -> list[FieldError]:
    """Where the first weights come from: at most one source."""
    errors = []
    for name in ("initial_weights", "initial_biases"):
        frames = getattr(p, name)
        if frames is None:
            continue
        if len(frames) != len(p.hidden) + 1:
            message = f"{name} must have {len(p.hidden) + 1} entries, one per layer with weights; got {len(frames)}."
            errors.append(FieldError(name, message))
        if p.checkpoint is not None:
            errors.append(FieldError(name, f"{name} and checkpoint exclude each other."))
    if p.checkpoint is not None and p.pretrained_autoencoder is not None:
        errors.append(FieldError("pretrained_autoencoder", "checkpoint and pretrained_autoencoder exclude each other."))
    return errors


def _warnings(p: "Parameters") -> list[str]:
    given = p.given()
    found = []
    found += [_unused(p, name, choice) for name, choice in _of_other_optimizers(p).items() if name in given]
    if "rate_schedule" in given and not optimizer_of(p).scheduled:
        found.append(f"rate_schedule has no effect: {asked(p)} finds the rate of every weight itself.")
    for kind in SCHEDULES.values():
        names = [one.parameter for one in kind.declared().values() if one.parameter in given]
        if not isinstance(schedule_of(p), kind):
            found += [f"{name} has no effect: it belongs to rate_schedule '{kind.name}'." for name in names]
    if not p.diagnostics:
        found.append("Deprecated option: Diagnostics are always enabled.")
    if p.col_major:
        found.append("Deprecated option: col_major was removed and is ignored.")
    if "max_confusion_matrix_size" in given:
        found.append("Deprecated option: max_confusion_matrix_size has no effect.")
    if not p.stopping_rounds and "stopping_metric" in given:
        found.append("Stopping metric is ignored for _stopping_rounds=0.")
    if not p.stopping_rounds and "stopping_tolerance" in given:
        found.append("Stopping tolerance is ignored for _stopping_rounds=0.")
    return found


def _unused(p: "Parameters", name: str, choice: str) -> str:
    """Return the sentence for a parameter of an optimizer that was not chosen."""
    if (asked(p), choice) == ("adadelta", "sgd"):  # in H2O's words
        return f"{name} cannot be specified if adaptive_rate is enabled."
    return f"{name} has no effect: it belongs to optimizer '{choice}', and '{asked(p)}' is used."
