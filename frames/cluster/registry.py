"""The registry: what is known under a key (frames, models, grids, metrics), in this process."""

import itertools
import os
import secrets
import threading
import weakref
from typing import Any

_lock = threading.RLock()
_kept: dict[str, Any] = {}
_temporary: "weakref.WeakValueDictionary[str, Any]" = weakref.WeakValueDictionary()
_numbers = itertools.count(1)
_session_id = secrets.token_hex(2)


def _forked() -> None:
    """Make a new lock in every forked child: a thread of the parent may have held the old one."""
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_forked)


def register(key: str, thing: Any, temporary: bool = False) -> None:
    """Keep an object under a key, in place of an older one; a temporary one is forgotten when nobody else holds it."""
    with _lock:
        remove(key)
        if temporary:
            _temporary[key] = thing
        else:
            _kept[key] = thing


def get(key: str) -> Any | None:
    """Return the object of a key, or None."""
    with _lock:
        return _kept[key] if key in _kept else _temporary.get(key)


def remove(key: str) -> bool:
    """Forget a key; return whether it was known."""
    with _lock:
        known = _kept.pop(key, None) is not None
        return _temporary.pop(key, None) is not None or known


def keys() -> list[str]:
    """Return all known keys, sorted."""
    with _lock:
        return sorted({*_kept, *_temporary.keys()})


def clear() -> None:
    """Forget all keys."""
    with _lock:
        _kept.clear()
        _temporary.clear()


def temporary_key() -> str:
    """Return a new key `py_<n>_sid_<xxxx>`."""
    return f"py_{next(_numbers)}_sid_{_session_id}"


def file_key(stem: str) -> str:
    """Return the key of an imported file: `<stem>.hex`, or `<stem>1.hex`, `<stem>2.hex` ... while that is taken."""
    with _lock:
        for suffix in itertools.chain([""], itertools.count(1)):
            key = f"{stem}{suffix}.hex"
            if get(key) is None:
                return key
    raise AssertionError
