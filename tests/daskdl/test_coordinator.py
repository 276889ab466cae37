"""Stories of a training job, told to the coordinator without a cluster; after every event its invariants hold."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daskdl.coordinator.machine import Coordinator
from daskdl.coordinator.messages import (
    CombineRound,
    DropShare,
    Finish,
    KeepBest,
    Log,
    RestoreBest,
    RollBack,
    RoundCombined,
    Save,
    Saved,
    SaveFailed,
    Score,
    Scored,
    ShareFailed,
    ShareTrained,
    Started,
    StopRequested,
    StopShares,
    Tick,
    TrainShare,
    WaitForWorkers,
    WorkerJoined,
    WorkerLost,
)
from daskdl.coordinator.progress import TrainingPlan
from daskdl.coordinator.round_size import ScoringPolicy
from daskdl.coordinator.slices import samples_of, shares_of_stream
from daskdl.coordinator.stopping import StoppingRule, objective
from frames.exceptions import H2OValueError

EACH = ScoringPolicy(each_iteration=True)
NEVER = ScoringPolicy(duty_cycle=0)
NO_STOP = StoppingRule(objective("AUTO", "Regression"), rounds=0, regression_stop=-1)


def make_plan(rows=(50, 50), target=300, per_round=100, category="Regression", stopping=NO_STOP, scoring=EACH, **more):
    return TrainingPlan(rows, category, target, per_round, stopping, scoring, **more)


def values(deviance):
    return {"rmse": deviance**0.5, "mse": deviance, "mean_residual_deviance": deviance, "mae": deviance, "r2": 0.0}


class Story:
    """A job told event by event. Time passes only where the story says so; invariants are checked after each event."""

    def __init__(self, plan=None, threads=None, owners=None, job=None):
        self.job = job or Coordinator(plan or make_plan())
        self.threads = threads or {"a": 1, "b": 1}
        names = sorted(self.threads)
        self.owners = owners or tuple((names[p % len(names)],) for p in range(len(self.job.plan.rows)))
        self.now = 1000.0
        self.seen: list = []  # every instruction so far
        self.outstanding: dict[int, TrainShare] = {}
        self.rivals: dict[int, TrainShare] = {}  # shares that a second worker trains, too
        self.counted: dict[int, int] = {}  # round -> samples that were averaged
        self.sent: dict[tuple, TrainShare] = {}  # round, share and worker -> the last order of that kind
        self.asked: list = []  # the slices of the round that is being averaged
        self.covered: list = []  # the slices of all rounds that were

    def begin(self):
        return self.tell(Started(self.threads, self.owners))

    def tell(self, event, after=0.0):
        self.now += after
        before = (self.job.progress.round, self.job.progress.samples, self.job.progress.position)
        rounds = self.job.round.rounds if self.job.round else 1
        out = self.job.handle(event, self.now)
        for one in out:
            if isinstance(one, TrainShare):
                self.sent[one.round, one.share, one.worker] = one
                overtakes = self.job.round.shares[one.share].rival == one.worker
                (self.rivals if overtakes else self.outstanding)[one.share] = one
            if isinstance(one, DropShare):
                rival = self.rivals.get(one.share)
                held = self.rivals if rival is not None and rival.worker == one.worker else self.outstanding
                assert held.pop(one.share).worker == one.worker
            if isinstance(one, CombineRound):
                self.counted[one.round] = sum(samples for _, samples in one.shares)
                self.asked = [part for share, _ in one.shares for part in self.slices_of(one.round, share)]
        self.promote()
        self.seen += out
        self.check(before, rounds)
        return out

    def slices_of(self, number, share):
        """The slices in the result of a share: its own, and those of the shares that its worker trained before it."""
        worker, found = self.job.round.shares[share].worker, []
        while share is not None:
            order = self.sent[number, share, worker]
            found += [part for task in order.tasks for part in task]
            share = order.after
        return found

    @property
    def ready(self):
        """The shares whose workers can be at them: what they come after is trained."""
        return sorted(
            n for n, one in self.outstanding.items() if one.after is None or one.after not in self.outstanding
        )

    def promote(self):
        """Of two workers that train a share one may be gone: the other one's answer is what is waited for."""
        for share in self.job.round.running if self.job.round else ():
            other = self.rivals.get(share.number)
            if other is not None and share.rival != other.worker:
                del self.rivals[share.number]
                if other.worker == share.worker:
                    self.outstanding[share.number] = other

    def check(self, before, rounds):
        progress, job = self.job.progress, self.job
        assert (progress.round, progress.samples, progress.position) >= before
        assert progress.round - before[0] in (0, rounds)
        assert progress.samples == sum(n for number, n in self.counted.items() if number <= progress.round)
        assert progress.samples <= progress.position
        if job.round is not None:
            for share in job.round.running:
                assert share.worker in job.crew.threads, "an outstanding share has a living worker"
                assert self.outstanding[share.number].worker == share.worker
            whole = sorted((one.partition, one.start, one.stop) for share in job.round.shares for one in share.slices)
            for (p, _, stop), (q, start, _) in pairwise(whole):
                assert p != q or stop <= start, "no row is in two shares"
        assert sum(isinstance(one, Finish) for one in self.seen) == (job.phase == "finished")
        json.dumps(job.to_dict(), allow_nan=False)

    def trains(self, share, samples=None, after=0.0, seconds=1.0, waited=0.0):
        one = self.outstanding.pop(share)
        samples = one.samples if samples is None else samples
        return self.tell(ShareTrained(one.round, share, one.worker, samples, seconds, waited), after)

    def rival_trains(self, share, after=0.0):
        one = self.rivals.pop(share)
        return self.tell(ShareTrained(one.round, share, one.worker, one.samples, 1.0), after)

    def loses(self, worker, after=0.0):
        self.outstanding = {n: one for n, one in self.outstanding.items() if one.worker != worker}
        return self.tell(WorkerLost(worker), after)

    def train_round(self, after=1.0):
        for share in sorted(self.outstanding)[:-1]:
            self.trains(share)
        return self.trains(max(self.outstanding), after=after)

    def combines(self, unstable=None, after=0.0):
        if self.job.round is not None and self.job.round.asked and unstable is None:
            self.covered += self.asked
        return self.tell(RoundCombined(self.job.progress.round + 1, unstable), after)

    def scores(self, deviance=1.0, validation=None, seconds=0.1, after=0.1):
        side = None if validation is None else values(validation)
        return self.tell(Scored(self.job.progress.round, values(deviance), side, seconds), after)

    def round(self, deviance=1.0, after=1.0):
        self.train_round(after)
        out = self.combines()
        return self.scores(deviance) if any(isinstance(one, Score) for one in out) else out

    def kinds(self):
        return [type(one).__name__ for one in self.seen]

    @property
    def last(self):
        return self.seen[-1]


