"""Models: the list, one model with all that is known of it, several compared, and the files by which it leaves."""

from __future__ import annotations

from typing import Any

from daskdl.export.targets import WRITERS
from daskdl.parameters import declarations, plain
from daskdl.web import kept
from daskdl.web.base import Page, Refusal
from daskdl.web.charts import learning_curve, ranked_bars, unit_curves
from daskdl.web.model_views import drawings, sources, table_of, tables, values_of
from daskdl.web.pages.overview import model_rows
from daskdl.web.script import Key, script
from daskdl.web.training import show_step

MOST_BARS = 25


class Models(Page):
    """All models, to look at or to compare."""

    def get(self) -> None:
        """Show them."""
        self.show("models", "Models", rows=model_rows())


class Model(Page):
    """One model: metrics, curves, tables, importances, parameters, history, downloads."""

    async def get(self) -> None:
        """Show it."""
        key = self.argument("key")
        model = kept.model_of(key)
        judgements = await self.work(_judgements, model)
        importances = await self.work(model.importances)
        bars = None
        if importances:
            first = importances[:MOST_BARS]
            bars = ranked_bars([one[0] for one in first], [one[2] for one in first], "scaled importance")
        history, folds = model.history.as_dicts(), model.extras.get("cross_validation_metrics_summary")
        steps = self.site.history.behind([Key(key, "model")])
        self.show(
            "model",
            f"Model {key}",
            key=key,
            model=model,
            judgements=judgements,
            status=table_of(model.status_table()),
            curve=learning_curve([(key, history)]),
            history=history,
            importances=importances,
            bars=bars,
            given=[(name, plain(value)) for name, value in model.parameters.given().items()],
            actual=[(name, plain(getattr(model.resolved.actual, name))) for name in declarations()],
            summary=None if folds is None else table_of(folds),
            writers=list(WRITERS.values()),
            frames=sorted(kept.frames()),
            usual=str(plain(model.parameters.validation_frame or model.parameters.training_frame)),
            code=script([*steps, show_step(Key(key, "model"))], self.site.scheduler) if steps else "",
        )


def _judgements(model: Any) -> list[dict[str, Any]]:
    return [
        {"name": name, "facts": values_of(found), "tables": tables(found), "drawings": drawings(found)}
        for name, found in sources(model)
    ]


class Compare(Page):
    """Several models side by side: metrics, learning curves, ROC curves, parameters that differ."""

    async def get(self) -> None:
        """Show them."""
        keys = self.get_arguments("key", strip=False)
        if len(keys) < 2:
            raise Refusal("Two models or more must be picked to be compared. Tick them in the list of models.")
        models = {key: kept.model_of(key) for key in dict.fromkeys(keys)}
        roc = [curve for key, model in models.items() for curve in _roc(key, model)]
        self.show(
            "compare",
            "Compare models",
            keys=list(models),
            metrics=_side_by_side(models),
            parameters=_differences(models),
            curve=learning_curve([(key, model.history.as_dicts()) for key, model in models.items()]),
            roc=unit_curves(("false positive rate", "true positive rate"), roc, diagonal=True) if roc else None,
        )


def _roc(key: str, model: Any) -> list[tuple[str, list[float], list[float]]]:
    name, found = kept.judged_metrics(model)
    return [(f"{key}, {name}", *found.roc())] if found is not None and hasattr(found, "roc") else []


def _side_by_side(models: dict[str, Any]) -> list[list[Any]]:
    """Return a row per metric, with the value of each model by what it is judged by."""
    judged = {key: kept.judged_metrics(model) for key, model in models.items()}
    rows: dict[str, dict[str, Any]] = {"judged on": {key: name for key, (name, _) in judged.items()}}
    for key, (_, found) in judged.items():
        for label, value in [] if found is None else values_of(found):
            rows.setdefault(label, {})[key] = value
    return [[label, *(values.get(key) for key in models)] for label, values in rows.items()]


def _differences(models: dict[str, Any]) -> list[list[Any]]:
    rows = []
    for name in declarations():
        values = [plain(getattr(model.resolved.actual, name)) for model in models.values()]
        if name != "model_id" and any(value != values[0] for value in values):
            rows.append([name, *map(str, values)])
    return rows


ROUTES = {"/models": Models, "/model": Model, "/compare": Compare}
