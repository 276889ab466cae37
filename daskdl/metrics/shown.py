"""How tables, metrics, models and grids are printed: h2o-py's show(), to_str() and to_html(), with their two words."""

from __future__ import annotations

from typing import Any

from frames.exceptions import H2OValueError
from frames.text.screen import in_notebook

VERBOSITY = (None, "short", "medium", "full")
FORMATS = (None, "plain", "pretty", "html")


class Shown:
    """What has a printed form. A class gives `_text(verbosity)` and `_page(verbosity)`, HTML."""

    def _text(self, verbosity: str | None) -> str:
        raise NotImplementedError

    def _page(self, verbosity: str | None) -> str:
        raise NotImplementedError

    def to_str(self, verbosity: str | None = None, fmt: str | None = None) -> str:
        """Write it as text, or with fmt="html" as HTML; `verbosity` short, medium or full says how much of a model.

        Raises H2OValueError for other words.
        """
        check_words(verbosity, fmt)
        return self._page(verbosity) if fmt == "html" else self._text(verbosity)

    def to_pretty_str(self, verbosity: str | None = None) -> str:
        """Write it as text."""
        return self.to_str(verbosity)

    def to_html(self, verbosity: str | None = None) -> str:
        """Write it as HTML."""
        return self.to_str(verbosity, "html")

    def show(self, verbosity: str | None = None, fmt: str | None = None) -> None:
        """Print it; with fmt="html" a notebook shows the page."""
        display(self.to_str(verbosity, fmt), fmt)

    def __str__(self) -> str:
        return self._text(None)

    def _repr_html_(self) -> str:
        return self._page(None)


def check_words(verbosity: Any, fmt: Any) -> None:
    """Raise H2OValueError for a verbosity or a format that h2o-py does not know."""
    for name, value, known in (("verbosity", verbosity, VERBOSITY), ("fmt", fmt, FORMATS)):
        if value not in known:
            raise H2OValueError(f"{name} must be one of {', '.join(map(str, known))}; got {value!r}.")


def display(text: str, fmt: str | None) -> None:
    """Print a text; HTML in a notebook becomes part of the page."""
    if fmt == "html" and in_notebook():
        from IPython import display as notebook  # there is one, or this were no notebook

        notebook.display(notebook.HTML(text))
    else:
        print(text)
