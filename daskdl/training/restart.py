"""Training that goes on from a finished model: what must agree with it, and what the new job takes over from it.

The new job reads rows as the checkpoint did (its scales, its levels), because its weights expect that, and goes on
where training left off: weights, optimizer slots, position in the stream of samples, history, best model.
Source: docs/training.md 14.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from daskdl.coordinator.machine import Coordinator
from daskdl.coordinator.progress import Progress, TrainingPlan
from daskdl.encoding.adaptation import adapt
from daskdl.encoding.encoder import Encoder
from daskdl.model.model import IMPORTED, Model
from daskdl.network.layout import Layout
from daskdl.network.state import State
from daskdl.parameters import Facts, FieldError, Parameters, Resolved, continue_from, restart_errors, survey
from daskdl.parameters.declared import declarations
from daskdl.parameters.facts import refuse
from daskdl.training.look import Overview
from daskdl.training.new_levels import Growth, grow, grown_state
from frames.exceptions import H2OValueError
from frames.frame import H2OFrame

NOT_AGAIN = ("pretrained_autoencoder", "initial_weights", "initial_biases")  # the weights hold what came of them
ONE_MODEL = {"nfolds": 0, "fold_column": None, "fold_assignment": "AUTO"}  # whatever its folds did
SHOWN = 10  # new levels that an error names
# parameters that an imported model tells; what it does not tell may be chosen anew
TOLD = ("hidden", "activation", "distribution", "autoencoder", "use_all_factor_levels", "standardize")
SAME = "must be the same as for the checkpointed model"


@dataclass(frozen=True)
class Restart:
    """A checkpoint that may be continued with the new frame.

    `parameters` are those in force: what the checkpoint decides for good replaces what was asked. `facts` describe the
    new frame in the checkpoint's terms; `notes` are sentences for the user. With `same_job` a job that was cut off goes
    on: its plan stands where the frame has the partitions that it had.
    """

    model: Model
    parameters: Parameters
    facts: Facts
    encoder: Encoder
    growth: Growth | None
    notes: tuple[str, ...]
    same_job: bool = False

    def resolved(self, resolved: Resolved) -> Resolved:
        """Return the choices of the new job with the notes of the restart."""
        return replace(resolved, warnings=(*resolved.warnings, *self.notes))

    def reading(self, resolved: Resolved) -> Encoder:
        """Return the checkpoint's encoder with the new job's roles of columns."""
        actual = resolved.actual
        return replace(
            self.encoder,
            weights=actual.weights_column,
            offset=actual.offset_column,
            skip_missing=actual.missing_values_handling == "Skip",
        )

    def view(self, view: Overview, frame: H2OFrame) -> Overview:
        """Return what was seen of the new frame, with its classes in the checkpoint's order."""
        answer = self.encoder.response
        if answer is None or view.class_counts is None:
            return view._replace(response=answer)
        here = frame.schema[answer.name].domain or ()
        counts = dict(zip(here, view.class_counts, strict=True))
        return view._replace(response=answer, class_counts=np.array([counts.get(c, 0) for c in answer.domain or ()]))

    def seen_missing(self, view: Overview) -> tuple[bool, ...]:
        """Return for each categorical input whether this or earlier training met a missing value."""
        now = [view.statistics.missing.get(one.column, 1) > 0 for one in self.encoder.levels]
        return tuple(a or b for a, b in zip(now, self.model.seen_missing, strict=True))

    def states(self, layout: Layout) -> tuple[State, State]:
        """Return the state where training left off and the best one; they share no memory with the checkpoint's."""
        last = self.model.state if self.model.last is None else self.model.last
        return self._fitted(last, layout), self._fitted(self.model.state, layout)

    def own_states(self, layout: Layout) -> tuple[State, ...]:
        """Return what elastic averaging kept on workers."""
        return tuple(self._fitted(one, layout) for one in self.model.own)

    def _fitted(self, state: State, layout: Layout) -> State:
        if IMPORTED in self.model.notes:  # it has no slots of its own, and the optimizer may be another
            state = state._replace(slots=np.zeros((layout.slots, state.weights.size), np.float32))
        if self.growth is None:
            return state.copy()
        return grown_state(state, self.model.layout, layout, self.growth)

    def coordinator(self, plan: TrainingPlan, key: str) -> Coordinator:
        """Return the job that goes on under a new plan. Raises H2OResponseError where it has nothing left to do."""
        assert self.model.progress is not None  # a checkpoint without it was refused
        if self.same_job:
            same = list(plan.rows) == list(self.model.progress["plan"]["rows"])
            return Coordinator.from_dict(self.model.progress, None if same else plan)
        machine = Coordinator.from_dict(self.model.progress, plan)
        if machine.progress.done >= plan.target:
            done, rows = machine.progress.done / max(1, sum(plan.rows)), sum(plan.rows)
            message = f"Total number of epochs must be larger than the number already trained; {done:g} are trained, "
            message += f"counted in passes over the {rows} rows of the new training frame."
            refuse(key, [FieldError("epochs", message)])
        _settle_best(machine.progress, self.model, plan)
        return machine


