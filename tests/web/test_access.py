"""Who may enter: the token, the session, the mark of forms, the host; everybody else gets 403 everywhere."""

import asyncio
import http.client
import time

import pytest
from tornado.httpclient import HTTPClientError
from tornado.websocket import websocket_connect

from daskdl.web.access import Access
from daskdl.web.pages import ROUTES
from frames.exceptions import H2OValueError

EVERYWHERE = [*ROUTES, "/static/flow.css", "/static/none.css", "/bokeh/bokeh.min.js", "/nowhere", "/a/../b", "//x"]


@pytest.mark.parametrize("path", EVERYWHERE)
def test_without_the_token_every_address_answers_403(stranger, path):
    assert stranger.get(path).status == 403
    assert stranger.post(path, {"_mark": "x"}).status == 403
    assert stranger.get(f"{path}?token=guess").status == 403


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "POST"])
def test_without_the_token_no_method_is_let_in(served, method):
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.request(method, f"/frames?token={'' if method == 'HEAD' else served.site.access.token}")
    assert connection.getresponse().status == 403
    connection.close()


@pytest.mark.parametrize("path", ["/", "/job/state", "/ws"])
def test_without_the_token_a_socket_answers_403(served, path):
    async def knock():
        await websocket_connect(f"ws://127.0.0.1:{served.port}{path}")

    with pytest.raises(HTTPClientError, match="403"):
        asyncio.run(knock())


def test_a_forged_or_foreign_session_is_no_session(served, stranger):
    for session in ("x", "x.y", ".", Access(served.port).new_session()):
        assert stranger.get("/", Cookie=f"{served.site.access.cookie}={session}").status == 403


def test_the_token_opens_a_session_and_leaves_the_address(stranger):
    answer = stranger.get(f"/frames?token={stranger.flow.site.access.token}&a=b%26c")
    assert answer.status == 200
    assert 'content="0; url=/frames?a=b%26c"' in answer.text
    assert stranger.flow.site.access.token not in answer.text
    said = answer.headers["Set-Cookie"].lower()
    assert "httponly" in said
    assert "samesite=strict" in said
    assert stranger.get("/frames").status == 200


def test_the_way_on_after_signing_in_leads_to_no_other_host(stranger):
    for path in ("//evil.example/x", "/\\evil.example/x"):
        answer = stranger.get(f"{path}?token={stranger.flow.site.access.token}")
        assert 'url=/evil.example/x"' in answer.text


def test_another_host_name_is_refused_even_with_the_token(stranger):
    """DNS that is bound anew brings a page of another site to this port, under its own name."""
    token = stranger.flow.site.access.token
    assert stranger.get(f"/?token={token}", Host=f"evil.example:{stranger.flow.port}").status == 403
    assert stranger.get(f"/?token={token}", Host="127.0.0.1:1").status == 403
    assert stranger.get(f"/?token={token}", Host=f"localhost:{stranger.flow.port}").status == 200


def test_a_form_needs_the_mark_of_its_session_and_comes_from_our_own_pages(visitor, served):
    other = served.site.access.mark(served.site.access.new_session())
    for mark in ("", "x", other):
        assert visitor.post("/remove", {"_mark": mark, "kind": "frame", "key": "no"}).status == 403
    fields = {"kind": "frame", "key": "no"}
    assert visitor.post("/remove", fields, Origin="http://evil.example").status == 403
    assert visitor.post("/remove", fields, Origin="null").status == 403
    assert visitor.post("/remove", fields, Origin=f"http://127.0.0.1:{served.port}").status == 404  # let in: no frame


def test_no_log_holds_the_token_or_names_of_data(stranger, caplog):
    token = stranger.flow.site.access.token
    with caplog.at_level("DEBUG"):
        stranger.get(f"/?token={token}", Host="evil.example")
        stranger.get(f"/frame?token={token}&key=secret")
        stranger.get("/frame?key=secret")
        until = time.monotonic() + 10  # the server's thread logs a request after its answer is on its way
        while "404 GET /frame" not in caplog.text and time.monotonic() < until:
            time.sleep(0.01)
    assert "403 GET /" in caplog.text
    assert "404 GET /frame" in caplog.text
    assert token not in caplog.text
    assert "secret" not in caplog.text


def test_every_answer_forbids_scripts_in_pages_and_frames_around_them(visitor, stranger):
    for answer in (visitor.get("/"), visitor.get("/nowhere"), visitor.get("/static/flow.css"), stranger.get("/")):
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Server"] is None


def test_files_outside_the_folders_are_not_served(visitor):
    for path in ("/static/../server.py", "/static/%2e%2e/server.py", "/bokeh/../x.py", "/static//etc/passwd"):
        assert visitor.get(path).status in (403, 404)


def test_it_listens_on_loopback_only(served):
    assert served._socket.getsockname()[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_refused_in_one_sentence(served):
    with pytest.raises(H2OValueError, match=f"port must be a free one .*; got {served.port}"):
        type(served)(served.port)


def test_two_servers_have_nothing_in_common():
    one, other = Access(1), Access(1)
    assert one.token != other.token
    assert len(one.token) >= 40
    assert not other.admits(one.token)
    assert not other.knows(one.new_session())
    assert not one.may_submit(one.new_session(), one.mark(one.new_session()))
    assert one.is_own(None)
    assert one.is_own("http://localhost:1")
    assert not one.is_own("https://localhost:1")
