"""Shares of several jobs on one worker take turns: by the time each has had, whatever their windows and rounds."""

import threading

import pytest

from daskdl.worker import turns as module
from daskdl.worker.turns import CREDIT, TURN, Turn, Turns

pytestmark = pytest.mark.timeout(60)


class Clock:
    """A clock that goes on when somebody trains."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def train(turns, windows, until, threads=1):
    """Let jobs train windows of so many seconds each in threads of their own until the clock shows `until`."""
    waited, all_there = {}, threading.Barrier(len(windows))

    def work(job, seconds):
        all_there.wait()
        with turns.turn(job, leave=lambda: None) as turn:
            while turns.clock() < until:
                turns.clock.now += seconds
                turn.pass_on()
        waited[job] = turn.waited

    def stand():  # until all wait for the first turn
        with turns.turn("nobody", leave=lambda: None):
            for one in crew:
                one.start()
            while len(turns.waiting) < len(crew):
                pass

    crew = [threading.Thread(target=work, args=job) for job in windows.items()]
    stand()
    for one in crew:
        one.join()
    return waited


def left(turns, job):
    """Tell whether a share that begins and ends now leaves its thread of Dask."""
    seen = []
    with turns.turn(job, leave=lambda: seen.append(job)):
        return bool(seen)


@pytest.mark.parametrize(
    "windows", [{"a": 0.01, "b": 0.01}, {"fast": 0.003, "slow": 0.7}, {"a": 0.01, "b": 0.2, "c": 0.05}], ids=str
)
def test_jobs_have_like_times_whatever_the_length_of_their_windows(windows):
    turns = Turns(threads=1, clock=Clock())
    waited = train(turns, windows, until=60.0)
    used = {job: turns.used[job] for job in windows}
    assert sum(used.values()) == pytest.approx(60, abs=1)
    assert max(used.values()) - min(used.values()) <= max(windows.values()) + TURN + 1e-9
    assert all(waited[job] == pytest.approx(60 - used[job], abs=2) for job in windows)  # the rest of the time


def test_a_share_that_is_alone_never_waits_and_never_leaves_its_thread():
    turns = Turns(threads=1, clock=Clock())
    for _ in range(3):
        with turns.turn("a", leave=pytest.fail) as turn:
            turns.clock.now += 5
            turn.pass_on()
            assert turn.waits() == 0.0


def test_a_job_that_comes_second_leaves_its_thread_and_so_does_the_first_one_with_its_next_share():
    turns = Turns(threads=2)
    with turns.turn("a", leave=pytest.fail):
        assert left(turns, "b")
    assert left(turns, "a")


def test_a_job_that_is_over_is_forgotten_after_a_while():
    turns = Turns(threads=1, clock=Clock())
    assert not left(turns, "a")
    assert left(turns, "b")
    turns.clock.now += module.REMEMBERED + 1
    assert not left(turns, "b")


def test_a_job_that_comes_late_or_was_away_catches_up_for_a_moment_only():
    turns = Turns(threads=1, clock=Clock())
    for job in ("a", "b"):
        with turns.turn(job, leave=lambda: None):
            turns.clock.now += 8
    with turns.turn("a", leave=lambda: None):
        turns.clock.now += 2
    with turns.turn("a", leave=lambda: None):
        pass
    with turns.turn("new", leave=lambda: None):
        assert turns.used["new"] == pytest.approx(turns.used["a"] - CREDIT)
    with turns.turn("b", leave=lambda: None):
        assert turns.used["b"] == pytest.approx(turns.used["a"] - CREDIT)


def test_no_more_shares_train_at_once_than_the_worker_has_threads():
    turns, lock, inside, most = Turns(threads=3), threading.Lock(), 0, 0

    def work(job):
        nonlocal inside, most
        for _ in range(50):
            with turns.turn(job, leave=lambda: None):
                with lock:
                    inside += 1
                    most = max(most, inside)
                with lock:
                    inside -= 1

    crew = [threading.Thread(target=work, args=(job,)) for job in "aaabbbcc"]
    for one in crew:
        one.start()
    for one in crew:
        one.join()
    assert 1 <= most <= 3
    assert (turns.threads, turns.waiting) == (3, [])


def test_of_shares_of_one_job_the_one_that_began_first_goes_on_first():
    turns = Turns(threads=1, clock=Clock())
    with turns.turn("a", leave=pytest.fail) as first:
        turns.clock.now += 1
        turns.waiting.append(Turn(turns, "a"))  # one more that waits
        first.pass_on()  # keeps its turn: nobody else wants it
        turns.waiting.clear()
    assert first.waited == 0.0


def test_a_share_that_fails_gives_its_turn_back():
    turns = Turns(threads=1)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), turns.turn("a", leave=pytest.fail):
            _ = 1 / 0
