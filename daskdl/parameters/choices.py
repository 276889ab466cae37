"""Choices that parameters name: which spec they mean, and how the numbers that specs declare become parameters."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from daskdl.kernels.activations import ACTIVATIONS, Activation
from daskdl.kernels.distributions import Distribution
from daskdl.kernels.spec import Spec

T = TypeVar("T")
# What `activation` may name: which activation that is, and whether its units are dropped.
HIDDEN_UNITS: dict[str, tuple[type[Activation], bool]] = {
    name + suffix: (kind, dropped)
    for name, kind in ACTIVATIONS.items()
    for suffix, dropped in (("", False), ("WithDropout", True))
}


def with_declared(**families: Mapping[str, type[Spec]]) -> Callable[[type[T]], type[T]]:
    """Return a decorator that gives a class the fields that specs declare: a family's after the field it is named by.

    Raises TypeError where two declarations of one parameter differ.
    """

    def extended(cls: type[T]) -> type[T]:
        annotations: dict[str, Any] = {}
        for name, annotation in cls.__annotations__.items():
            annotations[name] = annotation
            for kind in families.get(name, {}).values():
                _declare(cls, annotations, kind)
        cls.__annotations__ = annotations
        return cls

    return extended


def _declare(cls: type, annotations: dict[str, Any], kind: type[Spec]) -> None:
    for field, one in kind.declared().items():
        default = kind.default(field)
        annotation = Annotated[type(default), one.allowed, one.sentence, one.restart]
        if annotations.setdefault(one.parameter, annotation) != annotation or one.parameter in cls.__annotations__:
            raise TypeError(f"{one.parameter} must be declared once; got another declaration in {kind.__module__}.")
        setattr(cls, one.parameter, default)


def suits(kind: type[Distribution] | Distribution, classes: int) -> bool:
    """Tell whether a distribution is one of so many classes."""
    return kind.classes is not None and kind.classes[0] <= classes <= kind.classes[1]
