"""What a waiting user sees while a model is trained: a bar on the terminal or in the notebook, history on request."""

import sys
import threading
import time
from contextlib import ExitStack
from typing import Any, Self, TextIO

from daskdl.estimators.job import H2OJob
from daskdl.estimators.journal import SOURCES, goal
from frames.text.screen import in_notebook

TITLE = "deeplearning Model Build progress"
COMPILING = "compiling kernels, once per machine"

# Where no screen shows the bar (a log of a build server, a pipe), it is written as lines now and then.
MARK = 0.25  # share of the work after which a line is due ...
SHORTEST = 1.0  # ... if the last line is so many seconds old
PAUSE = 10.0  # seconds after which a line is due anyway ...
PATIENCE = 0.1  # ... and share of the time so far: the longer a training, the fewer lines per hour


class ModelProgress:
    """Callable given to `train()`: `progress(done, row)`, `done` in 0..1, `row` a new history row or None.

    What a `job` in the background is told goes to it, too; where that is shown in a notebook, there is no bar.
    The answer is whether training is to end.

    The bar goes to stderr, so that printed results stay clean (in a notebook, which paints stderr red, to stdout);
    where that is no screen, a few lines tell the same. `shown=False` draws nothing. While kernels are compiled it says
    so. It may be called from any thread.
    """

    def __init__(self, shown: bool = True, verbose: bool = False, title: str = TITLE, job: H2OJob | None = None):
        self._shown = shown and not (job is not None and job.live)
        self._job = job
        self._verbose = verbose
        self._title = title
        self._bar: Any = None
        self._headed = False
        self._listening = ExitStack()

    def __enter__(self) -> Self:
        if self._shown and sys.stderr is not None:  # a program without a console has none
            self._bar = _bar(self._title)
        if self._bar is not None or self._job is not None:
            from daskdl.training.compile_ahead import heard

            self._listening.enter_context(heard(self._compile))
        return self

    def __call__(self, done: float, row: dict[str, Any] | None = None) -> bool:
        """Show that the share `done` of the work is behind us, and the newest history row if there is one."""
        if self._bar is not None:
            self._bar.n = max(self._bar.n, min(float(done), 1.0))
            if row is not None:
                self._bar.set_postfix_str(_short(row), refresh=False)
            self._bar.refresh()
        if row is not None and self._verbose:
            self._print(row)
        return self._job is not None and self._job.take(done, row)

    def _compile(self, busy: bool) -> None:
        note = COMPILING if busy else ""
        if self._bar is not None:
            self._bar.set_postfix_str(note)
        if self._job is not None:
            self._job.note(note)

    def _print(self, row: dict[str, Any]) -> None:
        cells = {name: _text(value) for name, value in row.items() if name}
        if not self._headed:
            print("  ".join(cells))
            self._headed = True
        print("  ".join(cell.rjust(len(name)) for name, cell in cells.items()))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._listening.close()
        if self._bar is not None:
            if kind is None:
                self._bar.n = 1.0
            self._bar.close()


def _bar(title: str) -> Any:
    """Return what shows the share done: a bar on a screen, else lines."""
    screen = sys.stdout if in_notebook() else sys.stderr
    if not in_notebook() and not screen.isatty():
        return _Lines(title, screen)
    from tqdm import tqdm

    form = "{desc}: |{bar:30}| {percentage:3.0f}% [{elapsed}{postfix}]"
    return tqdm(total=1.0, desc=title, bar_format=form, file=screen, mininterval=0.2)


class _Lines:
    """The part of tqdm's bar that is used here, as whole lines: each quarter of the work, or after a while."""

    def __init__(self, title: str, file: TextIO):
        self.n = 0.0
        self._title = title
        self._file = file
        self._began = self._told = time.monotonic()
        self._mark = MARK
        self._note = ""
        self._lock = threading.Lock()

    def set_postfix_str(self, text: str, refresh: bool = True) -> None:
        """Keep what stands behind the share; with `refresh` a text is told at once."""
        self._note = text
        if refresh and text:
            with self._lock:
                self._tell()

    def refresh(self) -> None:
        """Write a line if one is due."""
        with self._lock:
            now = time.monotonic()
            quiet = now - self._told
            crossed = self._mark <= self.n < 1.0 and quiet >= SHORTEST  # close() tells the end
            if crossed or quiet >= max(PAUSE, PATIENCE * (now - self._began)):
                self._tell()

    def close(self) -> None:
        """Write the last line."""
        with self._lock:
            self._tell()

    def _tell(self) -> None:
        self._told = time.monotonic()
        self._mark = MARK * (int(self.n / MARK) + 1)
        minutes, seconds = divmod(int(self._told - self._began), 60)
        note = f", {self._note}" if self._note else ""
        print(f"{self._title}: {100 * self.n:3.0f}% [{minutes:02d}:{seconds:02d}{note}]", file=self._file, flush=True)


def _short(row: dict[str, Any]) -> str:
    """One metric, of validation before training: the one that AUTO stops by, or the first that there is."""
    column = goal(row)
    for source in reversed(SOURCES):
        value = row.get(f"{source}_{column}")
        if isinstance(value, float) and value == value:
            return f"{source} {column} {value:.4g}"
    return ""


def _text(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
