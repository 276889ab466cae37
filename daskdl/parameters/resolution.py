"""From what the user asked to what is done: every AUTO replaced, every dependent choice made, once, before training."""

import dataclasses
import math
import time
from dataclasses import dataclass
from typing import Any

from daskdl.kernels.activations import Activation
from daskdl.kernels.distributions import DISTRIBUTIONS, Distribution
from daskdl.kernels.optimizers import Optimizer, asked, optimizer_of
from daskdl.kernels.schedules import Schedule
from daskdl.metrics import default_metric
from daskdl.parameters.chosen import activation_of, distribution_of, drops_units, rows_per_batch, schedule_of
from daskdl.parameters.declared import Parameters
from daskdl.parameters.facts import Facts, refuse
from daskdl.parameters.rules import category_of, check, is_classifier

NO_CAP = 3.4e38  # any max_w2 from here on acts as infinity: the largest float32 is 3.4028e38


@dataclass(frozen=True)
class Resolved:
    """The choices that training works with.

    `actual` holds H2O's parameters with their actual values. The rest is what kernels, encoder and coordinator read:
    `activation` is the spec of the hidden units; `hidden_dropout` has one share per hidden layer (0.0 without dropout);
    `distribution` is the spec of the response; `optimizer` is adadelta (numbers rho, epsilon), momentum
    (rate, rate_annealing, rate_decay, start, ramp, stable, nesterov), adam, ...; `schedule` says how its rate changes;
    `max_w2` is inf where no cap acts;
    `stopping_metric` is None when early stopping is off; `classes` is 1 for regression and 0 for an autoencoder.
    """

    actual: "Parameters"
    category: str
    classes: int
    response: str | None
    predictors: tuple[str, ...]
    activation: Activation
    input_dropout: float
    hidden_dropout: tuple[float, ...]
    distribution: Distribution
    optimizer: Optimizer
    schedule: Schedule
    l1: float
    l2: float
    max_w2: float
    stopping_metric: str | None
    fold_assignment: str | None
    seed: int
    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def batch(self) -> int:
        """Rows of a mini-batch."""
        size = self.actual.mini_batch_size
        assert size != "auto"  # what is actual is a number
        return size

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: specs by name, since `actual` says all about them."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values["activation"] = self.activation.name.lower()
        values["channels"] = self.activation.pieces
        values |= self.optimizer.record()
        values["schedule"] = self.schedule.name
        del values["distribution"]
        values["family"], values["loss"] = self.distribution.name, self.distribution.loss_name
        values["family_number"] = next((value for value in self.distribution if isinstance(value, float)), None)
        values["actual"] = self.actual.to_dict()
        values["max_w2"] = "Infinity" if math.isinf(self.max_w2) else self.max_w2
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Resolved":
        """Rebuild what `to_dict` wrote."""
        read: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
            if name in {field.name for field in dataclasses.fields(Resolved)}
        }
        read["actual"] = Parameters.from_dict(values["actual"])
        read["activation"] = activation_of(read["actual"])
        read["max_w2"] = float(values["max_w2"])
        read["optimizer"] = optimizer_of(read["actual"])
        read["schedule"] = schedule_of(read["actual"])
        read["distribution"] = DISTRIBUTIONS[read["actual"].distribution].of(read["actual"])
        return Resolved(**read)