def restart_of(
    parameters: Parameters,
    frame: H2OFrame,
    x: Sequence[str] | None,
    y: str | None,
    validation: H2OFrame | None,
    workers: int,
    key: str,
    going_on: bool = False,
) -> Restart:
    """Check that `parameters.checkpoint` may be continued with these parameters and frames.

    With `going_on` it is the same job, which may have all its epochs behind it and only its end ahead.

    Raises H2OResponseError with everything that stands against it, before any work starts.
    """
    model: Any = parameters.checkpoint
    if not isinstance(model, Model):
        message = f"Checkpoint has to point to existing model! Got {model!r}: train() takes the model itself."
        refuse(key, [FieldError("checkpoint", message)])
    facts = survey(parameters, frame, x, y, validation, workers=workers)
    asked, foreign = _asked(model, parameters), IMPORTED in model.notes
    errors = _unfit(model) or restart_errors(
        _comparable(asked, model.response, facts.has_validation if foreign else model.history.validated),
        _comparable(parameters, facts.response or parameters.response_column, facts.has_validation),
        -1.0 if going_on else _epochs_done(model),
    )
    refuse(key, errors)
    in_force, notes = continue_from(asked, parameters)
    unused = [name for name in facts.predictors if name not in model.encoder.sources]
    notes += [f"Column '{name}' is not used: the checkpointed model was trained without it." for name in unused]
    refuse(key, _column_errors(model.encoder, frame, {*facts.predictors, *facts.dropped}))
    plan = adapt(model.encoder, frame.schema, need_response=model.encoder.response is not None)
    for name in (name for name, source in plan.sources.items() if source.kind == "absent"):
        notes.append(f"Column '{name}' is missing in the training frame: substituting in a column of NaN")
    growth = _growth(model.encoder, frame, parameters, key)
    encoder = model.encoder if growth is None else growth.encoder
    return Restart(
        model=model,
        parameters=in_force,
        facts=_in_its_terms(in_force, model, frame, y=y, validation=validation, workers=workers),
        encoder=encoder,
        growth=growth,
        notes=tuple(notes),
    )


def same_job(
    model: Model, asked: Parameters, frame: H2OFrame, validation: H2OFrame | None, changed: bool = False
) -> Restart:
    """Return what takes a job up where its checkpoint left it; with `changed` parameters it is given a new plan.

    `validation` is to have the kinds of columns that training has. Raises H2OResponseError where the frames or the
    changes do not fit.
    """
    began, none = asked.replace(**ONE_MODEL, checkpoint=None), dict.fromkeys(NOT_AGAIN)
    in_force = began.replace(**none, seed=asked.seed if changed and asked.seed != -1 else model.resolved.seed)
    # what was given before does not stand against itself
    before = model.parameters.replace(**none, **ONE_MODEL, checkpoint=None) if changed else in_force
    found = restart_of(
        in_force.replace(checkpoint=replace(model, parameters=before)),
        frame,
        list(model.encoder.sources),
        model.response,
        validation=validation,
        workers=1,
        key=model.key,
        going_on=not changed,
    )
    return replace(found, same_job=not changed)


def _unfit(model: Model) -> list[FieldError]:
    """Say why a model can be no checkpoint at all."""
    if model.progress is None:
        return [FieldError("checkpoint", f"{model.key} holds no record of its training, so it cannot be continued.")]
    if model.trouble:
        return [FieldError("checkpoint", f"{model.key} is numerically unstable ({model.trouble}). Train a new model.")]
    return []


def _asked(model: Model, new: Parameters) -> Parameters:
    """Return what the model was asked for, in the words of `new` where both mean the same.

    AUTO and what it became are the same choice; of a model that was made elsewhere only some parameters are known.
    """
    old, actual = model.parameters, model.resolved.actual
    same = {
        name: getattr(new, name)
        for name in declarations()
        if "AUTO" in (getattr(old, name), getattr(new, name))
        and getattr(actual, name) in (getattr(old, name), getattr(new, name))
    }
    if IMPORTED in model.notes:
        same |= {name: getattr(new, name) for name in declarations() if name not in TOLD}
    return old.replace(**same)


