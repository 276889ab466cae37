"""The handler that every page is: it lets in whoever may enter, keeps the loop free, and turns errors into pages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode

from tornado.web import HTTPError, RequestHandler, StaticFileHandler

from daskdl.web.jobs import Job
from daskdl.web.site import Site, link
from frames.exceptions import H2OError

T = TypeVar("T")
LOG = logging.getLogger("daskdl.web")
PATIENCE = 1.0  # seconds that a form waits for its job: what takes no longer shows its result at once
SESSION_DAYS = 30
# Scripts come from this server only, never from a page's own text: a name that got into a page as HTML would still be
# dead. Bokeh makes style elements, so styles may be inline.
POLICY = "; ".join(
    (
        *("default-src 'none'", "script-src 'self'", "style-src 'self' 'unsafe-inline'", "img-src 'self' data: blob:"),
        *("connect-src 'self'", "font-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"),
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Refusal(Exception):
    """A request that cannot be met, with the sentence that says why."""

    def __init__(self, sentence: str, status: int = 422):
        super().__init__(sentence)
        self.status = status


class Guarded(RequestHandler):
    """Lets in requests that name this server and carry a session; all others, whatever they ask for, get 403."""

    site: Site

    def initialize(self, site: Site, **more: Any) -> None:
        """Take the server's shared state."""
        self.site = site
        super().initialize(**more)

    def set_default_headers(self) -> None:
        """Forbid what no page needs."""
        self.clear_header("Server")
        for name, value in HEADERS.items():
            self.set_header(name, value)

    @property
    def session(self) -> str | None:
        """The session that the request carries; None without a valid one."""
        found = self.get_cookie(self.site.access.cookie)
        return found if found is not None and self.site.access.knows(found) else None

    def prepare(self) -> None:
        """Refuse who may not enter; a first visit brings the token and gets a session for it."""
        access = self.site.access
        if self.request.host not in access.hosts:
            raise HTTPError(403, reason="Forbidden")
        token = self.get_query_argument("token", None)
        if token is not None and self.request.method == "GET" and access.admits(token):
            self._sign_in()
        elif self.session is None:
            raise HTTPError(403, reason="Forbidden")
        elif self.request.method not in ("GET", "HEAD"):
            mark = self.get_body_argument("_mark", "")
            if not access.is_own(self.request.headers.get("Origin")) or not access.may_submit(self.session, mark):
                raise HTTPError(403, reason="Forbidden")

    def _sign_in(self) -> None:
        """Begin a session and go on from a page of our own: a strict cookie does not follow a redirect from outside."""
        session = self.site.access.new_session()
        self.set_cookie(
            self.site.access.cookie, session, httponly=True, samesite="Strict", path="/", expires_days=SESSION_DAYS
        )
        rest = [(n, v.decode("utf-8", "replace")) for n, vs in self.request.query_arguments.items() for v in vs]
        query = urlencode([one for one in rest if one[0] != "token"])
        path = "/" + self.request.path.lstrip("/\\")  # two slashes would lead to another host
        self.set_header("Cache-Control", "no-store")
        self.finish(self.site.page("sign_in", {"target": f"{path}?{query}" if query else path}))

    def write_error(self, status_code: int, **more: Any) -> None:
        """Answer with a page that says what went wrong, without anything from inside the program."""
        error = more.get("exc_info", (None, None, None))[1]
        said = HTTPStatus(status_code).phrase
        if isinstance(error, Refusal):
            status_code, said = error.status, str(error)
        elif isinstance(error, H2OError):
            status_code, said = 422, str(error)
        elif status_code == 403:
            said = "This page needs the whole address that daskdl flow printed, token included."
        self.set_status(status_code)
        self.set_header("Cache-Control", "no-store")
        self.finish(self.site.page("error", {"status": status_code, "said": said, "inside": self.session is not None}))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Keep refusals out of the log: they are answers."""
        if not isinstance(value, Refusal | H2OError | HTTPError):
            LOG.error("A page failed: %s %s", self.request.method, self.request.path, exc_info=(typ, value, tb))


class Page(Guarded):
    """A page: values for a template, made in a thread."""

    async def work(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what a function gives that may wait for the cluster; other pages are served meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self.site.pool, function, *arguments)

    def show(self, name: str, title: str, **values: Any) -> None:
        """Answer with a template's page."""
        self.set_header("Cache-Control", "no-store")
        running = sum(job.state == "running" for job in self.site.jobs.all())
        shared = {"title": title, "mark": self.site.access.mark(self.session or ""), "running": running}
        self.finish(self.site.page(name, {**shared, "path": self.request.path, **values}))

    def argument(self, name: str, default: str = "") -> str:
        """Return one value of the query or the form, as it was typed."""
        return self.get_argument(name, default, strip=False)

    def entries(self) -> dict[str, list[str]]:
        """Return all values of the form by name, in their order."""
        given = self.request.body_arguments or self.request.query_arguments
        return {n: [v.decode("utf-8", "replace") for v in vs] for n, vs in given.items() if n not in ("_mark", "token")}

    async def begin(self, title: str, work: Callable[[Job], str]) -> None:
        """Start a job, and go where it leads."""
        await self.arrive(self.site.jobs.start(title, work))

    async def arrive(self, job: Job) -> None:
        """Go to what a job made where it ends at once, else to its page."""
        await asyncio.get_running_loop().run_in_executor(self.site.pool, job.wait, PATIENCE)
        self.redirect(job.result or link("/job", number=job.number), status=303)


class Missing(Page):
    """What is served under no other address."""

    def get(self) -> None:
        """Say that there is no such page."""
        raise Refusal("There is no such page.", 404)

    post = put = delete = patch = options = head = get


class Files(Guarded, StaticFileHandler):  # type: ignore[misc]  both define initialize(), with their own arguments
    """Style sheets and scripts, ours and Bokeh's."""

    def set_extra_headers(self, path: str) -> None:
        """Let the browser keep them for this visit."""
        self.set_header("Cache-Control", "private, max-age=3600")
