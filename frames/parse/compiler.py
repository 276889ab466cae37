"""Importing this makes Numba ready to load compiled functions, without what none of ours calls."""

import importlib
import sys
from importlib.util import find_spec

_FUNCTIONS = "numba.np.arraymath"  # Numba reads it before it loads or compiles the first function of a process


def ready() -> None:
    """Let Numba read its NumPy functions without importing scipy's linear algebra.

    Numba looks for BLAS, in scipy, when it reads them: a third of a second of each new process, and memory of each
    worker, for products that no function of ours asks for. Where a function of the user's does, Numba imports scipy
    then, as it would have. Does nothing where Numba has read them already, or looks in another way (this was written
    for 0.62 to 0.68).
    """
    if _FUNCTIONS in sys.modules:
        return
    algebra = importlib.import_module("numba.np.linalg")
    look = getattr(algebra, "ensure_blas", None)
    if look is None:
        return
    algebra.ensure_blas = _found if find_spec("scipy") else _not_found  # type: ignore[attr-defined]
    try:
        functions = importlib.import_module(_FUNCTIONS)
    finally:
        algebra.ensure_blas = look  # type: ignore[attr-defined]
    functions.ensure_blas = look  # type: ignore[attr-defined]


def _found() -> None:
    """Say that there is a BLAS."""


def _not_found() -> None:
    raise ImportError("scipy is not installed")


ready()
