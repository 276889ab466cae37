"""A training in the background: how far it is, its end, and in a notebook a picture that follows it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from daskdl.estimators.journal import Journal
from frames.cluster import progress_bars
from frames.text.screen import in_notebook

EVERY = 1.0  # seconds between two pictures


class H2OJob:
    """What start() begins, under h2o-py's names; `model.job` and `grid.job` give it.

    It trains in a thread of its own, so a notebook goes on: there the cell of start() keeps a picture of the job that
    is drawn anew every second, whatever other cells do. Elsewhere lines or a bar are printed as by train().

    Example::

        network = H2ODeepLearningEstimator(hidden=[3], epochs=1, stopping_rounds=0)
        network.start(x=["x", "k"], y="temperature", training_frame=frame)
        network.job.status                  # RUNNING, and after a while DONE
        network.join().job.progress == 1.0
    """

    def __init__(self, name: str, work: Callable[[H2OJob], Any]):
        self.job_key = name
        self.live = in_notebook() and progress_bars.shown()  # whether a picture is shown in place of a bar
        self._journal = Journal(name, time.monotonic())
        self._work = work
        self._stop = threading.Event()
        self._end: Callable[[], None] = lambda: None  # asks the training that runs to end
        self._over = threading.Event()
        self._begun = threading.Event()
        self._result: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=copy_context().run, args=(self._run,), name="daskdl-train", daemon=True)
        self._thread.start()
        if self.live:
            self.show()

    def _run(self) -> None:
        try:
            self._result = self._work(self)
            self._journal.end("CANCELLED" if self._stop.is_set() else "DONE", time.monotonic())
        except BaseException as error:  # raised where the result is asked for
            self._error = error
            status = "CANCELLED" if self._stop.is_set() else "FAILED"
            self._journal.end(status, time.monotonic(), str(error) or type(error).__name__)
        finally:
            self._over.set()
            self._begun.set()

    # ---- what the training tells ---------------------------------------------------------------------------------
    def take(self, done: float, row: dict[str, Any] | None) -> bool:
        """Note the share done and a new row of the scoring history; True where the training is to end."""
        self._journal.take(done, row, time.monotonic())
        return self._stop.is_set()

    def started(self, shell: Any) -> None:
        """Note what `stop()` is to be asked of; it is asked at once where the job was cancelled before."""
        self._end = shell.stop
        self._begun.set()
        if self._stop.is_set():
            shell.stop()

    def await_start(self) -> None:
        """Wait until whoever runs the training has all that it needs, or it is over."""
        self._begun.wait()

    def note(self, text: str) -> None:
        """Note what goes on before there is more to tell."""
        self._journal.note = text

    # ---- what a user asks ----------------------------------------------------------------------------------------
    @property
    def status(self) -> str:
        """RUNNING, DONE, CANCELLED or FAILED."""
        return self._journal.status

    @property
    def progress(self) -> float:
        """The share of the work that is done, 0 to 1."""
        return self._journal.done

    def cancel(self) -> None:
        """Ask the training to end soon: in cross-validation after the rounds that are running, else within its round.

        join() then gives the model as it is by then; a grid keeps the models that are finished.
        """
        self._stop.set()
        self._end()

    def result(self) -> Any:
        """Wait for the end, and return the result or raise what went wrong."""
        self._thread.join()  # it ends: a job without workers by its own time limit, and join() can be interrupted
        if self._error is not None:
            raise self._error
        return self._result

    def show(self) -> None:
        """Show the state; in a notebook a picture that follows the job without holding up other cells."""
        if not in_notebook():
            print(self)
            return
        from IPython.display import display

        picture: Any = display(self, display_id=True)
        threading.Thread(target=self._follow, args=(picture,), name="daskdl-picture", daemon=True).start()

    def _follow(self, picture: Any) -> None:
        while not self._over.wait(EVERY):
            picture.update(self)
        picture.update(self)

    def __repr__(self) -> str:
        return self._journal.text(time.monotonic())

    def _repr_html_(self) -> str:
        return self._journal.page(time.monotonic())
