"""Where a job stands: its weights, those it may go back to, and how the present ones were scored."""

from __future__ import annotations

from dataclasses import dataclass

from daskdl import metrics
from daskdl.network.state import State


@dataclass
class Standing:
    """What a job has reached.

    `state` is the average of the last finished round, `before` the one before that; `best` is kept to go back to, and
    `last` is where training left off once that was done; `training` and `validation` are the last metrics.

    >>> from daskdl.network.layout import Layout
    >>> layout = Layout(levels=0, numbers=2, hidden=(), outputs=1)
    >>> standing, other = Standing(layout.empty()), layout.empty()
    >>> standing.moved(other)
    >>> standing.state is other
    True
    """

    state: State
    best: State | None = None
    last: State | None = None
    before: State | None = None
    training: metrics.ModelMetrics | None = None
    validation: metrics.ModelMetrics | None = None
    validated: metrics.State | None = None  # what `validation` of the present `state` was finished from

    @property
    def nbytes(self) -> int:
        """Bytes of all weights that are kept."""
        return sum(one.nbytes for one in (self.state, self.best, self.last, self.before) if one is not None)

    def moved(self, state: State) -> None:
        """Take the average of one more round."""
        self.before, self.state, self.validated = self.state, state, None

    def keep_best(self) -> None:
        """Keep the present weights as the best so far."""
        self.best = self.state

    def restore_best(self) -> None:
        """Go back to the best weights."""
        assert self.best is not None  # the coordinator asked to keep it before
        self.last, self.state, self.validated = self.state, self.best, None

    def roll_back(self) -> None:
        """Forget the last average."""
        assert self.before is not None  # the broken average took the place of this one
        self.state, self.validated = self.before, None
