"""What somebody who watches Dask sees of trainings: names of tasks, spans, metrics, lines in a log."""

import logging
import re
import urllib.request
from collections import Counter

import pytest

from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.page.attach import attach
from daskdl.shell.spans import title
from frames.frame import H2OFrame

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180), pytest.mark.usefixtures("shares_are_sent")]


def train(frame: H2OFrame, name: str, **more) -> H2ODeepLearningEstimator:
    chosen = {"hidden": [8], "epochs": 4.0, "seed": 1, "stopping_rounds": 0, "reproducible": True}
    model = H2ODeepLearningEstimator(model_id=name, train_samples_per_iteration=4000, **{**chosen, **more})
    model.train(y="y", training_frame=frame)
    return model


def prefixes(client) -> Counter[str]:
    """How often tasks of each name changed their state so far: the scheduler knows those of other modules, too."""

    def look(dask_scheduler):
        return {name: sum(prefix.state_counts.values()) for name, prefix in dask_scheduler.task_prefixes.items()}

    return Counter(client.run_on_scheduler(look))


def spans(client, root: str) -> dict[tuple[str, ...], set[str]]:
    """Name of each span below a model -> what its tasks are called."""

    def look(dask_scheduler):
        found = dask_scheduler.extensions["spans"].spans.values()
        return [(one.name, [group.prefix.name for group in one.groups]) for one in found]

    return {name[2:]: set(tasks) for name, tasks in client.run_on_scheduler(look) if name[:2] == ("daskdl", root)}


def test_verbs_and_the_steps_of_a_training_have_names(two_workers, rings):
    before = prefixes(two_workers)
    factor = rings["a"].round(0).asfactor()
    assert len(factor.levels()[0]) > 3
    assert rings["a"].log10().sum() != 0
    assert rings.group_by("y").mean("a").get_frame().nrow == 2
    predicted = train(rings, "named", score_training_samples=500).predict(rings)
    assert predicted["in"].mean()[0] > 0
    seen = set(prefixes(two_workers) - before)
    assert {"daskdl-train-share", "daskdl-sample-train", "daskdl-score-train", "daskdl-predict"} <= seen
    for verb in ("log", "Asfactor", "group-by", "mean"):
        assert any(name.startswith(f"frames-{verb}") for name in seen), (verb, "\n".join(sorted(seen)))
    strangers = [name for name in seen if not name.startswith(("daskdl-", "frames-", "frompandas"))]
    assert strangers == []


def test_averages_that_workers_compute_have_a_name(two_workers, rings):
    before = prefixes(two_workers)
    train(rings, "wide", hidden=[500, 500], epochs=3.0, reproducible=False)
    assert {"daskdl-average", "daskdl-state", "daskdl-job"} <= set(prefixes(two_workers) - before)


def test_every_round_is_a_span_of_its_own_below_the_model(two_workers, rings):
    train(rings, "spanned")
    found = spans(two_workers, "spanned")
    rounds = {name[0]: tasks for name, tasks in found.items() if name and name[0].startswith("round")}
    assert list(rounds) == ["round 1", "round 2", "round 3", "round 4"]
    assert all("daskdl-train-share" in tasks for tasks in rounds.values())


def test_spans_grow_wider_so_that_a_scheduler_can_keep_them():
    names = [title(number) for number in range(1, 10_001)]
    assert names[:2] == ["round 1", "round 2"]
    assert (names[100], names[109], names[110]) == ("rounds 101-110", "rounds 101-110", "rounds 111-120")
    assert len(set(names)) == 280
    assert names[-1] == "rounds 9901-10000"


def test_a_page_of_metrics_counts_what_jobs_did(two_workers, rings):
    pytest.importorskip("prometheus_client", reason="the metrics are for who has prometheus_client")
    assert attach(two_workers) is None
    before = scraped(two_workers)
    model = train(rings, "counted", epochs=5.0)
    after = scraped(two_workers)
    rose = {name: value - before.get(name, 0.0) for name, value in after.items()}
    assert rose["daskdl_samples_trained_total"] == 5.0 * rings.nrow
    assert rose['daskdl_jobs_ended_total{phase="finished"}'] == 1
    assert rose['daskdl_job_seconds_total{part="training"}'] > 0
    assert rose['daskdl_job_seconds_total{part="scoring"}'] > 0
    assert after["daskdl_jobs_running"] == 0
    assert rose["daskdl_shares_lost_total"] == rose["daskdl_shares_rerun_total"] == 0
    assert model.model_id == "counted"


def scraped(client) -> dict[str, float]:
    """The metrics of daskdl on the page of a real scheduler, read as Prometheus reads them: a name, a value."""
    link = client.dashboard_link.replace("/status", "/metrics")
    with urllib.request.urlopen(link, timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    pairs = (re.fullmatch(r"(daskdl_\S*?(?:\{.*\})?) (\S+)", line) for line in lines)
    return {pair[1]: float(pair[2]) for pair in pairs if pair and not pair[1].split("{")[0].endswith("_created")}


def test_a_job_writes_one_line_when_it_begins_and_one_when_it_ends(two_workers, rings, caplog):
    with caplog.at_level(logging.INFO, "daskdl"):
        train(rings, "logged")
    lines: list = [record for record in caplog.records if record.name == "daskdl"]
    assert [line.event for line in lines] == ["begin", "end"]
    begin, end = lines
    assert (begin.model, begin.rows, begin.workers, begin.samples) == ("logged", 4000, 2, 16_000)
    assert (end.reason, end.rounds, end.samples) == ("epochs", 4, 16_000)
    assert 0 < end.seconds_training <= end.seconds
    assert end.seconds_training + end.seconds_waiting == pytest.approx(
        end.seconds - end.seconds_averaging - end.seconds_scoring, abs=0.3
    )
    assert re.fullmatch(r"Job \S+ ended \(epochs\) after \S+ seconds, 4 rounds and 16000 samples: .*", end.getMessage())


def test_a_job_that_breaks_off_writes_why(two_workers, rings, caplog, monkeypatch):
    from daskdl.worker import tasks

    monkeypatch.setattr(tasks, "averaged", lambda deltas: (_ for _ in ()).throw(ArithmeticError("no average")))
    with caplog.at_level(logging.ERROR, "daskdl"), pytest.raises(ArithmeticError):
        train(rings, "broken")
    assert [record.event for record in caplog.records] == ["broke-off"]
    assert "no average" in caplog.text
