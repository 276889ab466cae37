"""Frames: the list, the import, one frame with its columns, and what can be done to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daskdl.door import keys
from daskdl.web import kept
from daskdl.web.base import Page, Refusal
from daskdl.web.histogram import PER_PAGE, column_views
from daskdl.web.jobs import Job, heard
from daskdl.web.pages.overview import frame_rows
from daskdl.web.script import Key, Step, call, script
from daskdl.web.site import link
from frames.frame import H2OFrame
from frames.functions import import_file

ROWS = 20  # of the preview
HEADERS = {"0": "guess", "1": "first row names the columns", "-1": "first row is data"}
CONVERSIONS = {"enum": "asfactor", "numeric": "asnumeric", "string": "ascharacter"}


class Frames(Page):
    """The list of frames, and the form that imports one."""

    def get(self) -> None:
        """Show them."""
        self.show_list({}, {})

    def show_list(self, given: dict[str, str], errors: dict[str, str], code: str = "") -> None:
        """Show the list; the form with what was typed, and what is wrong with it."""
        values = {"path": "", "key": "", "header": "0", "sep": "", **given}
        self.show("frames", "Frames", rows=frame_rows(), headers=HEADERS, values=values, errors=errors, code=code)


class Import(Frames):
    """The import of a file, folder, pattern or address."""

    def get(self) -> None:
        """Show the form, filled where the address says with what."""
        self.show_list({name: self.argument(name) for name in ("path", "key") if self.argument(name)}, {})

    async def post(self) -> None:
        """Begin the import, or show the form again with what is wrong with it, or as Python."""
        given = {name: self.argument(name) for name in ("path", "key", "header", "sep")}
        errors = self._errors(given)
        options = _options(given)
        key = Key(given["key"] or "frame")
        if errors:
            self.set_status(422)
            self.show_list(given, errors)
        elif self.argument("as") == "python":
            self.show_list(given, {}, script([_import_step(key, options)], self.site.scheduler))
        else:
            await self.begin(f"Import {given['path']}", lambda job: self._import(job, options))

    def _errors(self, given: dict[str, str]) -> dict[str, str]:
        errors = {}
        if not given["path"].strip():
            errors["path"] = "The path must name a file, folder, pattern or address; got nothing."
        if len(given["sep"]) > 1 and given["sep"] != "\\t":
            errors["sep"] = f"The separator must be one character, or \\t; got {given['sep']!r}."
        if given["header"] not in HEADERS:
            errors["header"] = f"The header must be one of {', '.join(HEADERS)}; got {given['header']}."
        if given["key"] and kept.is_taken(given["key"]):
            errors["key"] = f"The name must be new; '{given['key']}' is taken."
        return errors

    def _import(self, job: Job, options: dict[str, Any]) -> str:
        def progress(done: int, total: int) -> None:
            job.report(done / max(1, total))

        with heard(job):
            frame = import_file(**options, progress=progress)
        assert isinstance(frame, H2OFrame)  # parse=False is not asked for
        key = Key(str(frame.frame_id))
        self.site.history.add(_import_step(key, {**options, "destination_frame": key.name}))
        return link("/frame", key=key.name)


def _options(given: dict[str, str]) -> dict[str, Any]:
    options: dict[str, Any] = {"path": given["path"].strip()}
    if given["key"]:
        options["destination_frame"] = given["key"]
    if given["header"] != "0":
        options["header"] = int(given["header"]) if given["header"] in HEADERS else 0
    if given["sep"]:
        options["sep"] = given["sep"].replace("\\t", "\t")
    return options


def _import_step(key: Key, options: dict[str, Any]) -> Step:
    named = {name: value for name, value in options.items() if name != "path"}
    return Step((key, " = ", *call("h2o.import_file", options["path"], **named)), makes=(key,))


class Frame(Page):
    """One frame: its columns in numbers and bars, its first rows, and what can be done with it."""

    async def get(self) -> None:
        """Show it."""
        key = self.argument("key")
        frame = kept.frame_of(key)
        first = _first(self.argument("from", "0"), frame.ncol)
        names = frame.names[first : first + PER_PAGE]
        columns, rows = await self.work(_content, frame, names)
        steps = self.site.frame_steps(key)
        self.show(
            "frame",
            f"Frame {key}",
            key=key,
            frame=frame,
            columns=columns,
            rows=rows,
            names=names,
            first=first,
            per_page=PER_PAGE,
            conversions=CONVERSIONS,
            models=sorted(kept.models()),
            judged=self.site.judged.get(key),
            code=script(steps, self.site.scheduler, last=None) if steps else "",
        )


def _first(text: str, columns: int) -> int:
    at = int(text) if text.isdecimal() else 0
    return min(at, max(0, columns - 1)) // PER_PAGE * PER_PAGE


def _content(frame: H2OFrame, names: list[str]) -> tuple[list, list]:
    if not names:
        return [], []
    shown = frame[: min(ROWS, frame.nrow), names] if frame.nrow else frame[names]
    return column_views(frame, names), shown.as_data_frame(use_pandas=False, header=False)


class Convert(Page):
    """Another type for a column: classification wants categories."""

    async def post(self) -> None:
        """Begin it."""
        key, column, to = (self.argument(name) for name in ("key", "column", "to"))
        frame = kept.frame_of(key)
        if column not in frame.names:
            raise Refusal(f"The column must be one of the frame '{key}'; there is no '{column}'.")
        if to not in CONVERSIONS:
            raise Refusal(f"The type must be one of {', '.join(CONVERSIONS)}; got '{to}'.")
        await self.begin(f"Make {column} of {key} {to}", lambda job: self._convert(job, frame, column, to))

    def _convert(self, job: Job, frame: H2OFrame, column: str, to: str) -> str:
        with heard(job):
            frame[column] = getattr(frame[column], CONVERSIONS[to])()
            frame.types  # noqa: B018  reading them waits until they are known
        key = Key(str(frame.frame_id))
        place = f"[{column!r}]"
        pieces = (key, place, " = ", key, place, f".{CONVERSIONS[to]}()")
        self.site.history.add(Step(pieces, makes=(key,), needs=(key,)))
        return link("/frame", key=key.name)


class Split(Page):
    """A frame cut into two by chance: rows to learn from, rows to judge by."""

    async def post(self) -> None:
        """Begin it."""
        key = self.argument("key")
        frame = kept.frame_of(key)
        ratio, seed = _ratio(self.argument("ratio")), _seed(self.argument("seed"))
        names = [f"{key.removesuffix('.hex')}_{part}.hex" for part in ("train", "test")]
        taken = [name for name in names if kept.is_taken(name)]
        if taken:
            raise Refusal(f"The parts of a split must be new frames; '{taken[0]}' is there already. Remove it first.")
        if self.argument("as") == "python":
            code = script([*self.site.frame_steps(key), _split_step(key, names, ratio, seed)], self.site.scheduler)
            self.show("python", f"Split {key}", code=code)
            return
        await self.begin(f"Split {key}", lambda job: self._split(job, frame, names, ratio, seed))

    def _split(self, job: Job, frame: H2OFrame, names: list[str], ratio: float, seed: int) -> str:
        key = str(frame.frame_id)
        with heard(job):
            frame.split_frame([ratio], destination_frames=names, seed=seed)
        self.site.history.add(_split_step(key, names, ratio, seed))
        return link("/frame", key=names[0])


def _split_step(key: str, names: list[str], ratio: float, seed: int) -> Step:
    made, source = tuple(Key(name) for name in names), Key(key)
    code = call(".split_frame", [ratio], destination_frames=names, seed=seed)
    return Step((made[0], ", ", made[1], " = ", source, *code), makes=made, needs=(source,))


def _ratio(text: str) -> float:
    try:
        ratio = float(text)
    except ValueError:
        raise Refusal(f"The share must be a number between 0 and 1; got '{text}'.") from None
    if not 0 < ratio < 1:
        raise Refusal(f"The share must lie between 0 and 1; got {ratio:g}.")
    return ratio


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Refusal(f"The seed must be a whole number; got '{text}'.") from None


KINDS: dict[str, tuple[Callable[[str], Any], str]] = {
    "frame": (kept.frame_of, "/frames"),
    "model": (kept.model_of, "/models"),
    "grid": (kept.grid_of, "/grids"),
}


class Remove(Page):
    """A frame, model or grid forgotten."""

    async def post(self) -> None:
        """Forget it and show the list of what is left."""
        kind, key = self.argument("kind"), self.argument("key")
        if kind not in KINDS:
            raise Refusal(f"What is removed must be one of {', '.join(KINDS)}; got '{kind}'.")
        find, back = KINDS[kind]
        find(key)
        await self.work(keys.remove, key)
        self.site.judged.pop(key, None)
        self.redirect(back, status=303)


ROUTES = {
    "/frames": Frames,
    "/frames/import": Import,
    "/frame": Frame,
    "/frame/convert": Convert,
    "/frame/split": Split,
    "/remove": Remove,
}
