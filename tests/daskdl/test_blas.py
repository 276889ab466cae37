"""One BLAS thread for each trainer thread, whichever thread asks and whoever asked before."""

import threading

import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from daskdl.blas import OneBlasThread, _blas_libraries, _setter


@pytest.fixture
def two_threads():
    """BLAS with two threads, set on the library itself; the former number is put back."""
    before = [(library, library.get_num_threads()) for library in _blas_libraries()]
    for library, _ in before:
        _setter(library)(2)
    yield
    for library, threads in before:
        _setter(library)(threads)


def _threads() -> set[int]:
    return {library.get_num_threads() for library in ThreadpoolController().select(user_api="blas").lib_controllers}


def test_any_thread_may_limit_blas_even_if_another_one_did_before(two_threads):
    seen = []
    limit = OneBlasThread()

    def work():
        with limit:
            seen.append(_threads())

    with threadpool_limits(limits=2, user_api="blas"):  # a user's own limit, in a thread that lives on
        for _ in range(2):
            worker = threading.Thread(target=work)
            worker.start()
            worker.join()
    assert seen == [{1}, {1}]
    assert _threads() == {2}


def test_the_limit_stands_until_the_last_one_leaves(two_threads):
    limit = OneBlasThread()
    with limit:
        with limit:
            assert _threads() == {1}
        assert _threads() == {1}
    assert _threads() == {2}