@pytest.fixture
def story():
    return Story


def of(kind, instructions):
    return [one for one in instructions if isinstance(one, kind)]


# --- the ordinary course ----------------------------------------------------------------------------------------------


def test_three_rounds_are_trained_averaged_scored_and_the_job_ends(story):
    job = story()
    shares = of(TrainShare, job.begin())
    assert [(one.worker, one.samples, one.round) for one in shares] == [("a", 50, 1), ("b", 50, 1)]
    assert not job.trains(0)
    assert job.trains(1, after=2.0) == [CombineRound(1, ((0, 50), (1, 50)), None, first=True)]
    assert job.combines() == [Score(1)]
    out = job.scores(0.9)
    assert out[0] == KeepBest(1)
    assert len(of(TrainShare, out)) == 2
    job.round(0.8)
    assert of(Finish, job.round(0.7)) == [Finish("epochs", "All epochs are trained.", ())]
    table = job.job.progress.history.as_dicts()
    assert [row["samples"] for row in table] == [0, 100, 200, 300]
    assert [row["epochs"] for row in table] == [0, 1, 2, 3]
    assert [row["iterations"] for row in table] == [0, 1, 2, 3]
    assert [row["training_deviance"] for row in table][1:] == [0.9, 0.8, 0.7]
    # 2 seconds of training, 0.1 of scoring, for 100 samples
    assert table[1]["training_speed"] == "50 obs/sec"
    assert table[1]["duration"] == "2.100 sec"


def test_the_last_round_stops_at_the_exact_number_of_samples(story):
    job = story(make_plan(target=250))
    job.begin()
    job.round()
    job.round()
    assert sum(one.samples for one in job.outstanding.values()) == 50
    job.round()
    assert (job.last.reason, job.job.progress.samples) == ("epochs", 250)


def test_zero_epochs_score_the_initial_model(story):
    job = story(make_plan(target=0))
    assert job.begin() == [Score(0, final=True)]
    job.scores(5.0)
    assert job.last.reason == "epochs"
    assert [row["samples"] for row in job.job.progress.history] == [0, 0]


def test_an_autoencoder_is_scored_before_it_is_trained(story):
    job = story(make_plan(category="AutoEncoder", target=100))
    assert job.begin() == [Score(0)]
    out = job.scores(2.0)
    assert of(KeepBest, out) == [KeepBest(0)]
    assert of(TrainShare, out)
    job.round(1.0)
    assert [row["training_mse"] for row in job.job.progress.history] == [2.0, 1.0]
    assert job.job.progress.history.as_dicts()[0]["training_speed"] is None


def test_every_row_is_trained_once_per_pass_over_all_rounds(story):
    job = story(make_plan(rows=(7, 0, 13, 30), target=100, per_round=17), threads={"a": 2, "b": 1})
    job.begin()
    while job.job.phase != "finished":
        job.round()
    rows = [
        (s.partition, i)
        for one in of(TrainShare, job.seen)
        for t in one.tasks
        for s in t
        for i in range(s.start, s.stop)
    ]
    assert sorted(rows) == [(p, i) for p, n in enumerate((7, 0, 13, 30)) for i in range(2 * n)]


def test_shares_are_chains_of_tasks_that_fit_the_memory(story):
    job = story(make_plan(rows=(10,) * 4, chunk_bytes=(8,) * 4, budget=16, per_round=40), threads={"a": 1})
    (share,) = of(TrainShare, job.begin())
    assert [[one.partition for one in task] for task in share.tasks] == [[0, 1], [2, 3]]


BRIEF = {"rows": (50,), "target": 9000, "per_round": 10}


def test_rounds_of_a_worker_alone_that_are_over_at_once_begin_together(story):
    job = story(make_plan(**BRIEF, scoring=NEVER), threads={"a": 1})
    job.begin()
    job.round(after=0.0049)
    (order,) = job.outstanding.values()
    assert [samples_of(task) for task in order.tasks] == [10] * 10  # as many as will be over in 0.05 seconds
    assert [task[0].start for task in order.tasks] == list(range(10, 110, 10))
    job.round(after=0.02)
    assert (job.job.progress.round, job.job.progress.samples) == (11, 110)
    (order,) = job.outstanding.values()
    assert 20 < len(order.tasks) < 30  # it learns how fast they are
    job.loses("a")
    job.tell(WorkerJoined("a"))
    assert job.outstanding[0].tasks == order.tasks


def test_the_last_of_brief_rounds_end_at_the_exact_number_of_samples(story):
    job = story(make_plan(**{**BRIEF, "target": 127}, scoring=NEVER), threads={"a": 1})
    job.begin()
    while job.job.phase != "finished":
        job.round(after=0.0049)
    assert (job.job.progress.round, job.job.progress.samples, job.last.reason) == (13, 127, "epochs")


def test_brief_rounds_that_are_stopped_count_as_many_as_were_begun(story):
    job = story(make_plan(**BRIEF, scoring=NEVER), threads={"a": 1})
    job.begin()
    job.round(after=0.0049)
    job.tell(StopRequested("cancelled"))
    job.trains(0, samples=35, after=0.001)
    job.combines()
    assert (job.job.progress.round, job.job.progress.samples) == (1 + 4, 45)


@pytest.mark.parametrize(
    "more",
    [
        {"scoring": EACH},
        {"scoring": ScoringPolicy(interval=0.001)},
        {"scoring": NEVER, "fixed_shares": 1},
        {"scoring": NEVER, "elastic_rate": 0.9},
        {"scoring": NEVER, "resize": 0.05},
    ],
    ids=["scored each", "scored often", "reproducible", "elastic", "resized"],
)
def test_brief_rounds_begin_one_by_one_where_something_may_happen_between_them(story, more):
    job = story(make_plan(**BRIEF, **more), threads={"a": 1})
    job.begin()
    for _ in range(4):
        job.round(after=0.001)
        assert all(one.samples == 10 for one in job.outstanding.values())


