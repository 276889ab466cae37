"""Who is silent, and since when: heartbeats seen by a clock that may itself have looked away."""

import pytest

from frames.cluster import silence
from frames.cluster.silence import Heartbeats, least


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves."""

    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    made = Clock()
    monkeypatch.setattr(silence, "time", made)
    return made


def test_silence_grows_from_look_to_look_and_ends_with_a_heartbeat(clock):
    beats = Heartbeats()
    assert beats.look({"a": {"last_seen": 1.0}, "b": {"last_seen": 1.0}}) == {"a": 0.0, "b": 0.0}
    for step in range(1, 5):
        clock.now += 1.0
        assert beats.look({"a": {"last_seen": 1.0}, "b": {"last_seen": 1.0 + step}}) == {"a": float(step), "b": 0.0}
    clock.now += 1.0
    assert beats.look({"a": {"last_seen": 9.0}}) == {"a": 0.0}


def test_who_has_not_looked_for_a_while_begins_anew(clock):
    beats = Heartbeats()
    beats.look({"a": {"last_seen": 1.0}})
    clock.now += silence.LOOK_AWAY + 0.1
    assert beats.look({"a": {"last_seen": 1.0}}) == {"a": 0.0}


def test_a_worker_that_leaves_is_forgotten(clock):
    beats = Heartbeats()
    beats.look({"a": {"last_seen": 1.0}})
    beats.look({})
    clock.now += 1.0
    assert beats.look({"a": {"last_seen": 1.0}}) == {"a": 0.0}


def test_silences_that_ended_say_which_are_unusual_until_they_are_long_ago(clock):
    beats = Heartbeats()
    beats.look({"a": {"last_seen": 1.0}, "b": {"last_seen": 1.0}})
    assert beats.unusual() == 0.0
    for step in range(1, 5):  # "a" is heard again after four seconds, "b" each second
        clock.now += 1.0
        beats.look({"a": {"last_seen": 1.0 + step // 4}, "b": {"last_seen": 1.0 + step}})
    assert beats.unusual() == silence.PATIENT * 4.0
    for step in range(int(silence.LATELY) + 1):
        clock.now += 1.0
        beats.look({"a": {"last_seen": 9.0 + step}, "b": {"last_seen": 9.0 + step}})
    assert beats.unusual() == silence.PATIENT * 1.0


def test_a_worker_that_does_not_come_back_makes_no_silence_usual(clock):
    beats = Heartbeats()
    for step in range(8):
        beats.look({"a": {"last_seen": 1.0}, "b": {"last_seen": 1.0 + step}})
        clock.now += 1.0
    assert beats.unusual() == silence.PATIENT * 1.0


def test_time_in_which_nobody_looked_makes_no_silence_usual(clock):
    beats = Heartbeats()
    beats.look({"a": {"last_seen": 1.0}})
    clock.now += silence.LOOK_AWAY + 0.1
    beats.look({"a": {"last_seen": 2.0}})
    assert beats.unusual() == 0.0


@pytest.mark.parametrize(("workers", "seconds"), [(1, 2.0), (8, 2.0), (40, 4.0), (1000, 24.0)])
def test_more_silence_means_nothing_where_heartbeats_are_rarer(workers, seconds):
    assert least(workers) == seconds
