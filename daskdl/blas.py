"""One BLAS thread for each thread of ours: matrix products of trainer threads must not fight over the cores."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import scipy.linalg  # noqa: F401  loads the BLAS that Numba's matrix products use, before it is asked for its threads
from threadpoolctl import ThreadpoolController


class OneBlasThread:
    """Keeps BLAS to one thread while anybody is inside; shares of several jobs may overlap.

    threadpoolctl lets only the first live thread that ever limited OpenBLAS do so again and drops all other calls
    without a word; trainer tasks run on any thread of a worker. So the limit is set on the library itself.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._libraries: list[Any] = []
        self._before: list[int] = []

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._libraries = self._libraries or _blas_libraries()
                self._before = [library.get_num_threads() for library in self._libraries]
                for library in self._libraries:
                    _setter(library)(1)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                for library, threads in zip(self._libraries, self._before, strict=True):
                    _setter(library)(threads)


def _blas_libraries() -> list[Any]:
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def _setter(library: Any) -> Callable[[int], Any]:
    return getattr(library, "_real_set_num_threads", library.set_num_threads)


ONE_BLAS_THREAD = OneBlasThread()