def test_brief_rounds_of_several_workers_begin_one_by_one(story):
    job = story(make_plan(**BRIEF, scoring=NEVER))
    job.begin()
    for _ in range(4):
        job.round(after=0.001)
        assert sum(one.samples for one in job.outstanding.values()) == 10


# --- scoring ----------------------------------------------------------------------------------------------------------


def test_scoring_that_takes_longer_than_the_duty_cycle_allows_is_put_off(story):
    job = story(make_plan(target=10_000, scoring=ScoringPolicy(interval=5, duty_cycle=0.1)))
    job.begin()
    job.train_round()
    assert job.combines() == [Score(1)]
    job.scores(seconds=3.0, after=3.0)
    scored = []
    for _ in range(40):
        job.train_round(after=1.0)
        if of(Score, job.combines()):
            scored.append(job.now)
            job.scores(seconds=3.0, after=3.0)
    # the scoring begun at 1001 s took 3 s: a tenth of the time only after 1031 s
    assert scored[0] == 1032.0
    assert len(scored) == 1


def test_without_a_duty_cycle_only_the_end_is_scored(story):
    job = story(make_plan(scoring=NEVER))
    job.begin()
    job.round()
    job.round()
    job.train_round()
    assert job.combines() == [Score(3, final=True)]
    job.scores()
    assert job.last.reason == "epochs"


def test_the_best_model_comes_back_and_is_scored_again_with_the_same_epochs(story):
    job = story()
    job.begin()
    job.round(1.0)
    job.round(0.5)
    out = job.round(0.8)
    assert out == [RestoreBest(2), Score(3, final=True)]
    job.scores(0.5)
    assert job.last.reason == "epochs"
    table = job.job.progress.history.as_dicts()
    assert [row["epochs"] for row in table] == [0, 1, 2, 3, 3]
    assert table[-1]["training_deviance"] == 0.5
    assert [one.round for one in of(KeepBest, job.seen)] == [1, 2]


def test_the_best_model_is_judged_on_validation_and_by_the_direction_of_its_metric(story):
    rule = StoppingRule(objective("AUC", "Binomial"), rounds=0, classification_stop=-1)
    job = story(make_plan(category="Binomial", stopping=rule, validated=True, target=200))
    job.begin()
    for auc in (0.9, 0.7):
        job.train_round()
        job.combines()
        scored = {"err": 0.5, "auc": 1 - auc}
        job.tell(Scored(job.job.progress.round, scored, {"auc": auc}, 0.1), 0.1)
    assert of(RestoreBest, job.seen) == [RestoreBest(1)]


def test_the_last_model_stays_where_the_best_is_not_wanted(story):
    job = story(make_plan(keep_best=False, target=200))
    job.begin()
    job.round(0.5)
    job.round(0.9)
    assert not {"KeepBest", "RestoreBest"} & set(job.kinds())
    assert job.last.reason == "epochs"


def test_a_nan_at_the_end_loses_against_any_number(story):
    job = story(make_plan(target=200))
    job.begin()
    job.round(0.5)
    assert of(RestoreBest, job.round(math.nan)) == [RestoreBest(1)]


def test_early_stopping_ends_the_job_and_says_why(story):
    rule = StoppingRule(objective("AUTO", "Regression"), rounds=1, tolerance=0.1, regression_stop=-1)
    job = story(make_plan(stopping=rule, target=10_000))
    job.begin()
    job.round(1.0)
    job.round(0.8)
    job.round(0.78)
    assert job.last.reason == "stopping"
    assert "deviance did not improve by 0.1 over 1 scoring events" in job.last.message
    assert job.job.progress.samples == 300


def test_a_model_that_is_good_enough_ends_the_job(story):
    rule = StoppingRule(objective("AUTO", "Regression"), rounds=0, regression_stop=0.1)
    job = story(make_plan(stopping=rule, target=10_000))
    job.begin()
    job.round(0.05)
    assert job.last.reason == "stopping"
    assert "regression_stop" in job.last.message


def test_a_stopping_metric_that_was_not_scored_is_an_error(story):
    job = story(make_plan(stopping=StoppingRule(objective("RMSLE", "Regression"), 1)))
    job.begin()
    job.train_round()
    job.combines()
    with pytest.raises(H2OValueError, match="rmsle must be among the scored values"):
        job.scores()


# --- workers come and go ----------------------------------------------------------------------------------------------


def test_the_share_of_a_lost_worker_goes_to_another_with_the_same_slices(story):
    job = story()
    first = of(TrainShare, job.begin())[0]
    out = job.loses("a", after=3.0)
    again = of(TrainShare, out)[0]
    assert (again.worker, again.share, again.round, again.tasks) == ("b", first.share, 1, first.tasks)
    assert again.attempt == 2
    assert of(Log, out)[0].text == "Worker a left with 50 samples (3.0 seconds) to be done again."
    job.train_round()
    job.combines()
    assert job.job.progress.samples == 100


def test_a_worker_that_dies_after_training_but_before_combining_has_its_share_trained_again(story):
    job = story()
    job.begin()
    job.trains(0)
    job.trains(1)
    assert of(CombineRound, job.seen)
    assert [(one.worker, one.share) for one in of(TrainShare, job.loses("b"))] == [("a", 1)]
    assert job.outstanding[1].after == 0  # it goes on from what the worker trained before
    assert of(CombineRound, job.trains(1))[0].shares == ((1, 100),)
    assert job.combines()
    assert job.job.progress.samples == 100


def test_an_average_that_was_ready_before_the_loss_counts_and_the_repetition_is_dropped(story):
    job = story()
    job.begin()
    job.trains(0)
    job.trains(1)
    job.loses("b")
    out = job.combines()
    assert out == [DropShare(1, 1, "a"), Score(1)]
    assert job.job.progress.samples == 100
    assert not job.tell(ShareTrained(1, 1, "a", 50, 1.0))
    assert not job.tell(RoundCombined(1))


def test_the_late_answer_of_a_worker_that_was_given_up_is_ignored(story):
    job = story()
    job.begin()
    job.loses("a")
    assert not job.tell(ShareTrained(1, 0, "a", 50, 1.0))
    job.trains(1)
    assert of(CombineRound, job.trains(0))
    assert not job.tell(ShareTrained(1, 0, "b", 50, 1.0))


