"""What a choice is: one value that owns its name, its numbers, its formulas and every fact about itself.

A family of choices is a folder (`activations/`, ...). Each file there holds a subclass of the family's base class, and
`specs_in` finds it; everybody else holds such values and asks them, so a new choice is a new file and nothing more.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from operator import itemgetter
from types import ModuleType
from typing import Any, ClassVar, NamedTuple, Self, TypeVar, dataclass_transform, get_type_hints

import numpy as np

from daskdl.declarations.kinds import OnRestart, Range

LAST = 1000  # the `place` of a choice that H2O does not have: after H2O's own, by name


class Declared(NamedTuple):
    """A parameter of Deep Learning that belongs to a choice: its name, allowed numbers, sentence, restart rule.

    Its default is that of the field. Without `always` it is judged only where the choice is made.
    """

    parameter: str
    allowed: Range
    sentence: str
    restart: OnRestart = OnRestart.FIXED
    always: bool = False


@dataclass_transform(frozen_default=True)
class Spec(tuple):
    """A tuple with named numbers, facts and formulas, frozen; kernels are compiled for its class.

    An annotated name of a subclass is a field, in the order of declaration, with or without a default; one that the
    user sets says so: `leak: Annotated[float, Declared("leak", Range(0, 1), "Slope below zero.")] = 0.01`. Facts about
    the class are plain assignments. Formulas are methods that take and give numbers; `jit.operation` makes them
    callable in kernels. Unlike a NamedTuple a spec inherits, is never falsy, and equals only its own kind:
    `Tanh() != Maxout()`.

    >>> class Leaky(Spec):
    ...     name = "Leaky"
    ...     leak: float = 0.01
    >>> Leaky(leak=0.5).leak, Leaky(), Leaky() == Leaky(0.02)
    (0.5, Leaky(leak=0.01), False)
    """

    name: ClassVar[str]  # as the user chooses it and as it is shown; a class without one is no choice
    place: ClassVar[int] = LAST  # where it stands in lists of choices
    rarity: ClassVar[int] = 2  # 0 the usual choice, 1 a common one, 2 a rare one: what is compiled ahead of time

    _fields: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        own = [name for name, kind in inspect.get_annotations(cls).items() if "ClassVar" not in str(kind)]
        taken = sorted({"count", "index"}.intersection(own))
        if taken:
            raise TypeError(f"A field of {cls.__name__} must not hide a method of tuples; got {', '.join(taken)}.")
        cls._defaults = cls._defaults | {name: vars(cls)[name] for name in own if name in vars(cls)}
        cls._fields = tuple(dict.fromkeys([*cls._fields, *own]))
        for position, name in enumerate(cls._fields):
            setattr(cls, name, property(itemgetter(position)))

    def __new__(cls, *values: Any, **named: Any) -> Self:
        given = dict(zip(cls._fields, values, strict=False)) | named
        every = cls._defaults | given
        if len(values) > len(cls._fields) or set(every) != set(cls._fields):
            raise TypeError(f"{cls.__name__} takes {', '.join(cls._fields) or 'no numbers'}; got {values} {named}.")
        return super().__new__(cls, [every[name] for name in cls._fields])

    @classmethod
    @functools.cache
    def declared(cls) -> dict[str, Declared]:
        """Return the parameters that fields are read from, by field."""
        hints = get_type_hints(cls, include_extras=True)
        marks = {name: getattr(hints[name], "__metadata__", ()) for name in cls._fields}
        return {name: one for name, found in marks.items() for one in found if isinstance(one, Declared)}

    @classmethod
    def default(cls, field: str) -> Any:
        """Return the value that a field has where none is given."""
        return cls._defaults[field]

    @classmethod
    def of(cls, parameters: Any) -> Self:
        """Return the choice with the numbers that the user gave."""
        return cls(**{name: getattr(parameters, one.parameter) for name, one in cls.declared().items()})

    @property
    def compiled(self) -> Spec:
        """This choice as kernels take it: numbers in single precision, so that one kernel serves them all."""
        return type(self)(*(np.float32(value) if isinstance(value, float) else value for value in self))

    def __getnewargs__(self) -> tuple:
        return tuple(self)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and tuple.__eq__(self, other)  # type: ignore[arg-type]

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((type(self), *self))

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._asdict().items())})"

    def _asdict(self) -> dict[str, Any]:
        """Return the fields by name; Numba takes a tuple that has this for a named one."""
        return dict(zip(self._fields, self, strict=True))


S = TypeVar("S", bound=Spec)


def specs_in(package: ModuleType, base: type[S]) -> dict[str, type[S]]:
    """Import every module of a package; return the specs of a family found there by name, in the order of lists.

    Raises TypeError for two choices of one name.
    """
    found: dict[str, type[S]] = {}
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if not (inspect.isclass(value) and issubclass(value, base) and value.__module__ == module.name):
                continue
            if "name" not in vars(value):
                continue
            other = found.setdefault(value.name, value)
            if other is not value:
                raise TypeError(f"{value.name} must name one choice; got {other.__module__} and {module.name}.")
    return {name: found[name] for name in sorted(found, key=lambda name: (found[name].place, name))}
