"""The parameters of Deep Learning under H2O's names, each declared once: type, range, sentence, restart, default.

A number that belongs to a choice (the power of the Tweedie distribution) is declared in its file and joins the others.
Everything else is derived from these lines: the checks and their words, the documents, JSON, the estimator's signature
and properties, the command line, the names a grid may search.
"""

import copy
import dataclasses
import inspect
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeAlias, get_args

from daskdl.declarations.kinds import KINDS, Declaration, FrameOrKey, IntOrAuto, ModelOrKey, OneOf, OnRestart, Range
from daskdl.kernels.activations import ACTIVATIONS
from daskdl.kernels.distributions import DISTRIBUTIONS
from daskdl.kernels.optimizers import OPTIMIZERS
from daskdl.kernels.schedules import SCHEDULES
from daskdl.metrics import METRICS
from daskdl.parameters.choices import HIDDEN_UNITS, with_declared

FREE, FIXED, CHECKED, KEPT, NEW = OnRestart
Ints: TypeAlias = tuple[int, ...]
Numbers: TypeAlias = tuple[float, ...]
Names: TypeAlias = tuple[str, ...]
Frames: TypeAlias = tuple[FrameOrKey, ...]
ABOVE_0 = Range(0, ends="(]")
FROM_0 = Range(0)
POSITIVE = Range(0, ends="()")
FINITE = Range(0, ends="[)")
SHARE = Range(0, 1)
BELOW_1 = Range(0, 1, "[)")
FLOAT32_MAX = 3.4028235e38  # as max_w2: no cap acts
WITH_DROPOUT = OneOf(*HIDDEN_UNITS)
FAMILIES = OneOf("AUTO", *DISTRIBUTIONS)
LOSSES = OneOf(*dict.fromkeys(["Automatic", *(loss for one in DISTRIBUTIONS.values() for loss in one.losses)]))
WAYS = OneOf("auto", *dict.fromkeys(one.asked_as() for one in OPTIMIZERS.values()))
COURSES = OneOf("auto", *SCHEDULES)
STOPPING = OneOf(
    *("AUTO", *(metric.stopping for metric in METRICS.values() if metric.stopping is not None)),
    elsewhere={"r2": "stopping_metric must be one that training records; got r2. Use MSE or deviance."},
)
ENCODINGS = OneOf(
    *("AUTO", "OneHotInternal", "Binary", "Eigen", "LabelEncoder", "SortByResponse", "EnumLimited"),
    *("Enum", "OneHotExplicit"),
)
AUC_KINDS = OneOf("AUTO", "NONE", "MACRO_OVR", "WEIGHTED_OVR", "MACRO_OVO", "WEIGHTED_OVO")
FOLDS = OneOf("AUTO", "Random", "Modulo", "Stratified")
CAP = Range(0, ends="(]", message="Cannot use max_w2 <= 0.")
UNITS = Range(1, message="Hidden layer size must be positive.")
INT_MAX = 2**31 - 1
LONG = Range(-(2**63), 2**63 - 1)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
@with_declared(activation=ACTIVATIONS, loss=DISTRIBUTIONS, optimizer=OPTIMIZERS, rate_schedule=SCHEDULES)
class Parameters:
    """All choices that define a model and how it is trained, under H2O's names.

    Types are checked on construction (H2OTypeError); None stands for the default; a choice is stored in its canonical
    spelling, a list as a tuple. Ranges and rules between fields are checked by `resolve`, when the data are known.

    >>> Parameters(activation="tanh_with_dropout", hidden=[50]).activation
    'TanhWithDropout'
    """

    model_id: Annotated[str | None, "Name of the model; made from the time if not given.", NEW] = None
    training_frame: Annotated[FrameOrKey | None, "Rows to learn from.", NEW] = None
    validation_frame: Annotated[FrameOrKey | None, "Rows to score and stop on, never learned from.", NEW] = None
    nfolds: Annotated[int, Range(0), "Number of cross-validation folds; 0 is off.", CHECKED] = 0
    keep_cross_validation_models: Annotated[bool, "Keep the models of the folds.", NEW] = True
    keep_cross_validation_predictions: Annotated[bool, "Keep the predictions on held-out rows.", NEW] = False
    keep_cross_validation_fold_assignment: Annotated[bool, "Keep the column that says each row's fold.", NEW] = False
    fold_assignment: Annotated[str, FOLDS, "How rows are dealt to folds; AUTO is Random.", NEW] = "AUTO"
    fold_column: Annotated[str | None, "Column that names each row's fold.", NEW] = None
    response_column: Annotated[str | None, "Column to predict, when train() does not say.", CHECKED] = None
    ignored_columns: Annotated[Names | None, "Columns to leave out.", CHECKED] = None
    ignore_const_cols: Annotated[bool, "Leave out columns that hold a single value or none.", FIXED] = True
    offset_column: Annotated[str | None, "Number added to each row's prediction before the link (regression).", NEW] = (
        None
    )
    weights_column: Annotated[str | None, "Weight of each row, at least 0.", NEW] = None
    max_categorical_features: Annotated[int, Range(1), "Hash categorical inputs into so many units.", FIXED] = INT_MAX
    categorical_encoding: Annotated[str, ENCODINGS, "How categorical columns become inputs.", KEPT] = "AUTO"
    use_all_factor_levels: Annotated[bool, "Give the first level of a categorical an input too.", FIXED] = True
    standardize: Annotated[bool, "Centre and scale numeric inputs and an identity-link response.", FIXED] = True
    missing_values_handling: Annotated[
        str, OneOf("MeanImputation", "Skip"), "Fill missing inputs with the mean, or skip the row in training.", FREE
    ] = "MeanImputation"
    sparse: Annotated[bool, "Hint that most inputs are zero; same mathematics.", FIXED] = False
    col_major: Annotated[bool, "Removed feature; accepted and ignored.", FIXED] = False

    balance_classes: Annotated[bool, "Repeat or thin out training rows so that classes are equally frequent.", KEPT] = (
        False
    )
    class_sampling_factors: Annotated[
        Numbers | None, POSITIVE, "Sampling ratio of each class, in level order.", KEPT
    ] = None
    max_after_balance_size: Annotated[float, ABOVE_0, "Most rows after balancing, relative to before.", KEPT] = 5.0
    max_confusion_matrix_size: Annotated[int, FROM_0, "Deprecated: largest confusion matrix to log.", FREE] = 20
    max_hit_ratio_k: Annotated[int, FROM_0, "Rows of the top-K hit-ratio table; 0 is off.", FREE] = 10

    activation: Annotated[str, WITH_DROPOUT, "Activation of the hidden units.", FIXED] = "Rectifier"
    hidden: Annotated[Ints, UNITS, "Units of each hidden layer; [] makes a linear model.", CHECKED] = (200, 200)
    autoencoder: Annotated[bool, "Learn to reconstruct the inputs instead of a response.", FIXED] = False
    initial_weight_distribution: Annotated[
        str, OneOf("UniformAdaptive", "Uniform", "Normal"), "Distribution of the first weights.", FREE
    ] = "UniformAdaptive"
    initial_weight_scale: Annotated[float, POSITIVE, "Half-range (Uniform) or deviation (Normal) of them.", FREE] = 1.0
    initial_weights: Annotated[Frames | None, "First weights of each layer, one frame (or None) per layer.", FREE] = (
        None
    )
    initial_biases: Annotated[Frames | None, "First biases of each layer, one frame (or None) per layer.", FREE] = None
    checkpoint: Annotated[ModelOrKey | None, "Model to continue from.", FREE] = None
    pretrained_autoencoder: Annotated[ModelOrKey | None, "Autoencoder whose hidden layers to start from.", FREE] = None

    distribution: Annotated[str, FAMILIES, "Distribution of the response.", FIXED] = "AUTO"
    loss: Annotated[str, LOSSES, "Loss to minimise; for gaussian it chooses the family.", FREE] = "Automatic"

    adaptive_rate: Annotated[bool, "ADADELTA (True), or a learning rate and momentum of your own.", FIXED] = True
    optimizer: Annotated[str, WAYS, "How weights move; auto: as adaptive_rate says.", FIXED] = "auto"
    nesterov_accelerated_gradient: Annotated[bool, "Momentum in Nesterov's form.", FIXED] = True
    rate_schedule: Annotated[
        str, COURSES, "How the rate changes over all epochs; auto: adam's rises, then falls; sgd's stays.", FREE
    ] = "auto"

    input_dropout_ratio: Annotated[float, BELOW_1, "Share of inputs dropped for each training row.", FREE] = 0.0
    hidden_dropout_ratios: Annotated[Numbers | None, BELOW_1, "Share of units dropped, one per hidden layer.", FREE] = (
        None
    )
    l1: Annotated[float, FINITE, "Penalty on absolute weights.", FREE] = 0.0
    l2: Annotated[float, FINITE, "Penalty on half the squared weights.", FREE] = 0.0
    max_w2: Annotated[float, CAP, "Cap on the squared sum of a unit's incoming weights.", FREE] = FLOAT32_MAX
    average_activation: Annotated[float, Range(ends="()"), "Mean activation a sparse autoencoder aims at.", FREE] = 0.0
    sparsity_beta: Annotated[float, FINITE, "Strength of that aim.", FIXED] = 0.0

    epochs: Annotated[float, FINITE, "Passes over the training rows; fractions allowed.", FREE] = 10.0
    train_samples_per_iteration: Annotated[
        int, Range(-2), "Rows per iteration: -2 automatic, -1 all on every worker, 0 one epoch.", FREE
    ] = -2
    target_ratio_comm_to_comp: Annotated[
        float, Range(0, 1, "()"), "Share of time for communication that -2 aims at.", FREE
    ] = 0.05
    mini_batch_size: Annotated[
        IntOrAuto,
        Range(1),
        "Rows whose gradients are averaged for one update; auto: about a thousandth for adam.",
        FREE,
    ] = 1
    seed: Annotated[int, LONG, "Seed of all random choices; -1 takes the clock.", FREE] = -1
    reproducible: Annotated[bool, "Same bits on every run, for any number of threads and workers.", FREE] = False
    fast_mode: Annotated[bool, "Skip weights whose input is zero.", FREE] = True
    shuffle_training_data: Annotated[
        bool, "Accepted for H2O's scripts; rows are always visited in random order.", FREE
    ] = False
    force_load_balance: Annotated[bool, "Spread small data over all threads.", FREE] = True
    replicate_training_data: Annotated[bool, "Let every worker see all rows.", FREE] = True
    single_node_mode: Annotated[bool, "Train on one worker.", FREE] = False
    widen_after: Annotated[
        int,
        FROM_0,
        "Samples trained before each further worker takes part, in rounds of automatic size; 0: all do from the first.",
        FREE,
    ] = 200_000
    elastic_averaging: Annotated[bool, "Workers keep own models, drawn towards the consensus.", FREE] = False
    elastic_averaging_moving_rate: Annotated[float, SHARE, "Weight of the newest average.", FREE] = 0.9
    elastic_averaging_regularization: Annotated[float, FINITE, "Pull towards the consensus.", FREE] = 1e-3
    staleness: Annotated[
        int, Range(0), "Rows that share one view of the weights, whatever the number of threads; 0 chooses.", FREE
    ] = 0
    threads_policy: Annotated[
        str,
        OneOf("auto", "shared", "replicas"),
        "Accepted for older scripts; any number of threads trains the same model, so it no longer acts.",
        FREE,
    ] = "auto"

    score_each_iteration: Annotated[bool, "Score after every iteration.", KEPT] = False
    score_interval: Annotated[float, FROM_0, "Least seconds between scorings.", FREE] = 5.0
    score_training_samples: Annotated[int, FROM_0, "Training rows to score on; 0 is all.", FREE] = 10000
    score_validation_samples: Annotated[int, FROM_0, "Validation rows to score on; 0 is all.", FREE] = 0
    score_duty_cycle: Annotated[float, SHARE, "Largest share of time spent on scoring.", FREE] = 0.1
    score_validation_sampling: Annotated[
        str, OneOf("Uniform", "Stratified"), "How validation rows are sampled for scoring.", FREE
    ] = "Uniform"
    classification_stop: Annotated[float, Range(-1), "Stop at this training error; -1 is off.", FREE] = 0.0
    regression_stop: Annotated[float, Range(-1), "Stop at this training MSE; -1 is off.", FREE] = 1e-6
    stopping_rounds: Annotated[int, FROM_0, "Scorings without progress before stopping; 0 is off.", FREE] = 5
    stopping_metric: Annotated[str, STOPPING, "Metric whose progress counts.", FREE] = "AUTO"
    stopping_tolerance: Annotated[float, BELOW_1, "Relative progress that counts.", FREE] = 0.0
    max_runtime_secs: Annotated[float, FROM_0, "Seconds allowed for training; 0 is no limit.", NEW] = 0.0
    overwrite_with_best_model: Annotated[bool, "Return the best model seen, not the last.", FREE] = True
    custom_metric_func: Annotated[
        str | None, "Metric of your own: from upload_custom_metric, or module:function.", NEW
    ] = None
    auc_type: Annotated[str, AUC_KINDS, "How AUC is averaged over more than two classes.", NEW] = "AUTO"
    gainslift_bins: Annotated[int, Range(-1), "Groups of the gains table: -1 sixteen, 0 none.", NEW] = -1

    variable_importances: Annotated[bool, "Compute variable importances (Gedeon).", FREE] = True
    export_weights_and_biases: Annotated[bool, "Offer weights and biases as frames.", FREE] = False
    export_checkpoints_dir: Annotated[
        str | None, "Folder for the finished model, and for checkpoints while it is trained.", NEW
    ] = None
    checkpoint_interval: Annotated[
        float, FROM_0, "Seconds between checkpoints in export_checkpoints_dir; 0 saves the finished model only.", NEW
    ] = 60.0
    no_workers_timeout: Annotated[
        float, FROM_0, "Seconds that training waits for a worker when none is left, before it ends.", NEW
    ] = 60.0
    checkpoint_new_levels: Annotated[
        str, OneOf("refuse", "extend"), "A restart that meets new levels refuses, or gives them inputs.", NEW
    ] = "refuse"
    diagnostics: Annotated[bool, "Deprecated: diagnostics are always computed.", FREE] = True
    quiet_mode: Annotated[bool, "Fewer messages.", FREE] = False

    def __post_init__(self) -> None:
        for declared in declarations().values():
            object.__setattr__(self, declared.name, declared.convert(getattr(self, declared.name)))

    def replace(self, **changes: Any) -> "Parameters":
        """Return a copy with some values changed; the changes are checked like constructor arguments."""
        unknown = sorted(changes.keys() - declarations().keys())
        if unknown:
            raise TypeError(f"Parameters.replace() got an unexpected keyword argument '{unknown[0]}'")
        other = copy.copy(self)  # the rest was checked before: a hundred checks take longer than a round
        for name, value in changes.items():
            object.__setattr__(other, name, declarations()[name].convert(value))
        return other

    def given(self) -> dict[str, Any]:
        """Return the values that differ from their defaults."""
        return {n: getattr(self, n) for n, d in declarations().items() if not _same(getattr(self, n), d.default)}

    def complaints(self) -> dict[str, str]:
        """Return a sentence for each value outside its range; values that have no effect are judged too."""
        found = {name: declared.complaint(getattr(self, name)) for name, declared in declarations().items()}
        return {name: complaint for name, complaint in found.items() if complaint}

    def to_dict(self) -> dict[str, Any]:
        """Return every value in plain JSON form: lists, keys in place of frames and models, 'Infinity' as text."""
        return {name: plain(getattr(self, name)) for name in declarations()}

    @staticmethod
    def from_dict(values: dict[str, Any]) -> "Parameters":
        """Rebuild what `to_dict` wrote; frames and models stay keys, names this version does not know are refused."""
        unknown = sorted(set(values) - set(declarations()))
        if unknown:
            raise TypeError(
                f"Parameters must be known names; got {', '.join(unknown)}. Was this written by a later version?"
            )
        return Parameters(**{name: _revived(declarations()[name], value) for name, value in values.items()})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parameters) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(repr(self.to_dict()))

    def __repr__(self) -> str:
        return f"Parameters({', '.join(f'{name}={plain(value)!r}' for name, value in self.given().items())})"


