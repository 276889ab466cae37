"""What the pages of one server share: access, jobs, the history of steps, judgements, templates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import jinja2

from daskdl.web.access import Access
from daskdl.web.jobs import Jobs
from daskdl.web.script import History, Key

THREADS = 4  # that make pages: a page may wait for numbers from the workers


def link(path: str, /, **parts: Any) -> str:
    """Return the address of a page of this server; keys of frames and models are parts of the query.

    >>> link("/frame", key="a/b & c.hex")
    '/frame?key=a%2Fb+%26+c.hex'
    """
    given = {name: value for name, value in parts.items() if value is not None}
    return f"{path}?{urlencode(given, doseq=True)}" if given else path


def number(value: Any) -> str:
    """Return a number for a table: six digits; nothing where there is none.

    >>> number(0.123456789), number(1234567), number(None), number(float("nan"))
    ('0.123457', '1,234,567', '', '')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    return f"{value:.6g}"


def seconds(value: float) -> str:
    """Return a duration in words: `12 s`, `3 min 5 s`, `2 h 10 min`."""
    if value < 60:
        return f"{value:.3g} s" if value < 10 else f"{value:.0f} s"
    minutes, rest = divmod(int(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def clock(value: float) -> str:
    """Return the local time of seconds since 1970."""
    return datetime.fromtimestamp(value).strftime("%Y-%m-%d %H:%M:%S")


def templates() -> jinja2.Environment:
    """Return the templates; whatever they are given is escaped, and a name that is not given is an error."""
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("daskdl.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Bokeh's documents name parts before they refer to them: their order says something.
    found.policies["json.dumps_kwargs"] = {"sort_keys": False}
    found.filters |= {"number": number, "seconds": seconds, "clock": clock}
    found.globals |= {"link": link}
    return found


@dataclass
class Site:
    """The shared state of one server.

    `scheduler` is the address of the cluster, where it is not this process; `judged` holds what was found when a model
    was applied to a frame, by the key of its predictions; `last` the entries of the newest form of each kind, by frame.
    """

    access: Access
    scheduler: str | None = None
    jobs: Jobs = field(default_factory=Jobs)
    history: History = field(default_factory=History)
    judged: dict[str, Any] = field(default_factory=dict)
    environment: jinja2.Environment = field(default_factory=templates)
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS, "daskdl-flow-page"))

    def page(self, name: str, values: Mapping[str, Any]) -> str:
        """Return a page made from a template."""
        return self.environment.get_template(f"{name}.html").render(values)

    def frame_steps(self, key: str) -> list:
        """Return the steps that lead to a frame."""
        return self.history.behind([Key(key)])
