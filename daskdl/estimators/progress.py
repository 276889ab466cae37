"""What a waiting user sees while a model is trained: a bar on the terminal or in the notebook, history on request."""

import sys
from contextlib import ExitStack
from typing import Any, Self

from frames.screen import in_notebook

TITLE = "deeplearning Model Build progress"
COMPILING = "compiling kernels, once per machine"


class ModelProgress:
    """Callable given to `daskdl.train.train`: `progress(done, row)`, `done` in 0..1, `row` a new history row or None.

    The bar goes to stderr, so that printed results stay clean (in a notebook, which paints stderr red, to stdout);
    `shown=False` draws nothing. While kernels are compiled it says so. It may be called from any thread.
    """

    def __init__(self, shown: bool = True, verbose: bool = False, title: str = TITLE):
        self._shown = shown
        self._verbose = verbose
        self._title = title
        self._bar: Any = None
        self._headed = False
        self._listening = ExitStack()

    def __enter__(self) -> Self:
        if self._shown:
            from tqdm import tqdm

            from daskdl.warming import heard

            form = "{desc}: |{bar:30}| {percentage:3.0f}% [{elapsed}{postfix}]"
            screen = sys.stdout if in_notebook() else sys.stderr
            self._bar = tqdm(total=1.0, desc=self._title, bar_format=form, file=screen, mininterval=0.2)
            self._listening.enter_context(heard(self._compile))
        return self

    def __call__(self, done: float, row: dict[str, Any] | None = None) -> None:
        """Show that the share `done` of the work is behind us, and the newest history row if there is one."""
        if self._bar is not None:
            self._bar.n = max(self._bar.n, min(float(done), 1.0))
            if row is not None:
                self._bar.set_postfix_str(_short(row), refresh=False)
            self._bar.refresh()
        if row is not None and self._verbose:
            self._print(row)

    def _compile(self, busy: bool) -> None:
        self._bar.set_postfix_str(COMPILING if busy else "")

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


def _short(row: dict[str, Any]) -> str:
    """One metric, the one users look at first: validation before training, logloss before rmse."""
    for source in ("validation", "training"):
        for metric in ("logloss", "deviance", "mse", "rmse"):
            value = row.get(f"{source}_{metric}")
            if isinstance(value, float) and value == value:
                return f"{source} {metric} {value:.4g}"
    return ""


def _text(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
