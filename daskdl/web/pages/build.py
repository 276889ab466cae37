"""A model built: the form, its check while it is filled in, the same as Python, the start."""

from __future__ import annotations

from typing import Any

from daskdl.web import kept
from daskdl.web.base import Page
from daskdl.web.checking import Checked, checked, choices_of
from daskdl.web.form import Texts, given_texts, groups
from daskdl.web.script import Key, script
from daskdl.web.training import carry_out, new_name, show_step, training_step


class Build(Page):
    """The form of a model."""

    async def get(self) -> None:
        """Show it, filled with what the address says, or with the parameters of a model."""
        texts: dict[str, list[str]] = {n: v for n, v in self.entries().items() if n != "like"}
        if self.argument("like"):
            model = kept.model_of(self.argument("like"))
            texts = given_texts({n: v for n, v in model.parameters.given().items() if n != "model_id"}) | texts
        found = await self.work(checked, texts)
        self.show_form(texts, found, {})

    async def post(self) -> None:
        """Start training; or show the form again with what is wrong with it, as Python, or for another frame."""
        texts, wish = self.entries(), self.argument("as")
        found = await self.work(checked, texts)
        if self.argument("again"):
            self.show_form(texts, found, {})
        elif found.errors or found.request is None:
            self.set_status(422)
            self.show_form(texts, found, found.errors)
        elif wish == "python":
            self.show_form(texts, found, {}, self._python(found.values))
        else:
            key = str(found.values.get("model_id") or new_name())
            request, values = found.request, found.values
            await self.begin(f"Train {key}", lambda job: carry_out(self.site, job, request, values, key))

    def show_form(self, texts: Texts, found: Checked, errors: dict[str, str], code: str = "") -> None:
        """Show the form with what was typed and what is wrong with it."""
        parts = groups(texts, errors, found.off, choices_of(texts))
        notes = [] if errors else found.notes
        self.show("build", "Build a model", groups=parts, errors=errors, code=code, notes=notes)

    def _python(self, values: dict[str, Any]) -> str:
        step = training_step(values, str(values.get("model_id") or "model"))
        behind = self.site.history.behind(step.needs)
        return script([*behind, step, show_step(Key(step.makes[0].name, "model"))], self.site.scheduler)


class Check(Page):
    """What the page of the form asks for after a change."""

    async def post(self) -> None:
        """Answer in JSON: which parameters do nothing, and what is wrong with which."""
        found = await self.work(checked, self.entries())
        self.finish({"off": sorted(found.off), "errors": found.errors})


ROUTES = {"/build": Build, "/build/check": Check}
