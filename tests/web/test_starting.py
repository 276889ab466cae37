"""daskdl Flow started: by h2o.flow() in a session, by the command line as a program of its own."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import distributed
import pytest

import daskdl as h2o
from daskdl.web import server
from frames.cluster import registry, session
from frames.frame import H2OFrame

LINE = re.compile(r"daskdl Flow: (http://127\.0\.0\.1:(\d+)/\?token=[\w-]{40,})\n")


def status(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.fixture
def opened_pages(monkeypatch):
    """What a browser was asked to open."""
    seen: list[str] = []
    monkeypatch.setattr(server.webbrowser, "open", seen.append)
    return seen


def test_flow_shows_the_frames_of_this_session(opened_pages, capsys):
    session.start(nthreads=2)
    frame = H2OFrame({"x": [1, 2]}, destination_frame="mine")
    served = h2o.flow()
    try:
        assert opened_pages == [served.address]
        assert LINE.fullmatch(capsys.readouterr().out)[1] == served.address
        assert h2o.flow(browser=False) is served  # twice is once
        assert opened_pages == [served.address]
        assert served.site.access.token in repr(served)
        assert status(served.address) == 200
        assert frame.nrow == 2
    finally:
        served.close()
        registry.clear()
    assert served.wait(0)
    again = h2o.flow(browser=False)
    assert again is not served
    again.close()


@contextlib.contextmanager
def program(*options):
    """`daskdl flow` as a process; yields it with its address and port."""
    command = [sys.executable, "-m", "daskdl.cli", "flow", "--no-browser", "--threads", "1", *options]
    surroundings = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=surroundings
    ) as process:
        try:
            line = process.stdout.readline()
            found = LINE.fullmatch(line)
            assert found, line + process.stderr.read()
            yield process, found[1], int(found[2])
        finally:
            process.kill()


@pytest.mark.cluster
def test_the_command_prints_one_line_and_ends_at_ctrl_c():
    with program() as (process, address, port):
        assert status(address) == 200
        assert status(f"http://127.0.0.1:{port}/") == 403
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert out == ""
        assert "Traceback" not in errors


@pytest.mark.cluster
def test_the_command_works_on_a_cluster_that_runs():
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with (
        distributed.LocalCluster(protocol="tcp://", host="127.0.0.1", **options) as cluster,
        program("--address", cluster.scheduler_address) as (process, address, port),
    ):
        jar = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        jar.open(address, timeout=60).close()
        with jar.open(f"http://127.0.0.1:{port}/", timeout=60) as answer:
            assert cluster.scheduler_address in answer.read().decode()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
