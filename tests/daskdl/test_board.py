"""The board of the page: reports that come in any order, too many of them, and messages that are none."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daskdl.coordinator.report import PARTS_OF_TIME
from daskdl.page import columns
from daskdl.page.board import MOST_JOBS, MOST_ROWS, MOST_TEXT, SILENT, Board
from daskdl.page.columns import WorkerFacts


def report(job="j", number=1, phase="training", rows=(), **more):
    return {
        "job": job, "model": f"model of {job}", "number": number, "time": 100.0, "phase": phase, "done": 50,
        "target": 200, "samples": 50, "rounds": 2, "epochs": 0.5, "speed": 25.0, "seconds": 2.0, "left": 6.0,
        "times": dict(zip(PARTS_OF_TIME, (6.0, 1.0, 2.0, 1.0), strict=True)), "goal": "logloss",
        "rows": list(rows), "layers": [],
        "workers": {"tcp://a": {
            "threads": 1, "partitions": 2, "samples": 50, "seconds": 2.0, "lost": 1, "rerun": 0,
        }},
        "said": "", **more,
    }  # fmt: skip


def scored(number, **metrics):
    training = metrics or {"logloss": 1 / (number + 1), "auc": 0.5}
    return {
        "number": number, "epochs": float(number), "seconds": 2.0 * number, "samples": 100 * number,
        "training": training, "validation": {},
    }  # fmt: skip


def board_of(*reports, now=100.0):
    board = Board()
    assert all(board.take(one, now) for one in reports)
    return board


def test_a_later_report_takes_the_place_of_an_earlier_one_and_adds_its_scorings():
    board = board_of(report(rows=[scored(0)]), report(number=2, done=80, rows=[scored(1)]))
    assert board.jobs["j"].report["done"] == 80
    assert sorted(board.jobs["j"].rows) == [0, 1]


def test_an_earlier_report_that_comes_late_changes_only_the_scorings():
    board = board_of(report(number=2, done=80, rows=[scored(1)]), report(rows=[scored(0)]))
    assert board.jobs["j"].report["done"] == 80
    assert sorted(board.jobs["j"].rows) == [0, 1]


def test_totals_grow_by_what_is_new_and_count_the_end_once():
    def worked(number, samples, phase="training"):
        worker = {"threads": 1, "partitions": 2, "samples": samples, "seconds": 2.0, "lost": number, "rerun": 0}
        return report(number=number, phase=phase, rounds=10 * number, workers={"tcp://a": worker})

    board = Board()
    for message in (worked(1, 100), worked(2, 150), worked(1, 100), worked(3, 400, "finished")):
        board.take(message, 100.0)
    board.take(report(job="other", workers={}), 100.0)
    totals = board.totals
    assert (totals.samples, totals.lost, totals.rerun, totals.rounds) == (400, 3, 0, 20)
    assert totals.ended == {"finished": 1, "failed": 0}
    assert totals.seconds["training"] == 12.0  # 6 of each job, whose later reports say no more


def test_a_long_history_is_thinned_and_keeps_its_ends():
    board = Board()
    for number in range(5 * MOST_ROWS):
        board.take(report(number=number + 1, rows=[scored(number)]), 100.0)
    kept = sorted(board.jobs["j"].rows)
    assert len(kept) <= MOST_ROWS
    assert (kept[0], kept[-1]) == (0, 5 * MOST_ROWS - 1)


def test_of_too_many_jobs_the_oldest_that_is_over_goes():
    board = board_of(*(report(f"j{n}", phase="finished" if n == 3 else "training") for n in range(MOST_JOBS)))
    board.take(report("new"), 100.0)
    assert len(board.jobs) == MOST_JOBS
    assert "j3" not in board.jobs


@pytest.mark.parametrize(
    "change",
    [
        {"job": 3}, {"number": -1}, {"number": True + 0.5}, {"epochs": "1"}, {"epochs": float("nan")}, {"rows": None},
        {"rows": [{}]}, {"times": {}}, {"workers": {"a": 1}}, {"workers": []}, {"layers": [1]}, {"done": 2**70},
        {"speed": float("inf")}, {"model": None}, {"rows": [scored(0)] * 5000},
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused_and_changes_nothing(change):
    board = board_of(report("good"))
    before = copy.deepcopy(board.jobs["good"])
    assert not board.take({**report("bad"), **change}, 100.0)
    assert board.jobs == {"good": before}


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_no_message_breaks_the_board(message):
    assert not Board().take(message, 0.0)


def test_long_texts_are_cut():
    board = board_of(report(said="x" * 10_000))
    assert len(board.jobs["j"].report["said"]) == MOST_TEXT


def test_a_running_job_that_is_not_heard_of_is_said_to_be_silent_and_foretells_nothing():
    board = board_of(report("runs"), report("over", phase="finished"), now=100.0)
    later = columns.jobs_columns(board, 100.0 + 2 * SILENT)
    assert later["job"] == ["over", "runs"]  # the newest first
    assert later["state"] == ["finished", "no news for 1:00"]
    assert later["left"] == ["", "-"]
    assert columns.jobs_columns(board, 101.0)["left"] == ["", "0:06"]


def test_shares_of_time_add_up_to_a_hundred_percent():
    found = columns.time_columns(list(board_of(report()).jobs.values()))
    assert [found[part] for part in PARTS_OF_TIME] == [[60.0], [10.0], [20.0], [10.0]]


def test_curves_are_one_line_per_job_and_source_with_points_in_their_order():
    rows = [{**scored(n), "validation": {"logloss": 2.0}} for n in (2, 0, 1)]
    board = board_of(report("a", rows=rows), report("b", rows=[scored(0)]))
    found = columns.curve_columns(list(board.jobs.values()), "logloss", "samples")
    assert found["label"] == ["model of a, training", "model of a, validation", "model of b, training"]
    assert found["dash"] == ["solid", "dashed", "solid"]
    assert found["xs"][0].tolist() == [0, 100, 200]
    assert found["ys"][0].tolist() == pytest.approx([1, 1 / 2, 1 / 3])
    assert found["colour"][0] == found["colour"][1] != found["colour"][2]


def test_the_metric_that_training_stops_by_comes_first():
    assert board_of(report(rows=[scored(0)])).metrics == ["logloss", "auc"]


def test_workers_add_up_over_jobs_and_gone_ones_stay():
    facts = [WorkerFacts("tcp://b", 2, 99.6, 3 << 20, 0, 0, 7, 60.0)]
    found = columns.worker_columns(facts, list(board_of(report("j"), report("k")).jobs.values()))
    assert found["worker"] == ["tcp://b", "tcp://a"]
    assert found["state"] == ["no heartbeat for 1:00", "gone"]
    assert (found["memory"], found["limit"], found["chunks"]) == ([3, None], [None, None], [7, None])
    assert (found["samples"], found["lost"], found["speed"]) == ([0, 100], [0, 2], [None, 25])


def test_names_of_the_same_model_are_told_apart():
    jobs = list(board_of(report("a", model="m"), report("b", model="m")).jobs.values())
    assert columns.names_of(jobs) == ["m", "m (2)"]


def test_durations_read_like_a_clock():
    assert [columns.clock(n) for n in (0.4, 7.4, 59.6, 3723)] == ["0:00", "0:07", "1:00", "1:02:03"]


def test_points_are_kept_until_a_job_is_scored_again_or_another_metric_is_chosen():
    board, drawn = board_of(report(rows=[scored(0)])), {}
    jobs = list(board.jobs.values())
    first = columns.curve_columns(jobs, "logloss", "samples", drawn)["ys"][0]
    assert columns.curve_columns(jobs, "logloss", "samples", drawn)["ys"][0] is first
    assert columns.curve_columns(jobs, "auc", "samples", drawn)["ys"][0].tolist() == [0.5]
    board.take(report(number=2, rows=[scored(1)]), 100.0)
    assert columns.curve_columns(jobs, "logloss", "samples", drawn)["ys"][0].tolist() == [1.0, 0.5]
