"""What a target is: its name, the operations of formulas that it has words for, and how it writes a program."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from daskdl.export.formula import Untraceable
from daskdl.export.program import Program
from frames.export.landing import Landing

LONGEST_NAME = 200  # characters of a name made of a model's: file systems take 255 bytes


class Target(ABC):
    """A language or format that programs are written in.

    `options` names what `export` takes besides the path, with one line of help for each.
    """

    name: ClassVar[str]  # as the user chooses it
    sentence: ClassVar[str]  # what it is good for
    ending: ClassVar[str]  # of the files it writes
    operations: ClassVar[Mapping[str, Any]]  # its word for each operation of a formula
    options: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def files(self, program: Program, path: str, **options: Any) -> dict[str, bytes]:
        """Return what is to be written, by path, the file that users name first.

        `path` is that file, or the folder it is to lie in. Raises Untraceable where a formula has an operation
        without a word.
        """

    def write(self, program: Program, path: str, force: bool = False, **options: Any) -> str:
        """Write a program and return where; each file appears whole or not at all.

        Raises FileExists for a file that is there, without `force`; FileMissing where there is no folder.
        """
        made = self.files(program, path, **options)
        landings = [(Landing(one, force), content) for one, content in made.items()]  # all are checked before any work
        for landing, content in reversed(landings):  # what the first file needs is there before it
            with landing, landing.file() as file:
                file.write(content)
        return next(iter(made))

    def place(self, program: Program, path: str) -> str:
        """Return the file that a path means: a folder gets one named after the model."""
        if os.path.isdir(path) or path.endswith(("/", os.sep)) or not path:
            return os.path.join(path or os.getcwd(), identifier(program.name) + self.ending)
        return path

    def check(self, program: Program) -> None:
        """Raise Untraceable for a formula with an operation that this target has no word for."""
        unknown = {one for formula in program.formulas for one in formula.operations} - set(self.operations)
        if unknown:
            raise Untraceable(
                f"A formula of a model that is exported to {self.name} must be made of {', '.join(self.operations)}; "
                f"one of this model has {', '.join(sorted(unknown))}. Export it to another target, or write the "
                "formula with other functions."
            )


def identifier(text: str) -> str:
    """Return a name for a class or module: what is no letter, digit or underscore becomes one, as in H2O.

    >>> identifier("model 1/2"), identifier("2nd"), identifier("")
    ('model_1_2', '_2nd', '_')
    """
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)[:LONGEST_NAME]
    return name if re.match("[A-Za-z_]", name) else f"_{name}"
