"""Jobs: the list, one job as it goes on, and its early end."""

from __future__ import annotations

from typing import Any

from daskdl.web.base import Page, Refusal
from daskdl.web.charts import learning_curve
from daskdl.web.jobs import Job
from daskdl.web.site import link, number, seconds


class JobList(Page):
    """All jobs, newest first."""

    def get(self) -> None:
        """Show them."""
        self.show("jobs", "Jobs", jobs=self.site.jobs.all())


class OneJob(Page):
    """One job; the page follows it."""

    @property
    def job(self) -> Job:
        """The job that the address names."""
        text = self.argument("number")
        found = self.site.jobs.get(int(text)) if text.isdecimal() else None
        if found is None:
            raise Refusal(f"There is no job number {text}.", 404)
        return found

    def get(self) -> None:
        """Show it."""
        job = self.job
        rows = list(job.rows)  # more come while the page is written: chart and table show the same ones
        header = list(rows[0]) if rows else []
        chart = learning_curve([(job.title, rows)]) if rows else None
        self.show("job", job.title, job=job, rows=rows, header=header, chart_item=chart)


class JobState(OneJob):
    """What the page of a job asks for once a second."""

    def get(self) -> None:
        """Answer in JSON: numbers for the bar, and the rows of the scoring history from the one asked for."""
        job = self.job
        text = self.argument("from", "0")
        rows = job.rows[int(text) if text.isdecimal() else 0 :]
        self.set_header("Cache-Control", "no-store")
        self.finish(
            {
                "state": job.state,
                "share": job.done,
                "percent": f"{100 * job.done:.0f} %",
                "took": seconds(job.seconds),
                "note": job.note,
                "stop": job.stop is not None,
                "result": job.result,
                "rows": [[number(value) for value in row.values()] for row in rows],
                "values": [_plain(row) for row in rows],
            }
        )


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of a row as strict JSON has them."""
    return {name: value for name, value in row.items() if isinstance(value, int | float) and value == value}


class Cancel(OneJob):
    """The end of a job without a result."""

    def post(self) -> None:
        """Ask for it."""
        self.job.cancel()
        self.redirect(link("/job", number=self.job.number), status=303)


class Stop(OneJob):
    """The end of a training with the model so far."""

    async def post(self) -> None:
        """Ask for it; go to the model where it is there at once."""
        self.job.end_early()
        await self.arrive(self.job)


ROUTES = {"/jobs": JobList, "/job": OneJob, "/job/state": JobState, "/job/cancel": Cancel, "/job/stop": Stop}
