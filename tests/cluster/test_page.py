"""The page of jobs on real schedulers: served, in the navigation, filled while a job trains, safe, attached late."""

import contextlib
import html
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.request

import distributed
import numpy as np
import pytest
from bokeh.client import pull_session

import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.page.attach import attach
from frames.cluster import progress_bars, registry, session
from frames.frame import H2OFrame

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

EVIL = "<script>document.title='owned'</script><img src=x onerror=document.title='owned'>"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture
def embedded(monkeypatch):
    """The embedded cluster as h2o.init() starts it, on a free port; yields the address of its pages."""
    monkeypatch.setattr(progress_bars, "_shown", False)
    session.stop()
    session.start(nthreads=1, dashboard="127.0.0.1:0", preload=["daskdl.page.preload"])
    yield h2o.cluster().dashboard_link.removesuffix("/status")
    registry.clear()
    session.stop()


def table() -> H2OFrame:
    points = np.random.default_rng(3).standard_normal((2000, 3))
    return H2OFrame({"a": points[:, 0].tolist(), "b": points[:, 1].tolist(), "y": points.prod(axis=1).tolist()})


def train(name="net", epochs=20.0):
    model = H2ODeepLearningEstimator(
        hidden=[10], epochs=epochs, seed=1, model_id=name, stopping_rounds=0, score_each_iteration=True
    )
    model.train(y="y", training_frame=table())
    return model


def get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.read().decode()


def sources(address: str) -> dict:
    """The data sources of the page as a browser gets them when it opens it."""
    opened = pull_session(url=f"{address}/daskdl")
    try:
        names = ("jobs", "curves", "times", "workers", "layers")
        return {name: dict(opened.document.select_one({"name": name}).data) for name in names}
    finally:
        opened.close()


def test_the_page_is_served_and_every_page_leads_to_it(embedded):
    assert "daskdl: training jobs" in get(f"{embedded}/daskdl")
    assert '<a href="daskdl">' in get(f"{embedded}/status")


def test_the_jupyterlab_extension_is_told_of_the_page(embedded):
    assert "/individual-daskdl" in json.loads(get(f"{embedded}/individual-plots.json")).values()


def test_the_embedded_cluster_listens_on_loopback_only(embedded):
    cluster = session._embedded[1]
    assert cluster.scheduler.http_server.address == "127.0.0.1"
    assert all(one.http_server.address == "127.0.0.1" for one in cluster.workers.values())


def test_the_sources_fill_while_a_job_trains(embedded):
    model = H2ODeepLearningEstimator(
        hidden=[10], epochs=1e6, seed=1, model_id="long", stopping_rounds=0, max_runtime_secs=20
    )
    thread = threading.Thread(target=model.train, kwargs={"y": "y", "training_frame": table()}, daemon=True)
    thread.start()
    seen: list[dict] = []
    deadline = time.monotonic() + 90
    while thread.is_alive() and time.monotonic() < deadline and len(seen) < 3:
        found = sources(embedded)
        rounds = found["jobs"]["rounds"]
        if rounds and rounds[0] > (seen[-1]["jobs"]["rounds"][0] if seen else 0):
            seen.append(found)
        time.sleep(0.5)
    thread.join(60)
    assert len(seen) == 3, "rounds must grow from one look to the next"
    assert seen[-1]["jobs"]["model"] == ["long"]
    assert seen[-1]["layers"]["units"] == [10, 1]
    assert seen[-1]["workers"]["threads"] == [1]
    assert sum(seen[-1]["times"][part][0] for part in ("training", "averaging", "scoring", "waiting")) > 99
    assert sources(embedded)["jobs"]["state"] == ["finished"]


def test_an_open_page_is_brought_up_to_date(embedded):
    opened = pull_session(url=f"{embedded}/daskdl")
    try:
        jobs = opened.document.select_one({"name": "jobs"})
        assert jobs.data["model"] == []
        train("seen")
        deadline = time.monotonic() + 30
        while not jobs.data["model"] and time.monotonic() < deadline:
            opened.force_roundtrip()
            time.sleep(0.2)
        assert jobs.data["model"] == ["seen"]
    finally:
        opened.close()


def test_curves_of_several_models_lie_over_each_other(embedded):
    train("one")
    train("two")
    assert sources(embedded)["curves"]["label"] == ["one, training", "two, training"]


def test_a_name_full_of_html_does_not_run_in_a_browser(embedded):
    if BROWSER is None:
        pytest.skip("needs a Chromium to look at the page: apt-get install chromium")
    train(EVIL)
    assert sources(embedded)["jobs"]["model"] == [EVIL]  # as it is: the browser must make a text of it
    command = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    command += ["--virtual-time-budget=10000", "--dump-dom", f"{embedded}/daskdl"]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert "<title>daskdl: training jobs</title>" in dom
    assert "onerror" not in dom.replace(html.escape(EVIL, quote=False), "")


def test_the_page_of_html_does_not_hold_names_as_html(embedded):
    train(EVIL)
    assert EVIL not in get(f"{embedded}/daskdl")
    assert "onerror" not in h2o.cluster()._repr_html_()


def test_a_running_cluster_gets_the_page_and_what_was_published_before():
    options = {"n_workers": 0, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        address = f"http://127.0.0.1:{cluster.scheduler.http_server.port}"
        assert attach(client) is None
        assert attach(client) is None  # twice is once
        assert "daskdl: training jobs" in get(f"{address}/daskdl")
        assert get(f"{address}/status").count('<a href="daskdl">') == 1


@contextlib.contextmanager
def scheduler(folder, *options, code="", **surroundings):
    """A scheduler process of its own; yields its address and that of its pages."""
    file = folder / "scheduler.json"
    # fmt: off
    command = [
        sys.executable, "-c", f"{code}\nimport sys; from distributed.cli.dask_scheduler import main; main(sys.argv[1:])",
        "--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(file), *options,
    ]
    # fmt: on
    with subprocess.Popen(command, env={**os.environ, **surroundings}) as process:
        try:
            deadline = time.monotonic() + 60
            while not file.exists() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.1)
            about = json.loads(file.read_text())
            yield about["address"], f"http://127.0.0.1:{about['services']['dashboard']}"
        finally:
            process.terminate()


def test_a_scheduler_with_the_preload_serves_the_page_and_loads_no_kernels(tmp_path):
    with scheduler(tmp_path, "--preload", "daskdl.page.preload") as (address, pages):
        assert "daskdl: training jobs" in get(f"{pages}/daskdl")
        assert "/individual-daskdl" in json.loads(get(f"{pages}/individual-plots.json")).values()
        with distributed.Client(address) as client:
            loaded = client.run_on_scheduler(lambda: sorted({"numba", "daskdl.kernels"} & set(sys.modules)))
        assert loaded == []


def test_a_scheduler_without_daskdl_is_used_all_the_same_and_the_user_is_told(tmp_path):
    code = "import sys; sys.modules['daskdl'] = None"
    with scheduler(tmp_path, code=code) as (address, _), distributed.Client(address) as client:
        said = attach(client)
    assert "daskdl" in said
    assert "--preload daskdl.page.preload" in said
