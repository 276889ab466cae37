"""A model applied to a frame: the start, and the same as Python."""

from __future__ import annotations

from daskdl.web import kept
from daskdl.web.base import Page
from daskdl.web.judging import predict, prediction_step
from daskdl.web.script import script


class Predict(Page):
    """The prediction of all rows of a frame."""

    async def post(self) -> None:
        """Begin it, or show it as Python."""
        model, frame = kept.model_of(self.argument("model")), kept.frame_of(self.argument("frame"))
        if self.argument("as") != "python":
            await self.begin(f"Predict {frame.frame_id}", lambda job: predict(self.site, job, model, frame))
            return
        errors = model.category == "AutoEncoder"
        step = prediction_step(model.key, str(frame.frame_id), f"prediction_{model.key}", errors)
        behind = self.site.history.behind(step.needs)
        code = script([*behind, step], self.site.scheduler, last=None)
        self.show("python", f"Predict {frame.frame_id}", code=code)


ROUTES = {"/predict": Predict}
