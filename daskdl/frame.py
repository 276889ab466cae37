"""H2OFrame under the name that h2o-py's users import from `h2o.frame`."""

from frames.frame import H2OFrame

__all__ = ["H2OFrame"]
