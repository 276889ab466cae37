"""Choices that parameters name: which spec they mean, and how the numbers that specs declare become parameters."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from daskdl.kernels.activations import ACTIVATIONS, Activation
from daskdl.kernels.distributions import DISTRIBUTIONS, Distribution
from daskdl.kernels.spec import Spec

if TYPE_CHECKING:
    from daskdl.parameters.declared import Parameters

DROPOUT = "WithDropout"  # what follows the name of an activation whose units are dropped
T = TypeVar("T")


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


def activation_of(parameters: "Parameters") -> Activation:
    """Return the activation that was asked for, with or without dropout."""
    return ACTIVATIONS[parameters.activation.removesuffix(DROPOUT)].of(parameters)


def drops_units(parameters: "Parameters") -> bool:
    """Tell whether hidden units are dropped."""
    return parameters.activation.endswith(DROPOUT)


def asked_distribution(parameters: "Parameters") -> Distribution | None:
    """Return the distribution that was asked for by its name; None for AUTO."""
    kind = DISTRIBUTIONS.get(parameters.distribution)
    return None if kind is None else kind.of(parameters)


def distribution_of(parameters: "Parameters", classes: int | None) -> Distribution:
    """Return the distribution to learn: of so many classes, or of numbers (None).

    AUTO takes the first that fits. For numbers the loss may choose it (Absolute is laplace, ...) where the distribution
    is AUTO or the one that AUTO means.
    """
    asked = asked_distribution(parameters)
    if classes is not None:
        fitting = (kind for kind in DISTRIBUTIONS.values() if suits(kind, classes))
        return asked or next(fitting).of(parameters)
    usual, *others = [kind for kind in DISTRIBUTIONS.values() if kind.classes is None]
    if asked is not None and not isinstance(asked, usual):
        return asked
    chosen = next((kind for kind in others if parameters.loss in kind.losses), usual)
    return chosen.of(parameters)


def suits(kind: type[Distribution] | Distribution, classes: int) -> bool:
    """Tell whether a distribution is one of so many classes."""
    return kind.classes is not None and kind.classes[0] <= classes <= kind.classes[1]