def resolve(parameters: "Parameters", facts: Facts, model_id: str | None = None) -> Resolved:
    """Check everything that can be wrong, then make every choice that was left open.

    Raises H2OResponseError that lists all errors, before any work starts. The warnings are in the result; whoever talks
    to the user issues them. The only impure value is the seed, which is drawn from the clock if it was -1.

    >>> from daskdl.parameters import Facts, Parameters, resolve
    >>> resolve(Parameters(), Facts(rows=150, response="species", classes=3, response_type="enum")).distribution.name
    'multinomial'
    """
    errors, warnings = check(parameters, facts)
    refuse(model_id or parameters.model_id, errors)
    distribution = distribution_of(parameters, facts.classes if is_classifier(parameters, facts) else None)
    category = category_of(parameters, facts)
    changed, changes = _automatic_changes(parameters, facts)
    stopping = _stopping_metric(parameters, facts)
    seed = parameters.seed if parameters.seed != -1 else time.time_ns() & (2**63 - 1)
    dropout = _hidden_dropout(parameters)
    if dropout and parameters.hidden_dropout_ratios is None and any(dropout):
        changed["hidden_dropout_ratios"] = dropout
        changes.append("hidden_dropout_ratios are 0.5 for each hidden layer, as none were given.")
    folds = _fold_assignment(parameters)
    actual = parameters.replace(
        distribution=distribution.name,
        loss=distribution.loss_name,
        seed=seed,
        stopping_metric=stopping or parameters.stopping_metric,
        fold_assignment=folds or "AUTO",
        auc_type="NONE" if parameters.auc_type == "AUTO" else parameters.auc_type,
        categorical_encoding="OneHotInternal"
        if parameters.categorical_encoding == "AUTO"
        else parameters.categorical_encoding,
        response_column=facts.response,
        optimizer=asked(parameters),
        rate_schedule=schedule_of(parameters).name,
        mini_batch_size=rows_per_batch(parameters, facts.rows, category == "Regression"),
        **changed,
    )
    return Resolved(
        actual=actual,
        category=category,
        classes=0 if parameters.autoencoder else facts.classes if is_classifier(parameters, facts) else 1,
        response=facts.response,
        predictors=facts.predictors,
        activation=activation_of(parameters),
        input_dropout=parameters.input_dropout_ratio,
        hidden_dropout=dropout,
        distribution=distribution,
        optimizer=optimizer_of(parameters),
        schedule=schedule_of(parameters),
        l1=parameters.l1,
        l2=parameters.l2,
        max_w2=parameters.max_w2 if parameters.max_w2 < NO_CAP else math.inf,
        stopping_metric=stopping,
        fold_assignment=folds,
        seed=seed,
        changes=tuple(changes),
        warnings=tuple(warnings),
    )


def _hidden_dropout(p: "Parameters") -> tuple[float, ...]:
    if p.hidden_dropout_ratios is not None:
        return p.hidden_dropout_ratios
    return (0.5 if drops_units(p) else 0.0,) * len(p.hidden)


def _cross_validated(p: "Parameters") -> bool:
    return p.nfolds > 1 or p.fold_column is not None


def _stopping_metric(p: "Parameters", facts: Facts) -> str | None:
    if not p.stopping_rounds:
        return None
    return default_metric(category_of(p, facts)).stopping if p.stopping_metric == "AUTO" else p.stopping_metric


def _fold_assignment(p: "Parameters") -> str | None:
    if not p.nfolds:
        return None
    return "Random" if p.fold_assignment == "AUTO" else p.fold_assignment


def _automatic_changes(p: "Parameters", facts: Facts) -> tuple[dict[str, Any], list[str]]:
    """Return the values that follow from others, and a sentence for each one that differs from what was asked."""
    way = asked(p)
    wanted: list[tuple[str, Any, str]] = [("adaptive_rate", way == "adadelta", f"the optimizer is {way}")]
    if p.autoencoder:
        wanted.append(("use_all_factor_levels", True, "an autoencoder reconstructs every level"))
    if p.reproducible:
        wanted += [
            ("force_load_balance", True, "reproducible training fixes its shares"),
            ("score_each_iteration", True, "reproducible training cannot depend on the clock"),
            ("replicate_training_data", False, "reproducible training visits each row once"),
        ]
        if p.train_samples_per_iteration == -2:
            wanted.append(("train_samples_per_iteration", -1, "reproducible training cannot depend on the clock"))
    if facts.workers == 1:
        wanted.append(("replicate_training_data", False, "there is one worker"))
        wanted.append(("single_node_mode", False, "there is one worker"))
    elif not p.replicate_training_data or p.reproducible:
        wanted.append(("single_node_mode", False, "the training data are not replicated"))
    if _cross_validated(p):
        wanted.append(("overwrite_with_best_model", False, "cross-validation judges the last model"))
    changed = {name: value for name, value, _ in wanted}
    sentences = [f"{name} is {value}: {reason}." for name, value, reason in wanted if getattr(p, name) != value]
    return changed, list(dict.fromkeys(sentences))
