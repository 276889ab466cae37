"""What a form does not offer does not matter: changed all the same, it changes nothing that training works with."""

import dataclasses

import pytest

from daskdl.parameters import Facts, Parameters, declarations, resolve
from daskdl.web.applies import NEEDS, Situation, idle
from frames.exceptions import H2OResponseError

ENUM = {"rows": 99, "response": "y", "response_type": "enum", "predictors": ("a",)}
NUMBER = {"rows": 99, "response": "y", "classes": 1, "predictors": ("a",)}
SITUATIONS = {
    "classes": (Parameters(seed=1), Facts(**ENUM, classes=3)),
    "two classes": (Parameters(seed=1), Facts(**ENUM, classes=2)),
    "numbers": (Parameters(seed=1), Facts(**NUMBER, response_type="real")),
    "autoencoder": (
        Parameters(seed=1, autoencoder=True, activation="Tanh"),
        Facts(rows=99, classes=0, predictors=("a",)),
    ),
    "momentum": (
        Parameters(seed=1, adaptive_rate=False, stopping_rounds=0),
        Facts(**NUMBER, response_type="int"),
    ),
}
# What resolve() does not look at: it is data, or asked of models and frames that are there.
ELSEWHERE = {"response_column", "checkpoint", "pretrained_autoencoder", "offset_column", "fold_column"}
OTHER = {
    "integer": 3,
    "numeric": 0.5,
    "string": "other",
    "list(integer)": (3,),
    "list(numeric)": (0.5,),
    "list(string)": ("a",),
}


def changed(name, parameters):
    declared = declarations()[name]
    value = getattr(parameters, name)
    if declared.kind.word == "bool":
        return parameters.replace(**{name: not value})
    if declared.values:
        return parameters.replace(**{name: next(one for one in declared.values[::-1] if one != value)})
    return parameters.replace(**{name: OTHER[declared.kind.word]})


def worked_with(parameters, facts):
    try:
        resolved = resolve(parameters, facts)
    except H2OResponseError as error:
        return {"refused": str(error)}
    skipped = {"actual", "warnings", "changes"}
    return {one.name: getattr(resolved, one.name) for one in dataclasses.fields(resolved) if one.name not in skipped}


@pytest.mark.parametrize("name", SITUATIONS)
def test_what_is_hidden_changes_nothing(name):
    parameters, facts = SITUATIONS[name]
    wanted = worked_with(parameters, facts)
    hidden = idle(Situation(parameters, facts)) - ELSEWHERE
    assert len(hidden) > 8
    for one in sorted(hidden):
        found = worked_with(changed(one, parameters), facts)
        assert found == wanted or f"_{one}:" in found.get("refused", ""), one  # refused: all the better hidden


def test_every_rule_speaks_of_a_parameter_and_lets_it_act_somewhere():
    """A rule that never lets its parameter act would hide it for ever."""
    rich = [
        Situation(parameters.replace(**more), facts)
        for parameters, facts in SITUATIONS.values()
        for more in (
            {}, {"nfolds": 3}, {"balance_classes": True, "validation_frame": "v"}, {"activation": "TanhWithDropout"},
            {"elastic_averaging": True}, {"export_checkpoints_dir": "x"}, {"checkpoint": "m"}, {"stopping_rounds": 5},
            {"train_samples_per_iteration": 100},
        )
    ]  # fmt: skip
    for name, acts in NEEDS.items():
        assert name in declarations()
        assert any(acts(one) for one in rich), name
        assert not all(acts(one) for one in rich), name


def test_without_a_response_yet_every_category_is_possible():
    off = idle(Situation(Parameters()))
    assert not {"balance_classes", "max_hit_ratio_k", "gainslift_bins", "offset_column"} & off
    assert {"sparsity_beta", "quantile_alpha", "hidden_dropout_ratios"} <= off
