"""Round sizes follow the published formula; scoring keeps to its share of the time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daskdl.coordinator.round_size import (
    Machine,
    ScoringPolicy,
    Work,
    automatic_samples,
    resized,
    samples_per_round,
    seconds_per_sample,
    target_samples,
)
from daskdl.kernels.activations import ACTIVATIONS
from frames.exceptions import H2OValueError

MNIST = Work(size=199_210, inputs=784, flop=50, rows=60_000, epochs=10)
IRIS = Work(size=41_803, inputs=4, flop=50, rows=150, epochs=10)


def test_one_epoch_and_all_rows_are_what_they_say():
    assert samples_per_round(0, IRIS, Machine(workers=3)) == 150
    assert samples_per_round(-1, IRIS, Machine(workers=3)) == 150
    assert samples_per_round(-1, IRIS, Machine(workers=3), replicated=True) == 450


def test_a_number_of_samples_is_taken_as_given_but_never_beyond_the_whole_run():
    assert samples_per_round(500, IRIS, Machine()) == 500
    assert samples_per_round(10**9, IRIS, Machine()) == 1500
    assert samples_per_round(5, Work(1, 1, 250, 10, 0.0), Machine()) == 1


def test_an_impossible_number_or_machine_is_refused():
    with pytest.raises(H2OValueError, match=r"-2, -1, 0 .* got -3"):
        samples_per_round(-3, IRIS, Machine())
    with pytest.raises(H2OValueError, match="0 workers"):
        Machine(workers=0)


def test_auto_on_one_worker_is_worked_out_by_hand():
    # 50 * 199,210 + 10,000 * 784 = 17,800,500 flop; at 5 gflops and 2 threads 1780.05 us a row.
    machine = Machine(threads=2, gflops=5)
    assert seconds_per_sample(MNIST, machine) == pytest.approx(1780.05e-6)
    # 1e4 us / 1e-3 - 1e4 = 9.99e6 us: 5612.2 rows; a tenth of the run is 60,000; ten seconds are 5617.8 rows.
    assert automatic_samples(MNIST, machine) == 5612


def test_auto_gives_about_ten_rounds_on_small_data():
    assert automatic_samples(IRIS, Machine(gflops=10)) == 150


def test_auto_on_several_workers_pays_for_communication():
    machine = Machine(workers=4, threads=1, gflops=5, collective=0.05)
    # 1e5 + 4 * 5e4 us over 0.05 is 5.7e6 us; a row takes 3560.1 us: 1601.1 rows.
    assert automatic_samples(MNIST, machine) == 1601


def test_auto_rounds_down_to_whole_passes_when_little_is_lost():
    work = Work(size=1000, inputs=10, flop=50, rows=1000, epochs=1000)
    # 150,000 flop a row; 9.99e6 us / 4700 us = 2125 rows: 125 above two passes is little, 497 is not.
    assert automatic_samples(work, Machine(gflops=0.15 / 4.7)) == 2000
    assert automatic_samples(work, Machine(gflops=0.15 / 4.0)) == 2497


def test_auto_knows_that_tanh_and_maxout_cost_more():
    sizes = [
        automatic_samples(Work(10**6, 10, ACTIVATIONS[name].flop, 10**7, 100), Machine())
        for name in ("Rectifier", "Tanh", "Maxout")
    ]
    assert sizes[0] > 4.9 * sizes[1] > 7.8 * sizes[2]


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 10**8),
    st.integers(1, 10**5),
    st.integers(1, 10**7),
    st.floats(0, 1000),
    st.integers(1, 64),
    st.floats(0, 2),
)
def test_auto_is_at_least_one_sample_and_at_most_ten_passes_per_worker(size, inputs, rows, epochs, workers, collective):
    got = automatic_samples(
        Work(size, inputs, 250, rows, epochs), Machine(workers=workers, gflops=3, collective=collective)
    )
    assert 1 <= got <= max(1, min(10 * workers * rows, 100_000 * workers, epochs * rows / 10))


def test_rounds_grow_when_communication_takes_too_much_and_shrink_when_it_is_cheap():
    assert resized(1000, communication=0.2, seconds=2.0, workers=4, target=0.05) == 2000
    assert resized(1000, communication=0.02, seconds=2.0, workers=4, target=0.05) == 500
    assert resized(1000, communication=0.14, seconds=2.0, workers=4, target=0.05) == 1400
    assert resized(1000, communication=0.11, seconds=2.0, workers=4, target=0.05) == 1000
    assert resized(1000, communication=0.009, seconds=0.01, workers=4, target=0.05) == 1000
    assert resized(1000, communication=1.0, seconds=2.0, workers=1, target=0.05) == 1000


def test_epochs_may_be_fractions_and_floating_point_adds_no_sample():
    assert target_samples(0.1, 1000) == 100
    assert target_samples(10, 150) == 1500
    assert target_samples(0.25, 10) == 3
    assert target_samples(0, 10) == 0
    assert target_samples(1e-9, 150) == 1


class TestScoringPolicy:
    def test_the_first_round_and_the_end_are_scored(self):
        policy = ScoringPolicy()
        assert policy.due(0.1, None, 0, first=True, over=False)
        assert policy.due(0.1, 0.05, 9, first=False, over=True)

    def test_a_duty_cycle_of_zero_scores_at_the_end_only(self):
        policy = ScoringPolicy(duty_cycle=0)
        assert not policy.due(1e6, None, 0, first=True, over=False)
        assert not policy.due(1e6, 0, 0, first=False, over=False)
        assert policy.due(1e6, 0, 0, first=False, over=True)

    def test_the_interval_must_have_passed(self):
        policy = ScoringPolicy(interval=5, duty_cycle=1)
        assert not policy.due(14.9, 10, 0.1, first=False, over=False)
        assert policy.due(15.1, 10, 0.1, first=False, over=False)

    def test_a_scoring_that_took_long_waits_until_it_is_a_tenth_of_the_time(self):
        policy = ScoringPolicy(interval=1, duty_cycle=0.1)
        assert not policy.due(30, 0, 3.5, first=False, over=False)
        assert policy.due(36, 0, 3.5, first=False, over=False)

    def test_each_iteration_means_each(self):
        assert ScoringPolicy(duty_cycle=0, each_iteration=True).due(0.2, 0.1, 9, first=False, over=False)
