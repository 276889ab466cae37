"""What writes a model in another form: its name, its files, and for languages the words that formulas are made of."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from daskdl.export.formula import Untraceable
from daskdl.export.program import Program, program_of
from daskdl.model.model import Model
from frames.export.landing import Landing

LONGEST_NAME = 200  # characters of a name made of a model's: file systems take 255 bytes


class Writer(ABC):
    """A form in which a model leaves.

    `options` names what `export` takes besides the path, with one line of help for each.
    """

    name: ClassVar[str]  # as the user chooses it
    sentence: ClassVar[str]  # what it is good for
    ending: ClassVar[str]  # of the files it writes
    options: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def files_of(self, model: Model, path: str, **options: Any) -> dict[str, bytes]:
        """Return what is to be written of a model, by path, the file that users name first.

        `path` is that file, or the folder it is to lie in. Raises H2OValueError for a model that has no such form.
        """

    def write_model(self, model: Model, path: str, force: bool = False, **options: Any) -> str:
        """Write a model and return where; each file appears whole or not at all.

        Raises FileExists for a file that is there, without `force`; FileMissing where there is no folder.
        """
        return landed(self.files_of(model, path, **options), force)

    def place(self, name: str, path: str) -> str:
        """Return the file that a path means: a folder gets one named after the model."""
        if os.path.isdir(path) or path.endswith(("/", os.sep)) or not path:
            return os.path.join(path or os.getcwd(), identifier(name) + self.ending)
        return path


class Target(Writer):
    """A language or format that programs are written in."""

    operations: ClassVar[Mapping[str, Any]]  # its word for each operation of a formula

    @abstractmethod
    def files(self, program: Program, path: str, **options: Any) -> dict[str, bytes]:
        """Return what is to be written of a program, as `files_of` does.

        Raises Untraceable where a formula has an operation without a word.
        """

    def files_of(self, model: Model, path: str, **options: Any) -> dict[str, bytes]:
        """Return what is to be written of a model's program."""
        return self.files(program_of(model), path, **options)

    def write_model(self, model: Model, path: str, force: bool = False, **options: Any) -> str:
        """Write a model's program and return where."""
        return self.write(program_of(model), path, force, **options)

    def write(self, program: Program, path: str, force: bool = False, **options: Any) -> str:
        """Write a program as `write_model` writes a model."""
        return landed(self.files(program, path, **options), force)

    def check(self, program: Program) -> None:
        """Raise Untraceable for a formula with an operation that this target has no word for."""
        unknown = {one for formula in program.formulas for one in formula.operations} - set(self.operations)
        if unknown:
            raise Untraceable(
                f"A formula of a model that is exported to {self.name} must be made of {', '.join(self.operations)}; "
                f"one of this model has {', '.join(sorted(unknown))}. Export it to another target, or write the "
                "formula with other functions."
            )


def landed(made: Mapping[str, bytes], force: bool) -> str:
    """Write files whole or not at all, the first one last, and return that."""
    landings = [(Landing(one, force), content) for one, content in made.items()]  # all are checked before any work
    for landing, content in reversed(landings):  # what the first file needs is there before it
        with landing, landing.file() as file:
            file.write(content)
    return next(iter(made))


def identifier(text: str) -> str:
    """Return a name for a class or module: what is no letter, digit or underscore becomes one, as in H2O.

    >>> identifier("model 1/2"), identifier("2nd"), identifier("")
    ('model_1_2', '_2nd', '_')
    """
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)[:LONGEST_NAME]
    return name if re.match("[A-Za-z_]", name) else f"_{name}"