def test_a_worker_that_joins_in_mid_round_trains_from_the_next_round_on(story):
    job = story(make_plan(rows=(50, 50)), threads={"a": 1})
    job.begin()
    assert not of(TrainShare, job.tell(WorkerJoined("new", 1)))
    out = job.round()
    assert {one.worker: one.samples for one in of(TrainShare, out)} == {"a": 50, "new": 50}


def test_placement_stays_as_it_is_while_nobody_comes_or_goes(story):
    job = story(make_plan(rows=(10,) * 8, per_round=13, target=130), threads={"a": 2, "b": 1})
    job.begin()
    places = set()
    while job.job.phase != "finished":
        places |= {(s.partition, one.worker) for one in job.outstanding.values() for t in one.tasks for s in t}
        job.round()
    split = [p for p in range(8) if sum(q == p for q, _ in places) > 1]
    assert len(split) <= 1


def test_a_failing_share_moves_to_another_worker_and_finally_fails_the_job(story):
    job = story(make_plan(attempts=3))
    job.begin()
    workers = []
    for _ in range(3):
        one = job.outstanding.pop(0)
        workers.append(one.worker)
        out = job.tell(ShareFailed(1, 0, one.worker, "out of memory"))
    assert workers == ["a", "b", "a"]
    assert out[-1].reason == "failed"
    assert "Share 0 of round 1 failed 3 times: out of memory." in out[-1].message
    assert of(DropShare, out) == [DropShare(1, 1, "b")]


def test_a_share_that_kills_every_worker_does_not_go_on_for_ever(story):
    job = story(make_plan(rows=(50,), attempts=1), threads={"a": 1, "b": 1, "c": 1})
    job.begin()
    job.loses(job.outstanding[0].worker)
    job.loses(job.outstanding[0].worker)
    assert job.last.reason == "failed"


def test_when_all_workers_are_gone_the_job_waits_and_goes_on_with_the_first_that_comes(story):
    job = story(make_plan(no_workers_timeout=30))
    job.begin()
    job.round()
    job.trains(0)
    job.loses("b")
    assert job.loses("a")[-1] == WaitForWorkers(30)
    assert not job.tell(Tick(), after=29)
    out = of(TrainShare, job.tell(WorkerJoined("c", 4)))
    assert [(one.worker, one.share, one.round) for one in out] == [("c", 0, 2), ("c", 1, 2)]
    job.round()
    assert not job.tell(Tick(), after=100)


def test_a_share_that_takes_far_longer_than_the_others_is_begun_elsewhere_too(story):
    job = begun(story())
    job.trains(0, after=1.0, seconds=1.0)
    assert not of(TrainShare, job.tell(Tick(), after=2.5))
    (again,) = of(TrainShare, job.tell(Tick(), after=1.5))
    assert (again.share, again.worker, again.samples) == (1, "a", 50)
    assert "Worker b takes 5.0 seconds for 50 samples; worker a trains them, too" in job.seen[-2].text
    assert not of(TrainShare, job.tell(Tick(), after=100))  # two are enough
    out = job.rival_trains(1)
    assert out == [DropShare(1, 1, "b"), CombineRound(1, ((0, 50), (1, 50)), None, first=True)]


def test_the_first_answer_counts_though_it_be_the_slow_one(story):
    job = begun(story())
    job.trains(0, after=1.0)
    job.tell(Tick(), after=5.0)
    out = job.trains(1, seconds=6.0)
    assert out == [DropShare(1, 1, "a"), CombineRound(1, ((0, 50), (1, 50)), None, first=True)]


def test_a_share_that_two_train_survives_the_death_of_either(story):
    for dies, left in (("a", "b"), ("b", "a")):
        job = begun(story())
        job.trains(0, after=1.0)
        job.tell(Tick(), after=5.0)
        orders = of(TrainShare, job.loses(dies))
        assert [one.share for one in orders] == ([0] if dies == "a" else [])  # what a had finished is gone with it
        assert job.outstanding[1].worker == left


def test_a_share_alone_is_compared_with_the_rounds_before(story):
    job = story(make_plan(target=600, fixed_shares=1))
    job.begin()
    job.round(after=2.0)
    assert not of(TrainShare, job.tell(Tick(), after=7.0))
    assert len(of(TrainShare, job.tell(Tick(), after=2.0))) == 1


def test_when_nobody_comes_the_last_model_stands(story):
    job = story(make_plan(no_workers_timeout=30, save_every=1000))
    job.begin()
    job.round()
    job.loses("a")
    job.loses("b")
    (out,) = job.tell(Tick(), after=31)
    assert out.reason == "no-workers"
    assert "the last model stands" in out.warnings[0]
    assert job.job.progress.samples == 100
    assert not job.tell(WorkerJoined("late", 1))


def test_workers_lost_while_scoring_are_waited_for_and_the_scoring_is_repeated(story):
    job = story(threads={"a": 1})
    job.begin()
    job.train_round()
    assert job.combines() == [Score(1)]
    assert job.loses("a")[-1] == WaitForWorkers(60.0)
    assert of(Score, job.tell(WorkerJoined("b", 1))) == [Score(1)]
    job.scores()
    assert not job.tell(Scored(1, values(1.0)))


def test_a_job_may_start_before_its_workers(story):
    job = story(threads={"a": 1})
    assert job.tell(Started({}, ((), ()))) == [WaitForWorkers(60.0)]
    assert of(TrainShare, job.tell(WorkerJoined("a", 1)))


# --- workers take part one after the other ----------------------------------------------------------------------------


def test_a_job_begins_on_one_worker_and_takes_in_another_after_so_many_samples(story):
    job = story(make_plan(target=500, widen_after=200), threads={"a": 1, "b": 1, "c": 1})
    crowds = [sorted({one.worker for one in of(TrainShare, job.begin())})]
    while job.job.phase != "finished":
        crowds.append(sorted({one.worker for one in of(TrainShare, job.round())}))
    assert crowds == [["a"], ["a"], ["a", "b"], ["a", "b"], ["a", "b", "c"], []]
    assert job.job.progress.samples == 500


def test_the_first_worker_is_the_one_that_holds_most_rows(story):
    job = story(make_plan(rows=(20, 80), widen_after=1000))
    (share,) = of(TrainShare, job.begin())
    assert (share.worker, share.samples) == ("b", 100)


