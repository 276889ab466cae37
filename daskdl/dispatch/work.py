"""What a job does, as a value that can be sent to where it is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from daskdl.model.model import Model
from daskdl.parameters import Parameters
from daskdl.shell.halt import Halt
from frames.cluster import registry
from frames.frame import H2OFrame

Progress = Callable[[float, "dict[str, Any] | None"], "bool | None"]

BUILD = "deeplearning Model Build"


class Work(Protocol):
    """A piece of work that ends with a model."""

    @property
    def key(self) -> str:
        """The id of the model that it makes."""
        ...

    @property
    def description(self) -> str:
        """What it is called in a list of jobs."""
        ...

    @property
    def frames(self) -> Mapping[str, H2OFrame]:
        """The frames that it reads, by their ids."""
        ...

    def run(self, progress: Progress | None, halt: Halt) -> Model:
        """Do it in this thread; `halt` ends it early."""
        ...


@dataclass(frozen=True)
class TrainWork:
    """One call of train(), every name in it looked up.

    `named` holds what the parameters name and only the process that made them knows: a custom metric by its reference.

    For instance ``TrainWork("m", parameters, frame, ["x"], "y").run(None, Halt())`` is the model "m".
    """

    key: str
    parameters: Parameters
    frame: H2OFrame
    x: list[str] | None
    y: str | None
    validation: H2OFrame | None = None
    named: Mapping[str, Any] = field(default_factory=dict)

    description = BUILD

    @property
    def frames(self) -> dict[str, H2OFrame]:
        """The frames that it reads, by their ids."""
        return {str(one.frame_id): one for one in (self.frame, self.validation) if one is not None}

    def run(self, progress: Progress | None, halt: Halt) -> Model:
        """Train in this thread and return the model; raises what `daskdl.training.train.train` raises."""
        from daskdl.training.train import train  # here, so that importing the classes does not load the kernels

        def report(done: float, row: dict[str, Any] | None) -> bool:
            asked = progress is not None and progress(done, row)
            return bool(asked) or halt.reason is not None  # the folds of a cross-validation hear of it here only

        for name, thing in self.named.items():
            if registry.get(name) is None:
                registry.register(name, thing)
        return train(
            self.parameters,
            self.frame,
            self.x,
            self.y,
            validation_frame=self.validation,
            model_id=self.key,
            progress=report,
            started=halt.covers,
        )


def named_by(parameters: Parameters) -> dict[str, Any]:
    """Return what the parameters name and the registry of this process knows."""
    reference = parameters.custom_metric_func
    known = None if reference is None else registry.get(reference)
    return {} if reference is None or known is None else {reference: known}
