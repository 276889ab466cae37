"""Threads that share numbered items: phases end before the next begins, nobody is awaited, a stop reaches all."""

from __future__ import annotations

import resource
import threading
import time

import numpy as np
import pytest

from daskdl.kernels import tickets
from daskdl.kernels.jit import kernel

PHASES, ITEMS = 300, 7


@kernel
def sweep(sync, phases, items, table, slow):
    """Every item adds up what all items of the phase before it left, and one: wrong as soon as one comes too early."""
    ticket = tickets.take(sync)
    while ticket < phases * items:
        phase, item = ticket // items, ticket % items
        if not tickets.reached(sync, tickets.FINISHED, phase * items):
            return -1
        total = 1.0
        if phase > 0:
            for k in range(items):
                total += table[phase - 1, k] / items
        for _ in range(slow):
            total = np.sqrt(total * total)
        table[phase, item] = total
        tickets.count(sync, tickets.FINISHED)
        ticket = tickets.take(sync)
    return ticket


def crowd(count: int, slow: int = 0) -> np.ndarray:
    sync, table = tickets.counters(), np.zeros((PHASES, ITEMS))
    threads = [threading.Thread(target=sweep, args=(sync, PHASES, ITEMS, table, slow)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert sync[tickets.FINISHED] == PHASES * ITEMS
    return table


@pytest.mark.parametrize("count", [1, 2, 16, 40])
def test_no_item_begins_before_the_phase_before_it_is_finished(count):
    expected = np.repeat(np.arange(1.0, PHASES + 1)[:, None], ITEMS, axis=1)
    np.testing.assert_allclose(crowd(count), expected, rtol=1e-9)


def test_two_crowds_side_by_side_finish_both():
    found = []
    pair = [threading.Thread(target=lambda: found.append(crowd(8))) for _ in range(2)]
    for one in pair:
        one.start()
    for one in pair:
        one.join(60)
    assert len(found) == 2
    np.testing.assert_array_equal(*found)


def waiting(count: int, seconds: float, sync: np.ndarray) -> float:
    """Let threads wait for what never comes; return the processor seconds they took, and end them by the stop."""
    threads = [threading.Thread(target=tickets.reached, args=(sync, tickets.FINISHED, 1)) for _ in range(count)]
    before = resource.getrusage(resource.RUSAGE_SELF)
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert all(thread.is_alive() for thread in threads)
    tickets.count(sync, tickets.STOP)
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_who_waits_long_sleeps_and_a_stop_wakes_all():
    tickets.reached(tickets.counters(), tickets.FINISHED, 0)  # compiled
    assert waiting(8, 2.0, tickets.counters()) < 1.0  # eight that spun would take all cores for two seconds


def test_after_a_stop_nobody_begins():
    sync = tickets.counters()
    tickets.count(sync, tickets.STOP)
    assert not tickets.reached(sync, tickets.FINISHED, 0)