# The first field of each section of the documents and the web form.
SECTIONS = {
    "model_id": "Data",
    "balance_classes": "Classes",
    "activation": "Network",
    "distribution": "Response",
    "adaptive_rate": "Optimizer",
    "input_dropout_ratio": "Regularization",
    "epochs": "Training",
    "score_each_iteration": "Scoring and stopping",
    "variable_importances": "Results",
}


@cache
def declarations() -> dict[str, Declaration]:
    """Return all parameters by name, in the order of declaration."""
    defaults = {field.name: field.default for field in dataclasses.fields(Parameters)}
    return {
        name: _declared(name, annotation, defaults[name]) for name, annotation in Parameters.__annotations__.items()
    }


def _declared(name: str, annotation: Any, default: Any) -> Declaration:
    base, *marks = get_args(annotation)
    if base not in KINDS and isinstance(base, UnionType):  # "T | None": None stands for the default and needs no mark
        base = next(member for member in get_args(base) if member is not NoneType)
    constraint = next((mark for mark in marks if isinstance(mark, (Range, OneOf))), None)
    sentence = next(mark for mark in marks if isinstance(mark, str))
    restart = next(mark for mark in marks if isinstance(mark, OnRestart))
    return Declaration(
        name=name, kind=KINDS[base], constraint=constraint, sentence=sentence, restart=restart, default=default
    )


