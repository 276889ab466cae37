"""The speed table: every row beside its rivals in one run, with what the machine can do at all.

    make bench                                       all of it; with H2O some minutes
    python bench/run.py --rows import iris --scale 0.2 --json FILE --picture FILE

Every side of every row has its turn before any is measured again, so that a busy minute of the machine hits all alike;
medians count. Rivals that are not installed are named as absent. The digits are those of DASKDL_DATA, or made-up ones.
Other tables have commands of their own: bench/staleness.py (errors on threads and workers), bench/accuracy.py,
bench/import_csv.py, bench/scoring.py.
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import budget
import limits
import machine
import mnist
import ours
from h2o_peer import H2OPeer
from picture import Bar, svg

import daskdl as h2o

RESULTS = Path(__file__).resolve().parent / "results"


def main() -> None:
    """Measure, print the table, write JSON and picture beside it."""
    given = _arguments()
    h2o.init(verbose=False)
    h2o.no_progress()
    notes = machine.notes("daskdl", "numba", "numpy", "scikit-learn", "torch")
    cores = int(str(notes["cores"]))
    data = budget.Data.load(given.samples)
    with H2OPeer(cores, wanted=not given.without_h2o) as peer:
        rows = [row for row in budget.rows_of(data, peer, cores, given.scale) if _chosen(row, given.rows)]
        figures = measure(rows, given.repeat)
        absent = {} if peer.why is None else {"H2O": peer.why}
    for name in sorted({side for row in rows for side in row.sides} - {"H2O"}):
        if all(not figures[row.name].get(name) for row in rows if name in row.sides):
            absent[name] = "not installed"
    found = {
        "machine": notes,
        "real_digits": mnist.folder() is not None,
        "limits": limits.measure(),
        "weights": {"digits": ours.weights_of(data.rows)},
        "absent": absent,
        "rows": [_described(row, figures[row.name]) for row in rows],
    }
    print(text(found))
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if given.picture:
        given.picture.write_text(svg(*picture(found)), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", nargs="+", help="words: only rows whose name has one of them")
    arguments.add_argument("--samples", type=int, default=60_000, help="digits to train on (default all 60,000)")
    arguments.add_argument("--scale", type=float, default=1.0, help="samples trained per turn, as a factor")
    arguments.add_argument("--repeat", type=int, default=3, help="turns of each side; medians count (default 3)")
    arguments.add_argument("--without-h2o", action="store_true", help="leave H2O out, which is slow")
    arguments.add_argument("--json", type=Path, default=RESULTS / "bench.json", help="where the figures go")
    arguments.add_argument("--picture", type=Path, default=RESULTS / "bench.svg", help="where the picture goes")
    return arguments.parse_args()


def _chosen(row: budget.Row, words: list[str] | None) -> bool:
    return not words or any(word.lower() in row.name.lower() for word in words)


def measure(rows: list[budget.Row], repeat: int) -> dict[str, dict[str, list[float]]]:
    """Return all figures by row and side; a first turn that only warms up is not among them."""
    found: dict[str, dict[str, list[float]]] = {row.name: {} for row in rows}
    for turn in range(repeat + 1):
        for row in rows:
            for side, work in row.sides.items():
                if turn == 0 and not side.startswith(budget.OURS):
                    continue  # rivals warm up by themselves; H2O is slow
                figure = work()
                if turn and figure is not None:
                    found[row.name].setdefault(side, []).append(figure)
    return found


def _described(row: budget.Row, figures: dict[str, list[float]]) -> dict[str, Any]:
    medians = {side: statistics.median(values) for side, values in figures.items()}
    return {
        "name": row.name,
        "unit": row.unit,
        "beside": row.beside,
        "bound": row.bound,
        "least": row.least,
        "figures": figures,
        "medians": medians,
        "ratio": row.ratio(medians),
    }


def text(found: dict[str, Any]) -> str:
    """Lay the results out: the machine and its limits, then a line per row, then who is absent."""
    notes, can, weights = found["machine"], found["limits"], found["weights"]["digits"]
    versions = ", ".join(f"{name} {version}" for name, version in notes["versions"].items())
    lines = [
        f"{notes['processor']}, {notes['cores']} cores, load {notes['load_before']} before the run, {notes['date']}",
        f"Python {notes['python']}, {versions}; {'the real' if found['real_digits'] else 'made-up'} digits",
        "",
        f"One thread can do {can['sgemm_gflops']:g} GFLOP/s of float32 products and "
        f"{can['root_and_quotient_g_per_second']:g} billion roots of quotients a second; memory is copied at "
        f"{can['memory_gb_per_second']:g} GB/s. So a thread trains at most {limits.online_limit(can, weights):,.0f} "
        "digits/s one row at a time where every weight takes its step, and "
        f"{limits.batch_limit(can, weights):,.0f} in batches, by their products alone.",
        "",
        "| | daskdl | beside | ratio | must be | |",
        "|---|---|---|---|---|---|",
        *(_line(row) for row in found["rows"]),
    ]
    return "\n".join([*lines, "", *(f"{name} is absent: {why}." for name, why in found["absent"].items())])


def _line(row: dict[str, Any]) -> str:
    medians, unit = row["medians"], row["unit"]
    own = _number(medians.get(budget.OURS), unit)
    others = ", ".join(f"{side} {_number(value, '')}" for side, value in medians.items() if side != budget.OURS)
    ratio = "not measured" if row["ratio"] is None else f"{row['ratio']:.2f}"
    must = f"{row['bound']:g} x {row['beside']}" if row["beside"] else f"at most {row['bound']:g} {unit}"
    verdict = "" if row["ratio"] is None else "reached" if row["ratio"] >= row["least"] else "**missed**"
    return f"| {row['name']} | {own} | {others or '-'} | {ratio} | {must} | {verdict} |"


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return (f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}").strip()


def picture(found: dict[str, Any]) -> tuple[str, list[Bar]]:
    """Return what the picture shows: ratios and where they must end."""
    title = f"Times better than the rival or the bound: {found['machine']['processor']}, {found['machine']['date']}"
    return title, [Bar(row["name"], row["ratio"], row["least"]) for row in found["rows"]]


if __name__ == "__main__":
    main()
