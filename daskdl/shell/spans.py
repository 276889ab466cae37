"""Spans: what a job's tasks belong to, so that Dask sums time and bytes of its preparation and of each round.

A scheduler keeps every span as long as it lives. So a job has one for each of its first hundred rounds, then one
for ten, for a hundred, and so on: 190 for a thousand rounds, 280 for ten thousand.
"""

from __future__ import annotations

import itertools
import uuid
from contextlib import AbstractContextManager, ExitStack
from typing import Self

import distributed

SINGLE = 100  # rounds that have a span each


def job_span(model: str) -> AbstractContextManager[str]:
    """Put the tasks of the block under the spans `daskdl` and the name of a model."""
    return distributed.span("daskdl", model)


def preparation_span() -> AbstractContextManager[str]:
    """Put the tasks of the block under the span `preparation`."""
    return distributed.span("preparation")


def title(number: int) -> str:
    """Return the name of the span of a round, or of the rounds that share one.

    Example: `title(7) == "round 7"`, `title(123) == "rounds 121-130"`
    """
    if number <= SINGLE:
        return f"round {number}"
    width = 10 ** (len(str(number - 1)) - 2)
    first = (number - 1) // width * width + 1
    return f"rounds {first}-{first + width - 1}"


class RoundSpans:
    """Keeps the span of the present round open, in the thread that sends its tasks; to be used in a with statement.

    Scorings and averages of a round belong to its span until the next round begins.

    Dask puts tasks that share the first part of their keys into one span, whatever they say themselves: `key` makes
    keys that are alike for the tasks of one span only.
    """

    def __init__(self) -> None:
        self._open = ExitStack()
        self._title: str | None = None
        self._token = uuid.uuid4().hex
        self._number = itertools.count()

    def key(self, name: str) -> tuple[str, int]:
        """Return the key of a new task; Dask's pages show it under this name, in letters and hyphens."""
        return f"{name}-{self._token}", next(self._number)

    def enter(self, number: int, on: bool = False) -> None:
        """Go on in the span of this round; with `on` its tasks may train later rounds, too."""
        wanted = f"{title(number)} and on" if on else title(number)
        if wanted != self._title:
            self._open.close()
            self._open.enter_context(distributed.span(wanted))
            self._title, self._token = wanted, uuid.uuid4().hex

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        self._title = None