def test_a_job_begins_at_its_home_though_another_worker_holds_its_rows(story):
    job = story(make_plan(rows=(20, 80), target=400, widen_after=100))
    (share,) = of(TrainShare, job.tell(Started({"a": 1, "b": 1}, (("b",), ("b",)), home="a")))
    assert (share.worker, share.samples) == ("a", 100)


def test_a_home_that_is_gone_is_forgotten_for_the_worker_that_holds_most_rows(story):
    job = story(make_plan(rows=(20, 80), target=400, widen_after=1000), threads={"a": 1, "b": 1, "c": 1})
    job.tell(Started({"a": 1, "b": 1, "c": 1}, (("b",), ("c",)), home="a"))
    (again,) = of(TrainShare, job.loses("a", after=0.5))
    assert again.worker == "b"  # the share goes to whoever has the least to do
    (later,) = of(TrainShare, job.round())
    assert later.worker == "c"


def test_a_worker_that_is_taken_in_later_trains_the_rows_that_it_holds(story):
    job = story(make_plan(target=400, widen_after=100))
    job.begin()
    shares = of(TrainShare, job.round())
    assert {one.worker: [part.partition for task in one.tasks for part in task] for one in shares} == {
        "a": [0],
        "b": [1],
    }


def test_the_only_worker_that_trains_is_lost_and_another_one_takes_its_place(story):
    job = story(make_plan(target=400, widen_after=1000), threads={"a": 1, "b": 1, "c": 1})
    job.begin()
    (again,) = of(TrainShare, job.loses("a", after=0.5))
    assert (again.worker, again.samples) == ("b", 100)
    for _ in range(4):
        job.round()
    assert (job.last.reason, job.job.progress.samples) == ("epochs", 400)
    assert {one.worker for one in of(TrainShare, job.seen)} == {"a", "b"}


def test_a_job_that_is_taken_up_again_has_as_many_workers_as_its_samples_say(story):
    job = story(make_plan(target=400, widen_after=100))
    job.begin()
    job.round()
    saved = json.loads(json.dumps(job.job.to_dict()))
    later = story(job=Coordinator.from_dict(saved))
    later.counted = {1: 100}
    assert len(of(TrainShare, later.begin())) == 2


# --- the end before the end -------------------------------------------------------------------------------------------


def test_a_stop_while_a_share_is_out_closes_the_round_with_what_was_trained(story):
    job = story()
    job.begin()
    job.trains(0)
    assert job.tell(StopRequested("Cancelled by the user.")) == [StopShares(1)]
    assert of(CombineRound, job.trains(1, samples=20))[0].shares == ((0, 50), (1, 20))
    assert job.combines() == [Score(1, final=True)]
    job.scores(0.7)
    assert job.last == Finish("stopped", "Cancelled by the user.", ())
    assert (job.job.progress.samples, job.job.progress.position) == (70, 100)
    assert job.job.progress.history.as_dicts()[-1]["epochs"] == 0.7


def test_a_share_that_does_not_answer_a_stop_is_dropped_after_the_grace(story):
    job = story(make_plan(grace=10))
    job.begin()
    job.trains(0)
    job.tell(StopRequested())
    assert not job.tell(Tick(), after=9)
    out = job.tell(Tick(), after=2)
    assert out[0] == DropShare(1, 1, "b")
    assert out[1].shares == ((0, 50),)
    assert not job.tell(ShareTrained(1, 1, "b", 50, 9.0))
    job.combines()
    assert job.job.progress.samples == 50


def test_a_stop_before_anything_was_trained_still_scores(story):
    job = story(make_plan(grace=1))
    job.begin()
    job.tell(StopRequested())
    assert job.tell(Tick(), after=2)[-1] == Score(0, final=True)
    job.scores()
    assert job.last.reason == "stopped"


def test_a_worker_lost_during_a_stop_is_not_replaced(story):
    job = story()
    job.begin()
    job.trains(0)
    job.tell(StopRequested())
    out = job.loses("b")
    assert not of(TrainShare, out)
    assert of(CombineRound, out)[0].shares == ((0, 50),)


def test_time_runs_out_in_mid_round_and_the_best_model_comes_back(story):
    job = story(make_plan(max_runtime_secs=10, target=10_000))
    job.begin()
    job.round(0.5, after=4.0)
    out = job.tell(Tick(), after=7)
    assert out == [StopShares(2)]
    for share in sorted(job.outstanding):
        job.trains(share, samples=10)
    job.combines()
    assert job.scores(0.9) == [RestoreBest(1), Score(2, final=True)]
    job.scores(0.5)
    assert job.last.reason == "timeout"
    assert job.last.warnings[0].startswith("Deep Learning model training was interrupted due to timeout. ")


def test_time_that_ran_out_between_rounds_begins_no_other_round(story):
    job = story(make_plan(max_runtime_secs=10, target=10_000, scoring=NEVER))
    job.begin()
    job.train_round(after=11)
    assert job.combines() == [Score(1, final=True)]
    job.scores()
    assert job.last.reason == "timeout"


def test_rounds_get_shorter_when_little_time_is_left(story):
    job = story(make_plan(max_runtime_secs=15, target=10_000, scoring=NEVER))
    job.begin()
    job.round(after=10.0)
    assert sum(one.samples for one in job.outstanding.values()) == 50


def test_an_unstable_round_is_rolled_back_and_the_last_sound_weights_are_kept(story):
    job = story(make_plan(target=10_000))
    job.begin()
    job.round(0.5)
    job.round(0.9)
    job.train_round()
    out = job.combines(unstable="weight RMS of layer 1 is nan.")
    assert out == [RollBack(3), RestoreBest(1), Score(2, final=True)]
    job.scores(0.5)
    assert (job.last.reason, job.last.unstable) == ("unstable", False)
    assert "Tanh" in job.last.warnings[0]
    assert job.job.progress.samples == 200


def test_a_network_that_breaks_in_its_first_round_is_flagged(story):
    job = story(make_plan(save_every=1.0))
    job.begin()
    job.train_round()
    out = job.combines(unstable="nan")
    assert [type(one) for one in out] == [RollBack, Finish]
    assert out[1].unstable