def _comparable(parameters: Parameters, response: str | None, validated: bool) -> Parameters:
    """Return parameters with what train() was told besides them: the response, and that there is a validation frame."""
    return parameters.replace(response_column=response, validation_frame="given" if validated else None)


def _epochs_done(model: Model) -> float:
    """Return the passes that are done; rows that could not train (no response) count as passed."""
    assert model.progress is not None
    rows = sum(model.progress["plan"]["rows"])
    return Progress.from_dict(model.progress["progress"]).done / max(1, rows)


def _column_errors(encoder: Encoder, frame: H2OFrame, offered: set[str]) -> list[FieldError]:
    """Compare the columns of the new frame with those of the checkpoint."""
    errors = []
    here = [column for column in encoder.columns if column.name in frame.names]
    left_out = [column.name for column in here if column.name not in offered]
    if left_out:
        message = f"Predictors {SAME}; {', '.join(left_out)} is left out. Name it in x, and give it no other role."
        errors.append(FieldError("ignored_columns", message))
    answer = encoder.response
    checked = [(column.name, column.domain is not None) for column in here]
    checked += [] if answer is None else [(answer.name, answer.domain is not None)]
    for name, categorical in checked:
        if (frame.schema[name].type == "enum") != categorical:
            wanted, remedy = ("categorical", "asfactor()") if categorical else ("numeric", "asnumeric()")
            message = f"The type of column '{name}' {SAME}: {wanted}; got {frame.schema[name].type}. Use {remedy}."
            errors.append(FieldError("training_frame", message))
    return errors


def _growth(encoder: Encoder, frame: H2OFrame, parameters: Parameters, key: str) -> Growth | None:
    """Return the inputs for levels that the checkpoint does not know; refuse them unless they were asked for."""
    fresh = {
        column.name: found
        for column in encoder.columns
        if column.domain is not None and column.name in frame.names
        if (found := _new_levels(frame, column.name, column.domain))
    }
    answer = encoder.response
    of_response = [] if answer is None or answer.domain is None else _new_levels(frame, answer.name, answer.domain)
    extend = parameters.checkpoint_new_levels == "extend"
    if of_response or (fresh and not extend):
        listed = fresh | ({answer.name: of_response} if answer is not None and of_response else {})
        message = f"Categorical factor levels of the training data {SAME}; new levels: "
        message += "; ".join(f"{name} [{_some(levels)}]" for name, levels in listed.items()) + "."
        if not of_response:
            message += " checkpoint_new_levels='extend' gives them inputs that start as the missing level."
        refuse(key, [FieldError("checkpoint", message)])
    if not fresh:
        return None
    try:
        return grow(encoder, fresh)
    except H2OValueError as cause:
        refuse(key, [FieldError("checkpoint_new_levels", str(cause))])
        raise


def _new_levels(frame: H2OFrame, name: str, domain: Sequence[str]) -> tuple[str, ...]:
    """Return the levels that occur in a column of the frame and are not in the domain."""
    counts = frame.summaries([name])[name].counts
    known = set(domain)
    here = frame.schema[name].domain or ()
    occurring = range(len(here)) if counts is None else np.flatnonzero(counts)
    return tuple(here[code] for code in occurring if here[code] not in known)


def _some(levels: Sequence[str]) -> str:
    return ", ".join(levels[:SHOWN]) + (", ..." if len(levels) > SHOWN else "")


def _in_its_terms(
    parameters: Parameters, model: Model, frame: H2OFrame, y: str | None, validation: H2OFrame | None, workers: int
) -> Facts:
    """Describe the new frame by the checkpoint's predictors, constant here or not, and by its classes."""
    predictors = [name for name in model.encoder.sources if name in frame.names]
    facts = survey(parameters.replace(ignore_const_cols=False), frame, predictors, y, validation, workers=workers)
    domain = model.domain
    return facts if domain is None else replace(facts, classes=len(domain), levels=domain)


def _settle_best(progress: Progress, model: Model, plan: TrainingPlan) -> None:
    """Make the record of the best scoring speak of `model.state`, the only earlier weights that are still there."""
    rows = progress.history.rows
    if model.last is not None:
        # the best weights were put back and scored again at the end; what goes on are the weights before that
        if len(rows) > 1 and rows[-1].iterations == rows[-2].iterations:
            rows.pop()
        return
    scored = bool(rows) and progress.scored_round == progress.round
    kept = bool(model.progress and model.progress["plan"]["keep_best"])
    if not (scored and kept):
        progress.best, progress.best_round = (len(rows) - 1, progress.round) if scored else (None, None)
