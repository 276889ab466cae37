"""upload_custom_metric: a metric of the user's own, a class with map, reduce and metric."""

import inspect
from typing import Any

from frames.cluster import registry
from frames.exceptions import H2OTypeError, H2OValueError

METHODS = ("map", "reduce", "metric")


def upload_custom_metric(
    func: Any,
    func_file: str = "metrics.py",
    func_name: str | None = None,
    class_name: str | None = None,
    source_provider: Any = None,
) -> str:
    """Make a metric known and return the reference to give as custom_metric_func.

    `func` is a class, or its Python source together with `class_name`. Its methods: ``map(pred, act, w, o, model)``
    gives the state of one row (`pred`: label, then probabilities; or the value; `act`, weight, offset),
    ``reduce(l, r)`` joins two states, ``metric(l)`` turns the last one into the value. The class is sent to the
    workers, so it may only use what they can import.

    Example::

        class Mae:
            def map(self, pred, act, w, o, model): return [w * abs(act[0] - pred[0]), w]
            def reduce(self, l, r): return [l[0] + r[0], l[1] + r[1]]
            def metric(self, l): return l[0] / l[1]

        H2ODeepLearningEstimator(custom_metric_func=h2o.upload_custom_metric(Mae, func_name="mae"))
    """
    if source_provider is not None:
        raise H2OValueError("source_provider has no meaning here: the class itself is sent to the workers.")
    kind = _from_source(func, func_file, class_name) if isinstance(func, str) else func
    if not inspect.isclass(kind):
        raise H2OTypeError(f"A custom metric must be a class or its source; got {type(func).__name__}.")
    absent = [name for name in METHODS if not callable(getattr(kind, name, None))]
    if absent:
        raise H2OValueError(
            f"A custom metric must have the methods {', '.join(METHODS)}; {kind.__name__} lacks {', '.join(absent)}."
        )
    name = func_name or f"metrics_{kind.__name__}"
    reference = f"python:{name}={func_file.removesuffix('.py')}.{kind.__name__}"
    registry.register(reference, kind)
    return reference


def _from_source(source: str, file: str, class_name: str | None) -> Any:
    if class_name is None:
        raise H2OValueError("A custom metric given as source requires class_name.")
    names: dict[str, Any] = {"__name__": file.removesuffix(".py")}
    exec(compile(source, file, "exec"), names)  # the user's own code, given to be run
    if class_name not in names:
        raise H2OValueError(f"The source of a custom metric must define class_name; there is no {class_name} in it.")
    return names[class_name]
