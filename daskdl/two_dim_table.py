"""H2OTwoDimTable under the name that h2o-py's users import from `h2o.two_dim_table`."""

from daskdl.metrics.table import H2OTwoDimTable

__all__ = ["H2OTwoDimTable"]
