"""The scheduler and worker processes of bench/processes.py, for tests that kill them."""

import importlib.util
import time
from pathlib import Path

_FILE = Path(__file__).resolve().parent.parent / "bench" / "processes.py"
_spec = importlib.util.spec_from_file_location("processes_of_the_benches", _FILE)
assert _spec is not None
assert _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

Processes = _module.Processes


def until(condition, seconds=60):
    """Wait until a condition holds; an AssertionError where it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)
