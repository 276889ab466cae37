"""Reports on their way to the scheduler: how often, the last one, and a scheduler that takes none."""

import concurrent.futures
from types import SimpleNamespace

import pytest
from test_coordinator import Story

from daskdl.coordinator.messages import Finish, ShareTrained, Started, Tick
from daskdl.shell.reporter import Reporter
from frames.exceptions import H2OJobError


class Listener:
    """Stands for the cluster: keeps what is published, or refuses it."""

    def __init__(self, error: Exception | None = None):
        self.error, self.heard, self.events = error, [], []

    def publish(self, topic, message):
        self.heard.append((topic, message))
        done = concurrent.futures.Future()
        done.set_exception(self.error) if self.error else done.set_result(None)
        return done

    def say(self, text):
        self.events.append(text)


def reporter(listener):
    job = Story().job
    return Reporter(listener, job, SimpleNamespace(), "net-1", "net")


def test_many_events_within_a_second_are_one_report():
    listener = Listener()
    made = reporter(listener)
    for _ in range(50):
        assert made.seen(Tick(), []) == []
    assert [(topic, message["model"]) for topic, message in listener.heard] == [("daskdl", "net")]


def test_the_end_is_told_at_once():
    listener = Listener()
    made = reporter(listener)
    made.seen(Tick(), [])
    end = [Finish("epochs", "All epochs are trained.")]
    assert made.seen(Tick(), end) is end
    assert [message["said"] for _, message in listener.heard] == ["", "All epochs are trained."]


def test_a_job_that_breaks_off_is_told_as_failed_and_its_error_goes_on():
    listener = Listener()
    with pytest.raises(H2OJobError, match="rows are gone"), reporter(listener):
        raise H2OJobError("The rows are gone.")
    assert [(message["phase"], message["said"]) for _, message in listener.heard] == [("failed", "The rows are gone.")]


def test_a_scheduler_that_takes_no_reports_is_said_once_and_stops_nothing():
    listener = Listener(OSError("not there"))
    made = reporter(listener)
    for _ in range(3):
        made.seen(Tick(), [Finish("epochs", "done")])
    assert len(listener.heard) == 3
    assert listener.events == ["The dashboard could not be told of this job: not there"]


def test_what_a_lent_coordinator_does_is_counted_there_and_told_here():
    """The observer goes along with a copy of the coordinator; what was reported meanwhile is not told again."""
    job = Story().job
    made = Reporter(Listener(), job, SimpleNamespace(), "net-1", "net")
    started = Started({"a": 1}, (("a",),) * len(job.plan.rows))
    order = made.seen(started, job.handle(started, 1.0))[0]
    lent = job.copy()
    observer = made.observer.copy(job, lent)
    done = ShareTrained(order.round, order.share, "a", order.samples, 0.5)
    observer.see(done, lent.handle(done, 2.0), lent, 2.0)
    told = made.observer.report(job, 2.0)
    assert told["workers"]["a"]["samples"] == 0
    assert told["times"]["training"] == pytest.approx(1.0)
    report = observer.going_on(made.observer).report(lent, 2.0)
    assert report["number"] == told["number"] + 1
    assert report["workers"]["a"]["samples"] == order.samples
    assert report["times"] == pytest.approx({**report["times"], "training": 0.5, "waiting": 0.5})