def test_after_the_end_nothing_is_asked_for_any_more(story):
    job = story(make_plan(target=100))
    job.begin()
    job.round()
    for event in (Tick(), WorkerLost("a"), StopRequested(), RoundCombined(2), Scored(1, values(1.0)), Saved(1)):
        assert job.tell(event, after=100) == []


# --- saving and resuming ----------------------------------------------------------------------------------------------


def test_a_checkpoint_that_cannot_be_written_is_told_and_tried_again(story):
    job = story(make_plan(save_every=5, target=600, scoring=NEVER))
    job.begin()
    assert of(Save, job.round(after=6)) == [Save(1)]
    (said,) = job.tell(SaveFailed(1, "No space left on device"))
    assert (said.kind, "No space left" in said.text) == ("save-failed", True)
    assert not of(Save, job.round(after=3))
    assert of(Save, job.round(after=3)) == [Save(3)]
    assert job.job.progress.warnings[0] == said.text


def test_checkpoints_are_written_one_at_a_time(story):
    job = story(make_plan(save_every=5, target=600, scoring=NEVER))
    job.begin()
    assert not of(Save, job.round(after=3))
    assert of(Save, job.round(after=3)) == [Save(2)]
    assert not of(Save, job.round(after=9))  # the disk is still busy
    job.tell(Saved(2))
    assert not of(Save, job.round(after=3))
    assert of(Save, job.round(after=3)) == [Save(5)]
    job.tell(Saved(5))
    job.train_round()
    job.combines()
    assert not of(Save, job.scores())  # the finished model is saved by whoever asked for it


def run_to_the_end(job, losses):
    while job.job.phase != "finished":
        job.train_round()
        if of(Score, job.combines()):
            job.scores(losses[job.job.progress.round])
        while job.job.phase == "scoring":
            job.scores(0.25)
    return job


@pytest.mark.parametrize("mid_round", [False, True])
def test_a_job_resumed_from_its_checkpoint_ends_as_if_nothing_had_happened(story, mid_round):
    rule = StoppingRule(objective("AUTO", "Regression"), rounds=2, tolerance=0.0, regression_stop=-1)
    losses = {n: 1 / n if n < 5 else 1.0 for n in range(1, 20)}
    plan = make_plan(stopping=rule, target=10_000, fixed_shares=2, max_runtime_secs=1e6, save_every=1e9)
    whole = run_to_the_end(begun(story(plan)), losses)

    first = begun(story(plan))
    for _ in range(3):
        first.round(losses[first.job.progress.round + 1])
    if mid_round:
        first.trains(0)
    text = json.dumps(first.job.to_dict(), allow_nan=False)
    second = story(job=Coordinator.from_dict(json.loads(text)))
    second.now, second.counted = 1_000_000.0, dict.fromkeys((1, 2, 3), 100)
    run_to_the_end(begun(second), losses)

    assert second.last == whole.last
    assert second.job.to_dict()["progress"]["best_round"] == 4
    for one, other in zip(whole.job.progress.history.rows, second.job.progress.history.rows, strict=True):
        assert one.training == other.training
        assert (one.samples, one.epochs, one.iterations, one.speed) == (
            other.samples,
            other.epochs,
            other.iterations,
            pytest.approx(other.speed) if other.speed else None,
        )
        assert one.seconds == pytest.approx(other.seconds)
    tail = [one for one in of(TrainShare, whole.seen) if one.round > 3]
    assert of(TrainShare, second.seen) == tail


def begun(job):
    job.begin()
    return job


def test_a_restart_for_more_epochs_keeps_the_history_and_begins_a_new_time_limit(story):
    plan = make_plan(target=100, max_runtime_secs=50)
    first = begun(story(plan))
    first.round(0.5, after=40)
    assert first.last.reason == "epochs"
    more = make_plan(target=300, max_runtime_secs=50, per_round=200)
    second = story(job=Coordinator.from_dict(first.job.to_dict(), more))
    second.counted = {1: 100}
    shares = of(TrainShare, second.begin())
    assert sum(one.samples for one in shares) == 200
    assert shares[0].round == 2
    assert [row["samples"] for row in second.job.progress.history] == [0, 100]
    out = second.round(0.9, after=40)
    assert out == [RestoreBest(1), Score(2, final=True)]
    assert second.job.progress.history.rows[-1].seconds == pytest.approx(80.2)


def test_a_saved_job_of_another_version_is_refused(story):
    saved = story().job.to_dict()
    with pytest.raises(H2OValueError, match="version 1; got 2"):
        Coordinator.from_dict({**saved, "version": 2})


# --- several workers --------------------------------------------------------------------------------------------------


def test_reproducible_rounds_are_the_same_on_any_number_of_workers(story):
    def shares(threads):
        job = begun(story(make_plan(rows=(30, 40, 50), fixed_shares=3, per_round=90), threads=threads))
        job.loses("a")
        job.round()
        return sorted(
            (one.round, one.share, one.tasks, one.threads) for one in of(TrainShare, job.seen) if one.attempt == 1
        )

    few, many = shares({"a": 4, "b": 1}), shares({"a": 1, "b": 2, "c": 3, "d": 1})
    assert few == many
    assert {threads for *_, threads in few} == {1}


def test_rounds_grow_when_communication_takes_too_long(story):
    job = begun(story(make_plan(resize=0.05, target=100_000, scoring=NEVER)))
    job.round(after=2.0)
    assert job.job.progress.per_round == 100
    for share in (0, 1):
        job.trains(share, after=1.0, seconds=1.0)
    out = job.combines()  # 2 seconds, 1 of them training
    assert of(Log, out)[0].kind == "resized"
    assert job.job.progress.per_round == 200


@pytest.mark.parametrize("waited", [0.0, 0.4, 30.0])
def test_waiting_for_another_job_is_neither_communication_nor_training(story, waited):
    """Rounds are resized as those of a job that is alone and measures the same, less the waiting."""
    sizes = []
    for communication in (0.02, 0.055, 0.5):
        job = begun(story(make_plan(resize=0.05, target=100_000, scoring=NEVER)))
        job.round(after=2.0)
        for share, seconds in ((0, 1.0 + waited), (1, 0.0)):
            job.trains(share, after=seconds, seconds=1.0, waited=waited)
        job.combines(after=communication)
        sizes.append(job.job.progress.per_round)
    assert sizes == [50, 100, 200]


