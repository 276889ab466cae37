"""What is counted of a job told event by event: samples, lost and re-run shares, where its time went."""

import json
from collections import deque
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from test_coordinator import NEVER, Story, make_plan

from daskdl.coordinator.messages import ShareFailed, Tick, WorkerJoined
from daskdl.coordinator.observer import Observer, layer_reports
from daskdl.coordinator.report import PARTS_OF_TIME, Report
from daskdl.coordinator.stopping import LayerStatistics


class Watched(Story):
    """A story that an observer sees, too."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.observer = Observer("job-1", "net")
        self.begin()

    def tell(self, event, after=0.0):
        out = super().tell(event, after)
        self.observer.see(event, out, self.job, self.now)
        return out

    def report(self, after=0.0):
        self.now += after
        return self.observer.report(self.job, self.now)


def test_a_job_that_has_just_begun_reports_nothing_done():
    found = Watched().report()
    assert (found["job"], found["model"], found["number"]) == ("job-1", "net", 1)
    assert (found["done"], found["target"], found["rounds"], found["speed"]) == (0, 300, 0, None)
    assert found["phase"] == "training"
    assert found["left"] is None
    assert set(found["workers"]) == {"a", "b"}


def changeable(thing: Any, seen: set[int]) -> set[int]:
    """Return the ids of all lists, dicts, sets and records that may change, in a job or an observer of it."""
    frozen = is_dataclass(thing) and thing.__dataclass_params__.frozen
    if id(thing) in seen or frozen or not (is_dataclass(thing) or isinstance(thing, list | dict | set | deque | tuple)):
        return seen
    if not isinstance(thing, tuple):
        seen.add(id(thing))
    parts = [getattr(thing, one.name) for one in fields(thing)] if is_dataclass(thing) else thing
    for part in parts.values() if isinstance(parts, dict) else parts:
        changeable(part, seen)
    return seen


def test_a_copied_job_and_its_observer_share_nothing_that_changes():
    job = Watched()
    job.round(0.9)
    job.trains(0)  # a share of the second round is trained, the other one is out
    other = job.job.copy()
    observer = job.observer.copy(job.job, other)
    assignment = job.job.crew.assignment or {}  # made anew, never changed
    shared = {id(one) for one in (assignment, *assignment.values())}
    mine = changeable(job.job, set()) | changeable(job.observer, set())
    theirs = changeable(other, set()) | changeable(observer, set())
    assert mine & theirs <= shared
    assert (other, observer) == (job.job, job.observer)
    assert observer._open is other.round


def test_rounds_count_samples_per_worker_and_foretell_the_end():
    job = Watched()
    job.round(0.9, after=2.0)
    found = job.report()
    assert (found["done"], found["samples"], found["rounds"], found["epochs"]) == (100, 100, 1, 1.0)
    assert found["speed"] == 50
    assert found["seconds"] == pytest.approx(2.1)
    assert found["left"] == pytest.approx(2 * 2.1)  # two more rounds like this one
    assert {name: one["samples"] for name, one in found["workers"].items()} == {"a": 50, "b": 50}
    assert {name: one["partitions"] for name, one in found["workers"].items()} == {"a": 1, "b": 1}


def test_the_time_before_the_first_samples_foretells_nothing_once_there_are_others():
    job = Watched(make_plan(target=1000))
    job.round(after=100.0)  # kernels were compiled
    assert job.report()["left"] == pytest.approx(9 * 100.1)
    job.round(after=2.0)
    assert job.report()["left"] == pytest.approx(8 * 2.1)
    assert job.report(after=1.0)["left"] == pytest.approx(8 * 2.1 - 1)
    job.round(after=3.1)  # with the second that passed above 4.2 after the round before
    assert job.report()["left"] == pytest.approx(7 * (2.1 + 4.2) / 2)


def test_shares_of_an_open_round_count_as_done():
    job = Watched()
    job.trains(0)
    assert (job.report()["done"], job.report()["samples"]) == (50, 0)


def test_every_scoring_is_in_one_report():
    job = Watched()
    job.round(0.9)
    first = job.report()
    job.round(0.8)
    job.round(0.7)
    second = job.report()
    assert [row["number"] for row in first["rows"]] == [0, 1]
    assert [row["number"] for row in second["rows"]] == [2, 3]
    assert [row["training"].get("deviance") for row in second["rows"]] == [0.8, 0.7]
    assert second["goal"] == "deviance"
    assert first["rows"][0]["training"] == {}  # nothing is scored before training: NaN is left out
    assert job.report()["rows"] == []


def test_every_second_goes_to_what_the_job_did_in_it():
    job = Watched()
    job.trains(0, after=3.0, seconds=3.0)
    job.trains(1, after=1.0, seconds=3.5)  # of 4 seconds out, the busiest worker trained 3.5
    job.combines(after=0.5)
    job.scores(seconds=2.0, after=2.0)
    found = job.report(after=0.25)
    assert found["times"] == pytest.approx({"training": 3.75, "averaging": 0.5, "scoring": 2.0, "waiting": 0.5})
    assert sum(found["times"].values()) == pytest.approx(found["seconds"])


def test_a_worker_that_trains_several_shares_in_turn_does_not_wait_between_them():
    job = Watched(make_plan(fixed_shares=4, rows=(50, 50)), threads={"a": 1})
    assert len(job.outstanding) == 4
    for share in range(4):
        job.trains(share, after=1.0, seconds=1.0)
    assert job.report()["times"]["waiting"] == 0
    assert job.report()["times"]["training"] == pytest.approx(4.0)


def test_time_without_workers_is_waiting():
    job = Watched()
    job.loses("a")
    job.loses("b")
    assert job.report(after=5.0)["times"]["waiting"] == pytest.approx(5.0)
    assert job.report()["phase"] == "waiting"
    assert "No worker" in job.report()["said"]
    job.tell(WorkerJoined("c", 1), after=1.0)
    assert job.report()["phase"] == "training"


def test_a_lost_worker_and_the_one_that_trains_its_share_again_are_counted():
    job = Watched()
    job.loses("a")
    found = job.report()["workers"]
    assert {name: (one["lost"], one["rerun"]) for name, one in found.items()} == {"a": (1, 0), "b": (0, 1)}
    assert found["a"]["threads"] == 0
    assert "left with 50 samples" in job.report()["said"]


def test_a_share_trained_before_its_worker_left_is_lost_too():
    job = Watched()
    job.trains(0)
    job.loses("a")
    assert job.report()["workers"]["a"]["lost"] == 1


def test_a_failed_share_counts_for_the_worker_that_failed_it():
    job = Watched()
    job.tell(ShareFailed(1, 0, "a", "its task was lost"))
    found = job.report()["workers"]
    assert (found["a"]["lost"], found["b"]["rerun"]) == (1, 1)


def test_shares_of_the_next_round_are_not_run_again():
    job = Watched(make_plan(scoring=NEVER))
    job.round()
    job.round()
    assert all(one["lost"] == one["rerun"] == 0 for one in job.report()["workers"].values())


def test_an_overtaken_share_is_run_again_and_not_lost():
    job = Watched()
    job.trains(1, after=1.0)
    job.tell(Tick(), after=60.0)
    assert job.rivals
    found = job.report()["workers"]
    assert (found["a"]["lost"], found["b"]["rerun"]) == (0, 1)


def test_the_end_says_why():
    job = Watched()
    for _ in range(3):
        job.round()
    found = job.report()
    assert (found["phase"], found["said"], found["left"], found["done"]) == (
        "finished", "All epochs are trained.", 0.0, 300,
    )  # fmt: skip


def test_a_time_limit_bounds_the_time_left():
    job = Watched(make_plan(target=10**6, max_runtime_secs=10))
    job.round(after=2.0)
    assert job.report()["left"] == pytest.approx(10 - 2.1)


def test_a_job_that_broke_off_has_failed():
    job = Watched()
    job.observer.broken = "The rows are gone."
    found = job.report()
    assert (found["phase"], found["said"], found["left"]) == ("failed", "The rows are gone.", 0.0)


def test_a_report_is_plain_values_under_the_declared_names():
    job = Watched()
    job.observer.layers = layer_reports([3, 1], ["Tanh", "Linear"], [LayerStatistics(0, 1, 0, 1)] * 2)
    job.round()
    found = job.report()
    assert set(found) == set(Report.__annotations__)
    assert set(found["times"]) == set(PARTS_OF_TIME)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
