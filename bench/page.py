"""What the page of jobs costs a scheduler: the share of a core, with ten jobs that report as often as jobs do.

    python bench/page.py [--jobs 10] [--seconds 30] [--pages 1] [--score-every 5]

A scheduler runs in a process of its own, with the page preloaded. In one run its processor time is measured three
times: at rest, with the reports alone, and with open pages besides. With --young jobs are in their first minute, when
they report, and the page follows, every second; else both do so every two.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine

from daskdl.coordinator.report import INTERVAL, LATER, TOPIC, YOUNG

METRICS = ("rmse", "logloss", "r2", "classification_error", "auc", "pr_auc", "lift")
WORKERS, LAYERS, SCORED_BEFORE = 8, 4, 200  # workers and layers in a report; scorings that each job has at first


def main() -> None:
    """Start the scheduler, measure, print."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--jobs", type=int, default=10, help="jobs that report (default 10)")
    arguments.add_argument("--seconds", type=float, default=30.0, help="seconds of each measurement (default 30)")
    arguments.add_argument("--score-every", type=int, default=5, help="seconds between scorings (score_interval: 5)")
    arguments.add_argument("--pages", type=int, default=1, help="open pages (default 1)")
    arguments.add_argument("--young", action="store_true", help="jobs in their first minute")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(
            json.dumps(
                measure(
                    Path(folder), given.jobs, given.seconds, given.pages, every=given.score_every, young=given.young
                ),
                indent=2,
            )
        )


def measure(folder: Path, jobs: int, seconds: float, pages: int, every: int, young: bool) -> dict[str, object]:
    """Return the share of a core that the scheduler takes at rest, with reports, and with open pages."""
    import distributed
    from bokeh.client import pull_session

    file = folder / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--scheduler-file", str(file)]
    command += ["--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0"]
    command += ["--preload", "daskdl.page.preload"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            about = _about(file, process)
            with distributed.Client(about["address"]) as client:
                for number in range(jobs):
                    client.log_event(TOPIC, report(number, 1 if young else 1 + int(YOUNG), range(SCORED_BEFORE)))
                rest = _share(process.pid, seconds, lambda _: None)
                step = 1 if young else round(LATER / INTERVAL)
                turns = iter(range(2 if young else 2 + int(YOUNG), 1_000_000))

                def publish(_: int) -> None:
                    turn = next(turns)
                    for number in range(turn % step, jobs, step):
                        scored = [SCORED_BEFORE + turn] if (turn + number) % every == 0 else []
                        client.log_event(TOPIC, report(number, turn, scored))

                reports = _share(process.pid, seconds, publish)
                page = f"http://127.0.0.1:{about['services']['dashboard']}/daskdl"
                opened = [pull_session(url=page) for _ in range(pages)]
                shown = _share(process.pid, seconds, publish)
                for one in opened:
                    one.close()
        finally:
            process.terminate()
    return {
        "machine": machine.notes("dask", "distributed", "bokeh"),
        "jobs": jobs,
        "pages": pages,
        "young": young,
        "seconds_between_scorings": every,
        "core_share_at_rest": round(rest, 4),
        "core_share_of_reports": round(reports - rest, 4),
        "core_share_of_pages": round(shown - reports, 4),
    }


def report(job: int, number: int, scored) -> dict[str, object]:
    """Return a report as a job of seven metrics with a validation frame sends it."""
    rows = [
        {
            "number": n, "epochs": n / 10, "seconds": float(n), "samples": 1000 * n,
            "training": dict.fromkeys(METRICS, 1 / (n + 1 + job)),
            "validation": dict.fromkeys(METRICS, 1.1 / (n + 1 + job)),
        }
        for n in scored
    ]  # fmt: skip
    worker = {"threads": 4, "partitions": 8, "samples": 1000 * number, "seconds": 2.0 * number, "lost": 0, "rerun": 0}
    layer = {"units": 200, "kind": "Rectifier", "mean_weight": 0.01 / number, "weight_rms": 0.1}
    return {
        "job": f"job-{job}", "model": f"DeepLearning_model_python_{job}", "number": number, "time": time.time(),
        "phase": "training", "done": 1000 * number, "target": 10**7, "samples": 1000 * number, "rounds": number,
        "epochs": number / 10, "speed": 1e5 + number, "seconds": float(number), "left": 1e4 - number,
        "times": {"training": 5.0 * number, "averaging": 1.0, "scoring": 2.0, "waiting": 1.0}, "goal": "logloss",
        "rows": rows, "workers": {f"tcp://10.0.0.{w}:40000": worker for w in range(WORKERS)},
        "layers": [{"number": n + 1, **layer, "mean_bias": 0.0, "bias_rms": 0.2} for n in range(LAYERS)], "said": "",
    }  # fmt: skip


def _about(file: Path, process: subprocess.Popen) -> dict:
    deadline = time.monotonic() + 60
    while not file.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    return json.loads(file.read_text())


def _share(pid: int, seconds: float, each_second) -> float:
    """Return the processor seconds per second of a process, while `each_second` is called once a second."""
    import psutil

    process = psutil.Process(pid)
    before, began = sum(process.cpu_times()[:2]), time.perf_counter()
    turn = 0
    while time.perf_counter() - began < seconds:
        each_second(turn)
        turn += 1
        time.sleep(max(0.0, began + turn - time.perf_counter()))
    return (sum(process.cpu_times()[:2]) - before) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
