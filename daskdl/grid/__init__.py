"""Grid search: one model per combination of hyper-parameters, ranked."""

from daskdl.grid.grid_search import H2OGridSearch

__all__ = ["H2OGridSearch"]
