"""What a waiting user sees while a model is trained: a bar on the terminal or in the notebook, history on request."""

import sys
import warnings
from typing import Any, Self

TITLE = "deeplearning Model Build progress"


class ModelProgress:
    """Callable given to `daskdl.train.train`: `progress(done, row)`, `done` in 0..1, `row` a new history row or None.

    The bar goes to stderr, so that printed results stay clean; `shown=False` draws nothing. It may be called from any
    thread.
    """

    def __init__(self, shown: bool = True, verbose: bool = False, title: str = TITLE):
        self._shown = shown
        self._verbose = verbose
        self._title = title
        self._bar: Any = None
        self._headed = False

    def __enter__(self) -> Self:
        if self._shown:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a notebook without ipywidgets gets the text bar, and no complaint
                from tqdm.auto import tqdm

                form = "{desc}: |{bar:30}| {percentage:3.0f}% [{elapsed}{postfix}]"
                self._bar = tqdm(total=1.0, desc=self._title, bar_format=form, file=sys.stderr, mininterval=0.2)
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

    def _print(self, row: dict[str, Any]) -> None:
        cells = {name: _text(value) for name, value in row.items() if name}
        if not self._headed:
            print("  ".join(cells))
            self._headed = True
        print("  ".join(cell.rjust(len(name)) for name, cell in cells.items()))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
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
