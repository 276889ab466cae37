"""The hyper-parameters of a grid: combinations, their order, the limits of a search, what is refused."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daskdl.grid.space import LISTED, Criteria, Space
from frames.exceptions import H2OResponseError, H2OTypeError

NAMES = st.sampled_from(["activation", "epochs", "hidden", "l1", "rho", "seed"])
SPACES = st.dictionaries(NAMES, st.lists(st.integers(0, 99), min_size=1, max_size=4), min_size=1, max_size=4)


def test_the_first_name_of_the_alphabet_varies_fastest():
    space = Space.of({"l1": [0, 1], "epochs": [5, 6, 7]})
    found = [(one["epochs"], one["l1"]) for one in space.walk(Criteria(), 0)]
    assert found == [(5, 0), (6, 0), (7, 0), (5, 1), (6, 1), (7, 1)]


@given(SPACES)
@settings(max_examples=50, deadline=None)
def test_a_walk_meets_every_combination_as_often_as_it_is_there(values):
    space = Space.of(values)
    names = sorted(values)
    expected = sorted(itertools.product(*(values[name] for name in names)))
    for criteria in (Criteria(), Criteria(strategy="RandomDiscrete", seed=3)):
        found = [tuple(one[name] for name in names) for one in space.walk(criteria, 0)]
        assert sorted(found) == expected
    assert space.size == len(expected)


def test_a_random_walk_follows_its_seed_and_is_not_the_cartesian_one():
    space = Space.of({"epochs": list(range(20)), "l1": list(range(5))})
    walks = [[*space.walk(Criteria(strategy="RandomDiscrete", seed=seed), 0)] for seed in (1, 1, 2)]
    assert walks[0] == walks[1]
    assert walks[0] != walks[2]
    assert walks[0] != [*space.walk(Criteria(), 0)]


def test_a_random_walk_without_a_seed_takes_the_one_that_the_grid_has_drawn():
    space = Space.of({"epochs": list(range(20))})
    criteria = Criteria(strategy="RandomDiscrete")
    assert [*space.walk(criteria, 5)] == [*space.walk(criteria, 5)]
    assert [*space.walk(criteria, 5)] != [*space.walk(criteria, 6)]


def test_a_space_too_large_for_a_list_is_walked_without_repetition():
    space = Space.of({name: list(range(1000)) for name in ("epochs", "l1", "l2", "rho", "rate")})
    assert space.size == 10**15 > LISTED
    walk = space.walk(Criteria(strategy="RandomDiscrete", seed=1), 0)
    found = {tuple(one.values()) for one in itertools.islice(walk, 500)}
    assert len(found) == 500


def test_criteria_are_read_under_any_spelling_of_the_strategy():
    criteria = Criteria.of({"strategy": "random_discrete", "max_models": 5.0, "stopping_metric": "AUC"})
    assert criteria == Criteria(strategy="RandomDiscrete", max_models=5, stopping_metric="AUC")
    assert Criteria.of(None) == Criteria()
    assert Criteria(**criteria.to_dict()) == criteria


@pytest.mark.parametrize(
    ("hyper_params", "error", "text"),
    [
        ({"ntrees": [1]}, H2OResponseError, "'ntrees' is not gridable"),
        ({"training_frame": ["a"]}, H2OResponseError, "'training_frame' is not gridable"),
        ({"epochs": []}, H2OResponseError, "must not be empty"),
        ({"epochs": 5}, H2OTypeError, "should be a list, got int 5"),
        ({"activation": "Tanh"}, H2OTypeError, "should be a list, got str Tanh"),
        ([("epochs", [1])], H2OTypeError, "should be a dict"),
    ],
)
def test_what_is_no_space_is_refused(hyper_params, error, text):
    with pytest.raises(error, match=text):
        Space.of(hyper_params)


@pytest.mark.parametrize(
    ("criteria", "error", "text"),
    [
        ({"strategy": "Bayes"}, H2OResponseError, "strategy must be one of Cartesian, RandomDiscrete; got 'Bayes'"),
        ({"max_model": 3}, H2OResponseError, "got 'max_model'"),
        ({"strategy": "RandomDiscrete", "max_models": -1}, H2OResponseError, "max_models must be at least 0"),
        ({"strategy": "RandomDiscrete", "max_models": 1.5}, H2OTypeError, "max_models should be a integer"),
        ({"strategy": "RandomDiscrete", "max_runtime_secs": "1h"}, H2OTypeError, "should be a number"),
        ({"stopping_metric": "beauty"}, H2OResponseError, "stopping_metric must be AUTO or one of"),
        ({"strategy": "Cartesian", "seed": 3}, H2OResponseError, "a seed belongs to the strategy RandomDiscrete"),
        ("RandomDiscrete", H2OTypeError, "should be a \\?dict"),
    ],
)
def test_what_are_no_criteria_is_refused(criteria, error, text):
    with pytest.raises(error, match=text):
        Criteria.of(criteria)
