"""The first page: what there is, what runs, and where to begin."""

from __future__ import annotations

from typing import Any

from daskdl.door import cloud
from daskdl.door.keys import DATA
from daskdl.web import kept
from daskdl.web.base import Page


class Overview(Page):
    """Frames, models, grids, the newest jobs, the cluster."""

    async def get(self) -> None:
        """Show them."""
        cells = await self.work(lambda: cloud.cluster().status_table().cell_values)
        self.show(
            "overview",
            "Overview",
            frames=frame_rows(),
            models=model_rows(),
            grids=sorted(kept.grids()),
            jobs=self.site.jobs.all()[:5],
            cluster=cells,
            packaged=sorted(str(path) for path in DATA.glob("*.csv")),
        )


def frame_rows() -> list[dict[str, Any]]:
    """Return one row per frame."""
    return [{"key": key, "rows": one.nrow, "columns": one.ncol} for key, one in kept.frames().items()]


def model_rows() -> list[dict[str, Any]]:
    """Return one row per model, the newest first."""
    rows = []
    for key, model in kept.models().items():
        metric, value = kept.headline(model)
        row = {"key": key, "category": model.category, "response": model.response or "", "metric": metric}
        rows.append({**row, "value": value, "ended": model.end_time / 1000})
    return sorted(rows, key=lambda row: -row["ended"])


ROUTES = {"/": Overview}