def _same(value: Any, default: Any) -> bool:
    return value is default or plain(value) == plain(default)


def plain(value: Any) -> Any:
    """Return a parameter's value as JSON can hold it."""
    if isinstance(value, tuple):
        return [plain(member) for member in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(next(getattr(value, name) for name in ("frame_id", "model_id", "key") if hasattr(value, name)))


def _revived(declared: Declaration, value: Any) -> Any:
    if declared.kind.word == "numeric" and isinstance(value, str):
        return float(value)
    if declared.kind.word == "list(numeric)" and value is not None:
        return [float(member) for member in value]
    return value


def describe(names: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """Return one row per parameter for documents and forms: section, name, type, default, allowed, restart, meaning."""
    rows, section = [], ""
    for name, declared in declarations().items():
        section = SECTIONS.get(name, section)
        if names is None or name in names:
            rows.append(
                {
                    "section": section,
                    "name": name,
                    "type": "enum" if declared.values else declared.kind.word,
                    "default": plain(declared.default),
                    "allowed": str(declared.constraint) if declared.constraint else "",
                    "restart": declared.restart.value,
                    "meaning": declared.sentence,
                }
            )
    return rows


def markdown() -> str:
    """Return the parameter reference as Markdown tables, one per section."""
    lines: list[str] = []
    section = None
    for row in describe():
        if row["section"] != section:
            section = row["section"]
            lines += [
                "",
                f"### {section}",
                "",
                "| Name | Type | Default | Allowed | Meaning | On restart |",
                "|" + "---|" * 6,
            ]
        cells = (f"`{row['name']}`", row["type"], f"`{row['default']}`", row["allowed"], row["meaning"], row["restart"])
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines[1:]) + "\n"


def signature(**overrides: Any) -> inspect.Signature:
    """Return the keyword-only signature of an estimator; `overrides` are defaults of a subclass."""
    return inspect.Signature(
        [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=overrides.get(name, list(d.default) if isinstance(d.default, tuple) else d.default),
            )
            for name, d in declarations().items()
        ]
    )
