"""A running daskdl Flow, and a visitor who has signed in, without a browser."""

import html
import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request
import warnings
from typing import Any, NamedTuple

import pytest

import daskdl as h2o
from daskdl.web.server import Flow
from frames.cluster import registry, session


class Answer(NamedTuple):
    """What a request was answered."""

    status: int
    text: str
    url: str
    headers: Any
    body: bytes

    @property
    def path(self) -> str:
        """Where redirects led to."""
        found = urllib.parse.urlsplit(self.url)
        return found.path + (f"?{found.query}" if found.query else "")

    @property
    def code(self) -> str:
        """What "Copy as Python" shows."""
        found = re.search(r'<pre id="code"[^>]*>(.*?)</pre>', self.text, re.DOTALL)
        assert found is not None
        return html.unescape(found[1])


class Visitor:
    """A session of its own: cookies are kept, forms carry the mark."""

    def __init__(self, flow: Flow):
        self.flow = flow
        self.jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self.mark = ""

    def sign_in(self) -> "Visitor":
        """Come with the whole address."""
        assert self.get(f"/?token={self.flow.site.access.token}").status == 200
        found = re.search(r'data-mark="([0-9a-f]+)"', self.get("/jobs").text)
        assert found is not None
        self.mark = found[1]
        return self

    def get(self, path: str, **headers: str) -> Answer:
        """Open a page."""
        return self._open(path, None, headers)

    def post(self, path: str, fields: dict | None = None, **headers: str) -> Answer:
        """Send a form, with the mark unless `fields` has another."""
        given = {"_mark": self.mark, **(fields or {})}
        return self._open(path, urllib.parse.urlencode(given, doseq=True).encode(), headers)

    def followed(self, answer: Answer) -> Answer:
        """Wait for the job that an answer led to, if it did, and return the page of its result."""
        if "/job?" not in answer.path:
            return answer
        job = self.flow.site.jobs.all()[0]
        assert job.wait(250)
        return self.get(job.result or f"/job?number={job.number}")

    def json(self, path: str) -> Any:
        """Open what answers in JSON."""
        return json.loads(self.get(path).text)

    def _open(self, path: str, data: bytes | None, headers: dict[str, str]) -> Answer:
        # Sent as it is written: spaces and other letters are the tests' business.
        request = urllib.request.Request(f"http://127.0.0.1:{self.flow.port}{path}", data, headers)
        try:
            with self._opener.open(request, timeout=60) as answer:
                return _answer(answer)
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error)


def _answer(found: Any) -> Answer:
    body = found.read()
    return Answer(found.status, body.decode("utf-8", "replace"), found.url, found.headers, body)


@pytest.fixture(scope="module")
def served():
    """A server over the embedded cluster of two threads."""
    session.start(nthreads=2)
    with warnings.catch_warnings():
        flow = Flow()
    yield flow
    flow.close()
    registry.clear()


@pytest.fixture
def iris(served):
    """The frame `iris`, and nothing else."""
    registry.clear()
    frame = h2o.load_dataset("iris")
    frame.frame_id = "iris"
    yield frame
    registry.clear()


@pytest.fixture
def visitor(served):
    """Somebody who has signed in."""
    return Visitor(served).sign_in()


@pytest.fixture
def stranger(served):
    """Somebody who has not."""
    return Visitor(served)
