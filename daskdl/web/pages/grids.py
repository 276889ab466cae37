"""Grids: the list, the form that searches one, one grid with its ranking."""

from __future__ import annotations

from typing import Any

from daskdl.grid.space import STRATEGIES
from daskdl.metrics.registry import names
from daskdl.parameters import declarations, plain
from daskdl.web import kept
from daskdl.web.base import Page
from daskdl.web.charts import parallel
from daskdl.web.checking import Checked, checked, choices_of
from daskdl.web.form import Texts, groups
from daskdl.web.script import Key, script
from daskdl.web.searching import FIELDS, ROWS, Asked, asked, carry_out, gridable, on_axes, places
from daskdl.web.site import number
from daskdl.web.training import grid_step, new_name, show_step


class Grids(Page):
    """All grids."""

    def get(self) -> None:
        """Show them."""
        rows = [(key, len(grid), ", ".join(grid.hyper_names)) for key, grid in kept.grids().items()]
        self.show("grids", "Grids", rows=rows)


class Grid(Page):
    """One grid: its models in order, parallel coordinates, what failed."""

    async def get(self) -> None:
        """Show it."""
        key = self.argument("key")
        grid = kept.grid_of(key)
        models = [one.model for one in grid.models]
        sorting = names(models[0].category, use="sorting") if models else []
        by = self.argument("sort_by") if self.argument("sort_by") in sorting else None
        ordered = grid.get_grid(sort_by=by) if models else grid
        table = ordered.sorted_metric_table(use_pandas=False) if models else None
        steps = self.site.history.behind([Key(key, "grid")])
        self.show(
            "grid",
            f"Grid {key}",
            key=key,
            names=grid.hyper_names,
            metric=table.col_header[-1] if table else "",
            rows=[(row[-2], [*row[1:-2], row[-1]]) for row in table.cell_values] if table else [],
            sorting=sorting,
            by=by,
            chart_item=_parallel(ordered, table) if len(models) > 1 else None,
            failures=_failures(grid),
            code=script([*steps, show_step(Key(key, "grid"))], self.site.scheduler) if steps else "",
        )


def _parallel(grid: Any, table: Any) -> dict[str, Any]:
    axes = [*grid.hyper_names, table.col_header[-1]]
    models = [one.model for one in grid.models]
    found = [row[-1] for row in table.cell_values]
    texts = [
        [", ".join(map(number, one)) if isinstance(one, list) else number(one) for one in axis]
        for axis in on_axes(models, grid.hyper_names, found)
    ]
    return parallel(axes, places(models, grid.hyper_names, found), texts)


def _failures(grid: Any) -> list[tuple[str, str]]:
    pairs: Any = zip(grid.failed_params or (), grid.failure_details or (), strict=True)
    return [(", ".join(f"{name}={value}" for name, value in values.items()), said) for values, said in pairs]


def _is_set(name: str, values: dict[str, Any]) -> bool:
    return name in values and plain(values[name]) != plain(declarations()[name].default)


class GridBuild(Page):
    """The form of a search: what all models share, and what is tried."""

    async def get(self) -> None:
        """Show it."""
        texts = self.entries()
        self.show_form(texts, await self.work(checked, texts), {})

    async def post(self) -> None:
        """Begin the search; or show the form again with what is wrong with it, as Python, or for another frame."""
        texts = self.entries()
        shared = {name: given for name, given in texts.items() if name not in FIELDS}
        found, wish = await self.work(checked, shared), asked(texts)
        twice = [name for name in wish.hyper if _is_set(name, found.values)]
        if twice:
            wish.errors["hyper"] = f"{twice[0]} is set for all models and searched at once. Empty its field."
        errors = found.errors | wish.errors
        key = (texts.get("grid_id") or [""])[-1]
        if self.argument("again"):
            self.show_form(texts, found, {})
        elif errors:
            self.set_status(422)
            self.show_form(texts, found, errors)
        elif self.argument("as") == "python":
            self.show_form(texts, found, {}, self._python(found.values, key or "grid", wish))
        else:
            name, values = key or new_name("grid"), found.values
            await self.begin(f"Search {name}", lambda job: carry_out(self.site.history, job, values, name, wish))

    def show_form(self, texts: Texts, found: Checked, errors: dict[str, str], code: str = "") -> None:
        """Show the form with what was typed and what is wrong with it."""
        searched = list(zip(texts.get("hyper_name", ()), texts.get("hyper_values", ()), strict=False))
        searched += [("", "")] * max(1, ROWS - len(searched))
        self.show(
            "grid_build",
            "Search a grid",
            groups=groups(texts, errors, found.off | {"model_id"}, choices_of(texts)),
            errors=errors,
            code=code,
            searched=searched,
            gridable=gridable(),
            strategies=STRATEGIES,
            given={name: (texts.get(name) or [""])[-1] for name in FIELDS},
        )

    def _python(self, values: dict[str, Any], key: str, wish: Asked) -> str:
        step = grid_step(values, key, wish.hyper, wish.search)
        return script([*self.site.history.behind(step.needs), step, show_step(step.makes[0])], self.site.scheduler)


ROUTES = {"/grids": Grids, "/grid": Grid, "/grid/build": GridBuild}
