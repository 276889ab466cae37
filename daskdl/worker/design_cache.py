"""Decoded partitions that a worker keeps from round to round, as many as its memory allows."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daskdl.encoding.adaptation import Adaptation
from daskdl.encoding.decoded import Design, decode
from daskdl.encoding.encoder import Encoder

Where = Mapping[str, tuple[int, int]]


@dataclass
class _Kept:
    """A decoded partition, the chunks that it was made from, its bytes, and when it was asked for last."""

    chunks: list[weakref.ref]
    design: Design
    size: int
    asked: int


class DesignCache:
    """Decoded partitions of recent tasks.

    A round asks for one partition after the other, and the next round for all of them again. Were the one asked for the
    longest ago dropped first, a table a little larger than the cache would be decoded anew in each round. So one stays
    until twice as many were asked for as there are, and what does not fit beside those that stay is not kept.

    An entry is valid only while the very chunks it was made from are alive, so a chunk that was spilled and read again
    is decoded again.
    """

    def __init__(self) -> None:
        self._entries: OrderedDict[Any, _Kept] = OrderedDict()  # what was asked for the longest ago comes first
        self._held = 0  # bytes of all entries
        self._asked = 0  # how often anything was
        self._lock = threading.Lock()

    def get(
        self, key: str, encoder: Encoder, plan: Adaptation, chunks: Sequence[Any], where: Where, budget: int
    ) -> Design:
        """Return the design of these chunks, from the cache or decoded now."""
        name = (key, *(id(chunk) for chunk in chunks))
        with self._lock:
            self._asked += 1
            entry = self._entries.get(name)
            if entry and all(ref() is chunk for ref, chunk in zip(entry.chunks, chunks, strict=True)):
                self._entries.move_to_end(name)
                entry.asked = self._asked
                return entry.design
        design = decode(encoder, plan, chunks, where)
        with self._lock:
            self._drop(name)
            size = design.nbytes
            if self._has_room(size, budget):
                self._entries[name] = _Kept([weakref.ref(chunk) for chunk in chunks], design, size, self._asked)
                self._held += size
        return design

    def forget(self, key: str) -> None:
        """Drop what a job that is over had decoded."""
        with self._lock:
            for name in [name for name in self._entries if name[0] == key]:
                self._drop(name)

    def _has_room(self, size: int, budget: int) -> bool:
        """Tell whether so many bytes more fit, once what nobody asks for any more is dropped."""
        for name in [name for name, kept in self._entries.items() if any(ref() is None for ref in kept.chunks)]:
            self._drop(name)
        while self._held + size > budget and self._entries:
            name, kept = next(iter(self._entries.items()))
            if self._asked - kept.asked <= 2 * len(self._entries):
                return False
            self._drop(name)
        return self._held + size <= budget

    def _drop(self, name: Any) -> None:
        entry = self._entries.pop(name, None)
        self._held -= 0 if entry is None else entry.size