def test_elastic_averaging_is_passed_on_and_begins_with_the_plain_average(story):
    job = begun(story(make_plan(elastic_rate=0.9)))
    job.round()
    job.round()
    assert [(one.elastic_rate, one.first) for one in of(CombineRound, job.seen)] == [(0.9, True), (0.9, False)]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_happens_the_invariants_hold_and_the_job_ends(data):
    """Shares come back or fail, workers die and join, stops and clocks strike, in any order, until the job is over."""
    fixed = data.draw(st.sampled_from([None, 3, 12]))
    plan = make_plan(
        rows=(7, 0, 20, 13),
        target=200,
        per_round=60,
        fixed_shares=fixed,
        save_every=3,
        max_runtime_secs=50,
        attempts=9,
        pieces=data.draw(st.sampled_from([1, 4])),
    )
    threads = data.draw(st.sampled_from([{"a": 2, "b": 1}, {f"a{n:02d}": 1 + n % 2 for n in range(12)}]))
    job, fresh = begun(Story(plan, threads=threads)), iter("cdefghijklmnopqrstuvwxyz")
    for _ in range(200):
        if job.job.phase == "finished":
            break
        living = sorted(job.job.crew.threads)
        choice = data.draw(st.integers(0, 19))
        after = data.draw(st.sampled_from([0.0, 0.2, 1.0]))
        if choice == 0 and living:
            job.loses(data.draw(st.sampled_from(living)), after)
        elif choice == 1 or (not living and choice % 2):
            job.tell(WorkerJoined(next(fresh, "z"), 1 + choice % 3), after)
        elif choice == 2 and job.outstanding:
            one = job.outstanding.pop(min(job.outstanding))
            job.tell(ShareFailed(one.round, one.share, one.worker, "no luck"), after)
        elif choice == 7 and job.rivals:
            job.rival_trains(min(job.rivals), after)
        elif choice == 3:
            job.tell(Saved(job.job.progress.round), after)
        elif choice == 4 and data.draw(st.integers(0, 9)) == 0:
            job.tell(StopRequested(), after)
        elif choice == 5:
            job.tell(Tick(), after=5.0)
        elif job.job.phase == "combining" or choice == 6:
            job.combines(unstable="nan" if data.draw(st.integers(0, 30)) == 0 else None, after=after)
        elif job.job.phase == "scoring":
            job.scores(data.draw(st.sampled_from([0.5, 1.0, math.nan])), after=after)
        elif job.outstanding:
            job.trains(data.draw(st.sampled_from(job.ready or sorted(job.outstanding))), after=after)
        else:
            job.tell(Tick(), after=30.0)
    assert job.job.phase == "finished"
    if job.last.reason == "epochs":
        assert every_row_once(job.covered, plan.rows, 200)
    assert job.last.reason in {"epochs", "timeout", "stopped", "unstable", "no-workers", "failed"}


def every_row_once(covered, rows, target):
    """Whether slices lie side by side without a gap, from the first sample of the stream to the last."""
    for partition, stop in enumerate(shares_of_stream(target, rows)):
        own = sorted((one.start, one.stop) for one in covered if one.partition == partition)
        if [0, *(b for _, b in own)] != [*(a for a, _ in own), stop]:
            return False
    return True


# --- shares that follow the speed of their workers --------------------------------------------------------------------


def paced(job, speeds, until="finished"):
    """Go on with workers that train so many samples a second, in the order in which they are done."""
    clocks: dict[str, float] = {}
    while job.job.phase != until and job.job.phase != "finished":
        if job.job.phase == "scoring":
            job.scores(0.5, after=0.0)
        elif job.job.phase == "combining":
            job.combines()
            clocks = {}
        else:
            name = {n: job.outstanding[n] for n in job.ready}
            begun = job.job.round.begun
            ends = {n: clocks.get(o.worker, begun) + o.samples / speeds[o.worker] for n, o in name.items()}
            first = min(ends, key=lambda n: (ends[n], n))
            if ends[first] > job.now + 0.25:
                job.tell(Tick(), after=0.25)
                continue
            clocks[name[first].worker] = ends[first]
            seconds = name[first].samples / speeds[name[first].worker]
            job.trains(first, after=max(0.0, ends[first] - job.now), seconds=seconds)


def given(job, number):
    """Samples that each worker averaged in a round, by the orders of it that came first."""
    found: dict[str, int] = {}
    for (round_, _, worker), order in job.sent.items():
        if round_ == number:
            found[worker] = found.get(worker, 0) + order.samples
    return found


ROWS = tuple([1000] * 16)


def long_plan(**more):
    return make_plan(rows=ROWS, target=160_000, per_round=16_000, scoring=NEVER, **more)


def test_a_worker_at_half_the_speed_gets_half_the_samples_and_never_none(story):
    job = begun(story(long_plan(), threads={"a": 1, "b": 1, "c": 1}))
    paced(job, {"a": 4000.0, "b": 4000.0, "c": 2000.0})
    last = given(job, job.job.progress.round)
    assert last["c"] / last["a"] == pytest.approx(0.5, abs=0.08)
    assert last["a"] == pytest.approx(last["b"], rel=0.15)
    assert every_row_once(job.covered, ROWS, 160_000)
    crawling = begun(story(long_plan(), threads={"a": 1, "b": 1, "c": 1}))
    paced(crawling, {"a": 4000.0, "b": 4000.0, "c": 10.0})
    assert all(given(crawling, number)["c"] > 0 for number in range(1, crawling.job.progress.round + 1))


def test_speeds_that_differ_by_little_move_no_rows(story):
    job = begun(story(long_plan()))
    before = job.job.crew.assignment
    paced(job, {"a": 4000.0, "b": 3700.0})
    assert job.job.crew.assignment is before


def test_reproducible_shares_do_not_follow_speed(story):
    sent = []
    for speeds in ({"a": 4000.0, "b": 4000.0}, {"a": 4000.0, "b": 2000.0}):
        job = begun(story(long_plan(fixed_shares=8, patience=1e9)))
        paced(job, speeds)
        sent.append({key[:2]: (order.tasks, order.after, order.pace) for key, order in job.sent.items()})
    assert sent[0] == sent[1]
    assert {after for _, after, _ in sent[0].values()} == {None}


