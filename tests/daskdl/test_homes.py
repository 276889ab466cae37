"""At which worker jobs that train side by side are at home."""

from contextlib import ExitStack

import pytest

from daskdl.shell.homes import Homes


@pytest.fixture
def homes():
    return Homes()


@pytest.fixture
def enter(homes):
    """Begin a job and leave it running; the answer is its home."""
    with ExitStack() as jobs:
        yield lambda workers, owners=((),), rows=(1,): jobs.enter_context(homes.home(workers, owners, rows))


def test_a_job_alone_is_at_home_where_most_of_its_rows_lie(enter):
    assert enter({"a": 1, "b": 1}, owners=[("a",), ("b",), ("b",)], rows=[5, 4, 4]) == "b"


def test_jobs_side_by_side_are_at_home_at_different_workers_though_one_holds_all_rows(enter):
    assert [enter({"a": 1, "b": 1, "c": 1}, owners=[("b",)]) for _ in range(6)] == ["b", "a", "c", "b", "a", "c"]


def test_a_worker_with_more_threads_is_the_home_of_more_jobs(enter):
    found = [enter({"a": 1, "b": 3}) for _ in range(8)]
    assert (found.count("a"), found.count("b")) == (2, 6)


def test_a_job_that_is_over_leaves_its_home_to_others(homes):
    for _ in range(3):
        with homes.home({"a": 1, "b": 1}, owners=[("b",)], rows=[1]) as home:
            assert home == "b"


def test_a_job_that_fails_leaves_its_home_to_others(homes):
    with pytest.raises(ZeroDivisionError), homes.home({"a": 1, "b": 1}, owners=[("b",)], rows=[1]):
        raise ZeroDivisionError
    with homes.home({"a": 1, "b": 1}, owners=[("b",)], rows=[1]) as home:
        assert home == "b"


def test_where_no_worker_is_there_nobody_is_at_home_anywhere(enter, homes):
    assert enter({}) is None
    assert homes.quietest({}) is None
    assert enter({"a": 1}) == "a"


def test_the_quietest_worker_is_the_one_with_the_fewest_jobs(enter, homes):
    enter({"a": 1, "b": 1})
    assert homes.quietest({"a": 1, "b": 1}) == "b"
