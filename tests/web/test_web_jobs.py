"""Jobs: progress, results, errors, cancelling, what threads warn of."""

import threading
import warnings

from daskdl.web.jobs import KEPT, Jobs, heard


def waited(job):
    assert job.wait(30)
    return job


def test_a_job_that_ends_has_a_result():
    def work(job):
        job.report(0.5, {"epochs": 1.0})
        return "/frame?key=a"

    job = waited(Jobs().start("title", work))
    assert (job.state, job.share, job.result, job.rows) == ("done", 1.0, "/frame?key=a", [{"epochs": 1.0}])
    assert job.seconds >= 0


def test_a_job_that_fails_says_why():
    def work(job):
        raise ValueError("no such thing")

    job = waited(Jobs().start("title", work))
    assert (job.state, job.error, job.result) == ("failed", "no such thing", "")


def test_a_cancelled_job_ends_where_it_next_reports():
    begun = threading.Event()

    def work(job):
        while True:
            begun.set()
            job.report(0.1)

    job = Jobs().start("title", work)
    assert begun.wait(30)
    job.cancel()
    assert waited(job).state == "cancelled"
    assert job.cancelling


def test_a_job_that_is_over_cannot_be_cancelled():
    job = waited(Jobs().start("title", lambda job: "/"))
    job.cancel()
    job.end_early()
    assert (job.state, job.cancelling, job.note) == ("done", False, "")


def test_a_job_can_end_early_with_what_it_has():
    stopped = threading.Event()

    def work(job):
        job.stop = stopped.set
        assert stopped.wait(30)
        return "/model"

    job = Jobs().start("title", work)
    while job.stop is None:
        job.wait(0.01)
    job.end_early()
    assert waited(job).result == "/model"
    assert job.stop is None


def test_progress_never_falls_and_never_passes_the_end():
    seen = []

    def work(job):
        for share in (0.5, 0.2, 7.0):
            job.report(share)
            seen.append(job.share)
        return ""

    waited(Jobs().start("title", work))
    assert seen == [0.5, 0.5, 1.0]


def test_the_newest_job_comes_first_and_old_ones_are_forgotten():
    jobs = Jobs()
    for number in range(KEPT + 20):
        waited(jobs.start(str(number), lambda job: ""))
    listed = jobs.all()
    assert listed[0].title == str(KEPT + 19)
    assert len(listed) <= KEPT + 1
    assert jobs.get(1) is None


def test_a_jobs_own_warnings_are_kept_and_those_of_others_go_their_way():
    inside, warned = threading.Event(), threading.Event()

    def work(job):
        with heard(job):
            warnings.warn("mine", UserWarning, stacklevel=1)
            inside.set()
            assert warned.wait(30)
        return ""

    with warnings.catch_warnings(record=True) as others:
        warnings.simplefilter("always")
        job = Jobs().start("title", work)
        assert inside.wait(30)
        warnings.warn("of others", UserWarning, stacklevel=1)
        warned.set()
        waited(job)
    assert [str(one.message) for one in others] == ["of others"]
    assert job.told == ["mine"]