def test_a_round_ends_when_most_are_done_and_the_slow_worker_trains_the_rest_later(story):
    job = begun(story(long_plan(pieces=4), threads={"a": 1, "b": 1, "c": 1}))
    paced(job, {"a": 4000.0, "b": 4000.0, "c": 4000.0}, until="combining")  # one piece each: nobody knows speeds yet
    job.combines()
    second = [one for one in job.sent.values() if one.round == 2]
    assert len(second) == 12
    assert [one.after for one in second[:4]] == [None, 0, 1, 2]
    assert [one.last for one in second[:4]] == [False, False, False, True]
    for share in [*range(8), 8]:  # "c" has trained one piece of four when the others are done with theirs
        job.trains(share, after=0.0 if share else 1.0, seconds=0.3)
    out = job.tell(Tick(), after=0.3)
    assert [one.share for one in of(DropShare, out)] == [9, 10, 11]
    (combine,) = of(CombineRound, out)
    assert combine.shares[0] == (3, sum(one.samples for one in second[:4]))
    assert combine.shares[2] == (8, second[8].samples)
    out = job.combines()
    owed = [one.samples for one in second[9:]]
    assert job.job.progress.position - job.job.progress.samples == sum(owed)
    third = [one for one in of(TrainShare, out) if one.worker == "c"]
    assert [one.samples for one in third[:3]] == owed
    assert sum(samples_of(one.slices) for one in job.job.progress.owed) == sum(owed)


def test_what_is_owed_survives_a_checkpoint_and_the_loss_of_its_worker(story):
    job = begun(story(long_plan(pieces=4), threads={"a": 1, "b": 1, "c": 1}))
    speeds = {"a": 4000.0, "b": 4000.0, "c": 4000.0}
    paced(job, speeds, until="combining")
    job.combines()
    for share in range(9):
        job.trains(share, after=0.0 if share else 1.0, seconds=0.3)
    job.tell(Tick(), after=0.3)
    job.combines()
    saved = json.loads(json.dumps(job.job.to_dict()))
    assert len(saved["progress"]["owed"]) == 3
    again = story(job=Coordinator.from_dict(saved), threads={"a": 1, "d": 1})
    again.covered, again.counted = list(job.covered), {n: job.counted[n] for n in (1, 2)}
    begun(again)
    paced(again, {"a": 4000.0, "d": 4000.0})
    assert again.last.reason == "epochs"
    assert again.job.progress.samples == 160_000
    assert every_row_once(again.covered, ROWS, 160_000)


@pytest.mark.parametrize(
    "changed", [{"fixed_shares": 4}, {"rows": (1500,) * 11}], ids=["reproducible now", "another table"]
)
def test_what_a_job_owes_when_it_ends_is_replaced_where_a_restart_cannot_train_it(story, changed):
    job = begun(story(long_plan(pieces=4), threads={"a": 1, "b": 1, "c": 1}))
    paced(job, {"a": 4000.0, "b": 4000.0, "c": 4000.0}, until="combining")
    job.combines()
    for share in range(9):
        job.trains(share, after=0.0 if share else 1.0, seconds=0.3)
    job.tell(Tick(), after=0.3)
    job.combines()
    assert job.job.progress.owed
    plan = make_plan(**{"rows": ROWS, "target": 200_000, "per_round": 16_000, "scoring": NEVER, "pieces": 4, **changed})
    again = story(job=Coordinator.from_dict(json.loads(json.dumps(job.job.to_dict())), plan))
    assert again.job.progress.done == job.job.progress.done
    again.counted = {n: job.counted[n] for n in (1, 2)}
    paced(begun(again), {"a": 4000.0, "b": 4000.0})
    assert (again.last.reason, again.job.progress.samples) == ("epochs", 200_000)
    trained = [part for order in again.sent.values() for task in order.tasks for part in task]
    assert all(part.partition < len(plan.rows) for part in trained)


@pytest.mark.parametrize("stays", [True, False])
def test_rows_that_are_dear_to_move_are_trained_where_they_were_though_a_worker_is_slower(story, stays):
    job = begun(story(long_plan(pieces=4, stays=stays), threads={"a": 1, "b": 1, "c": 1}))
    paced(job, {"a": 4000.0, "b": 4000.0, "c": 3100.0})
    at = {order.round: set() for order in job.sent.values()}
    for order in job.sent.values():
        at[order.round] |= {(order.worker, one.partition) for part in order.tasks for one in part}
    moved = set().union(*at.values()) - at[1]
    assert not moved if stays else moved
    assert not job.job.progress.owed
    assert job.job.progress.samples == 160_000
    assert every_row_once(job.covered, ROWS, 160_000)


def test_rows_that_are_dear_to_move_follow_a_worker_of_half_the_speed(story):
    job = begun(story(long_plan(stays=True), threads={"a": 1, "b": 1, "c": 1}))
    paced(job, {"a": 4000.0, "b": 4000.0, "c": 2000.0})
    last = given(job, job.job.progress.round)
    assert last["c"] / last["a"] == pytest.approx(0.5, abs=0.08)


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_impossible_reports_and_plans_are_refused(story):
    job = begun(story())
    with pytest.raises(H2OValueError, match="Share 0 must train 0 to 50 samples; got 51"):
        job.job.handle(ShareTrained(1, 0, "a", 51, 1.0), 0.0)
    with pytest.raises(H2OValueError, match="started once"):
        job.begin()
    with pytest.raises(H2OValueError, match="got 1 for 2 partitions"):
        Coordinator(make_plan()).handle(Started({"a": 1}, (("a",),)), 0.0)
    with pytest.raises(H2OValueError, match="at least one row"):
        make_plan(rows=(0, 0))
    with pytest.raises(H2OValueError, match="per_round >= 1"):
        make_plan(per_round=0)


def test_nothing_happens_before_the_start():
    assert Coordinator(make_plan()).handle(WorkerJoined("a", 1), 0.0) == []


def test_rows_that_cannot_be_trained_do_not_hold_the_job_up(story):
    job = begun(story(make_plan(scoring=NEVER)))
    for share in (0, 1):
        job.trains(share, samples=0)
    assert job.job.progress.position == 100
    for _ in range(2):
        for share in (0, 1):
            job.trains(share, samples=40)
        job.combines()
    job.scores()
    assert (job.last.reason, job.job.progress.samples) == ("epochs", 160)
