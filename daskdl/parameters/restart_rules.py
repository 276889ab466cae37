"""Which parameters a checkpoint allows to change, and what becomes of the others."""

from daskdl.declarations.kinds import OnRestart
from daskdl.parameters.declared import Parameters, declarations, plain
from daskdl.parameters.facts import FieldError


def restart_errors(old: "Parameters", new: "Parameters", epochs_done: float = 0.0) -> list[FieldError]:
    """Return why `new` cannot continue a model that was asked for with `old`; empty if it can.

    Compared are the values as given (AUTO equals AUTO), in H2O's order: cross-validation, validation frame, response,
    hidden, ignored columns, then every fixed parameter, then epochs (the total, including the `epochs_done`).
    """

    errors = []
    if new.nfolds or new.fold_column is not None:
        errors.append(FieldError("nfolds", "A checkpoint cannot be continued with cross-validation; set nfolds to 0."))
    if (old.validation_frame is None) != (new.validation_frame is None):
        had, has = old.validation_frame is not None, new.validation_frame is not None
        message = f"Presence of validation dataset must agree with the checkpointed model: {had} -> {has}."
        errors.append(FieldError("validation_frame", message))
    if not new.autoencoder and old.response_column != new.response_column:
        message = f"Response column must be the same as for the checkpointed model: {old.response_column} -> "
        errors.append(FieldError("response_column", f"{message}{new.response_column}."))
    if old.hidden != new.hidden:
        message = f"Hidden layers must be the same as for the checkpointed model: {list(old.hidden)} -> "
        errors.append(FieldError("hidden", f"{message}{list(new.hidden)}."))
    if sorted(old.ignored_columns or ()) != sorted(new.ignored_columns or ()):
        message = "Ignored columns must be the same as for the checkpointed model: "
        before, after = sorted(old.ignored_columns or ()), sorted(new.ignored_columns or ())
        errors.append(FieldError("ignored_columns", f"{message}{before} -> {after}."))
    for name, declared in declarations().items():
        before, after = plain(getattr(old, name)), plain(getattr(new, name))
        if declared.restart is OnRestart.FIXED and before != after:
            errors.append(FieldError(name, f"Cannot change parameter: '_{name}': {before} -> {after}"))
    if new.epochs <= epochs_done:
        message = f"Total number of epochs must be larger than the number already trained ({epochs_done:g}); "
        errors.append(FieldError("epochs", f"{message}got {new.epochs:g}."))
    return errors


def continue_from(old: "Parameters", new: "Parameters") -> tuple["Parameters", list[str]]:
    """Return the parameters in force after a restart, and a sentence for each value that the checkpoint kept."""

    kept, sentences = {}, []
    for name, declared in declarations().items():
        before, after = getattr(old, name), getattr(new, name)
        if declared.restart is OnRestart.KEPT and plain(before) != plain(after):
            kept[name] = before
            sentences.append(f"{name} stays {plain(before)} as in the checkpoint; {plain(after)} has no effect.")
    return new.replace(**kept), sentences
