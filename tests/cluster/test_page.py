"""The page of jobs on real schedulers: served, in the navigation, filled while a job trains, safe, attached late."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

import distributed
import numpy as np
import pytest
from bokeh.client import pull_session
from bokeh.server.tornado import BokehTornado
from browser import opened

import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator
from daskdl.page.attach import attach
from frames.cluster import progress_bars, registry, session
from frames.frame import H2OFrame

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

EVIL = "<script>document.title='owned'</script><img src=x onerror=document.title='owned'>"


@pytest.fixture
def embedded(monkeypatch):
    """The embedded cluster as h2o.init() starts it, on a free port; yields the address of its pages."""
    monkeypatch.setattr(progress_bars, "_shown", False)
    session.stop()
    session.start(nthreads=1, dashboard="127.0.0.1:0", preload=["daskdl.page.reports"], pages=["daskdl.page.preload"])
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
    get(f"{address}/daskdl")  # as a browser, before it opens a socket
    pulled = pull_session(url=f"{address}/daskdl")
    try:
        names = ("jobs", "curves", "times", "workers", "layers")
        return {name: dict(pulled.document.select_one({"name": name}).data) for name in names}
    finally:
        pulled.close()


def test_the_page_is_served_and_every_page_leads_to_it(embedded):
    assert "Bokeh" in get(f"{embedded}/daskdl")
    assert '<a href="daskdl">' in get(f"{embedded}/status")


def test_pages_are_made_when_somebody_opens_the_first_one(embedded):
    scheduler, (worker,) = session._embedded[1].scheduler, session._embedded[1].workers.values()
    assert not [one for one in scheduler.http_application.applications if isinstance(one, BokehTornado)]
    own = f"http://127.0.0.1:{worker.http_server.port}"
    assert "Bokeh" in get(f"{embedded}/tasks")
    assert "Bokeh" in get(f"{own}/system")
    for server in (scheduler, worker):
        assert [isinstance(one, BokehTornado) for one in server.http_application.applications] == [True]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(f"{embedded}/nonsense")


def test_a_script_that_nobody_watches_does_not_load_bokeh():
    script = (
        "import sys, daskdl as h2o\n"
        "h2o.init(verbose=False)\n"
        "h2o.H2OFrame({'a': [1, 2]}).sum()\n"
        "print('bokeh' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "False"


def test_the_jupyterlab_extension_is_told_of_the_page(embedded):
    assert "/individual-daskdl" in json.loads(get(f"{embedded}/individual-plots.json")).values()


def test_the_embedded_cluster_listens_on_loopback_only(embedded):
    cluster = session._embedded[1]
    assert cluster.scheduler.http_server.address == "127.0.0.1"
    assert all(one.http_server.address == "127.0.0.1" for one in cluster.workers.values())


def test_the_sources_fill_while_a_job_trains(embedded):
    model = H2ODeepLearningEstimator(hidden=[10], epochs=1e6, seed=1, model_id="long", stopping_rounds=0)
    model.start(y="y", training_frame=table())
    seen: list[dict] = []
    deadline = time.monotonic() + 90
    while len(seen) < 3:
        assert time.monotonic() < deadline, "rounds must grow from one look to the next"
        found = sources(embedded)
        rounds = found["jobs"]["rounds"]
        if rounds and rounds[0] > (seen[-1]["jobs"]["rounds"][0] if seen else 0):
            seen.append(found)
        time.sleep(0.2)
    model.job.cancel()
    model.join()
    assert seen[-1]["jobs"]["model"] == ["long"]
    assert seen[-1]["layers"]["units"] == [10, 1]
    assert seen[-1]["workers"]["threads"] == [1]
    assert sum(seen[-1]["times"][part][0] for part in ("training", "averaging", "scoring", "waiting")) > 99
    assert sources(embedded)["jobs"]["state"] == ["finished"]


def test_curves_of_several_models_lie_over_each_other(embedded):
    train("one")
    train("two")
    assert sources(embedded)["curves"]["label"] == ["one, training", "two, training"]


SHOWN = "window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].roots().length"
# Bokeh draws into shadow roots, which querySelectorAll does not enter.
EVERYTHING = """(() => {
    const seen = [];
    const walk = (root) => root.querySelectorAll("*").forEach((one) => {
        seen.push(one);
        if (one.shadowRoot) walk(one.shadowRoot);
    });
    walk(document);
    return seen;
})()"""
TEXTS = f"{EVERYTHING}.filter((one) => one.children.length === 0).map((one) => one.textContent)"

MIDDLE_OF_BARS = f"""(() => {{
    const box = {EVERYTHING}.filter((one) => one.localName === "canvas" && one.clientHeight < 200).at(-1);
    const {{top, height}} = box.getBoundingClientRect();
    return top + height / 3;
}})()"""


def test_a_name_full_of_html_is_a_text_in_the_browser(embedded, tmp_path):
    train(EVIL)
    assert sources(embedded)["jobs"]["model"] == [EVIL]  # as it is: the browser must make a text of it
    with opened(f"{embedded}/daskdl", tmp_path) as tab:
        tab.wait(SHOWN)
        tab.wait(f"{TEXTS}.some((text) => text === {json.dumps(EVIL)})")  # the cell of the table
        for y in range(20, 1200, 20):  # what is under the mouse tells names, too
            tab.ask("Input.dispatchMouseEvent", type="mouseMoved", x=500, y=y)
            time.sleep(0.05)
        tab.ask("Input.dispatchMouseEvent", type="mouseMoved", x=500, y=tab.evaluate(MIDDLE_OF_BARS))
        tab.wait(f"{EVERYTHING}.some((one) => one.localName === 'bk-tooltip' || /tooltip/i.test(one.className))")
        tab.settle()  # an image that cannot be loaded has told
        assert tab.evaluate("document.title") == "daskdl: training jobs"
        assert tab.evaluate(f"{EVERYTHING}.filter((one) => one.hasAttribute('onerror')).length") == 0
        assert tab.evaluate(f"{EVERYTHING}.filter((one) => one.textContent === \"document.title='owned'\").length") == 0


def test_an_open_browser_is_sent_a_job_that_begins_later(embedded, tmp_path):
    with opened(f"{embedded}/daskdl", tmp_path) as tab:
        tab.wait(SHOWN)
        assert not tab.evaluate(f"{TEXTS}.includes('later')")
        train("later")
        tab.wait(f"{TEXTS}.includes('later')")


def test_the_cells_of_a_running_job_change_in_an_open_browser(embedded, tmp_path):
    """Where the number of rows stays the same: by itself Bokeh then leaves the cells of its tables as they were."""
    client = session.client()
    with opened(f"{embedded}/daskdl", tmp_path) as tab:
        for number, rounds in ((1, 4111), (2, 4222), (3, 4333)):
            client.log_event("daskdl", a_report(number, rounds))
            tab.wait(SHOWN)
            tab.wait(f"{TEXTS}.includes('{rounds:,}')", seconds=20)
        assert not tab.evaluate(f"{TEXTS}.includes('4,111')")


def a_report(number: int, rounds: int) -> dict:
    return {
        "job": "j", "model": "m", "number": number, "time": 0.0, "phase": "training", "done": 1, "target": 2,
        "samples": 1, "rounds": rounds, "epochs": 1.0, "speed": 1.0, "seconds": 1.0, "left": 1.0, "goal": "",
        "times": {"training": 1.0, "averaging": 0.0, "scoring": 0.0, "waiting": 0.0}, "rows": [], "workers": {},
        "layers": [], "said": "",
    }  # fmt: skip


def test_the_page_of_html_does_not_hold_names_as_html(embedded):
    train(EVIL)
    assert EVIL not in get(f"{embedded}/daskdl")


def test_a_running_cluster_gets_the_page_and_what_was_published_before():
    options = {"n_workers": 0, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        address = f"http://127.0.0.1:{cluster.scheduler.http_server.port}"
        assert attach(client) is None
        assert attach(client) is None  # twice is once
        assert "Bokeh" in get(f"{address}/daskdl")
        assert get(f"{address}/status").count('<a href="daskdl">') == 1


@pytest.mark.parametrize("wanted", [True, False])
def test_a_client_that_is_given_brings_the_page_to_its_dashboard_if_that_is_wanted(wanted):
    options = {"n_workers": 0, "processes": False, "dashboard_address": "127.0.0.1:0"}
    session.stop()
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        try:
            h2o.init(client=client, dashboard=wanted, verbose=False)
            status = get(f"http://127.0.0.1:{cluster.scheduler.http_server.port}/status")
        finally:
            session.set_client(None)
    assert ('<a href="daskdl">' in status) == wanted


@contextlib.contextmanager
def scheduler(folder, *options, code="", **surroundings):
    """A scheduler process of its own; yields its address and that of its pages."""
    file = folder / "scheduler.json"
    code = f"{code}\nimport sys; from distributed.cli.dask_scheduler import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "--host", "127.0.0.1", "--port", "0"]
    command += ["--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(file), *options]
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
        assert "Bokeh" in get(f"{pages}/daskdl")
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
