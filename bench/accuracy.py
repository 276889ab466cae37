"""The small tables and the digits through daskdl, beside what real H2O reached on them: same rows, calls and seeds.

    DASKDL_DATA=... python bench/accuracy.py [--epochs 1] [--page docs/accuracy.md]

H2O's side is read from bench/results/h2o.json; `bench/h2o_reference.py` makes it.
"""

import argparse
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

| Table | Epochs | Metric | H2O 3.46 | daskdl | |
|---|---|---|---|---|---|
"""


def main() -> None:
    """Measure our side, print the table, write it to a page where asked."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--epochs", type=float, default=1.0, help="passes over the digits (default 1)")
    arguments.add_argument("--page", type=Path, help="write the table to this page as well")
    given = arguments.parse_args()
    h2o.init(verbose=False)
    h2o.no_progress()
    theirs = json.loads(H2O.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        ours = [cases.measure(h2o, H2ODeepLearningEstimator, case, Path(folder)) for case in cases.CASES]
    lines = [line(case, a, b) for case, a, b in zip(cases.CASES, theirs["tables"], ours, strict=True)]
    if theirs["digits"]["epochs"] == given.epochs:
        digits = cases.Case("digits", "", mnist.RESPONSE, True, (), given.epochs, "error")
        mine = cases.measure_digits(h2o, H2ODeepLearningEstimator, given.epochs)
        lines.append(line(digits, theirs["digits"], mine))
    notes = machine.notes("daskdl", "numba")
    foot = f"\nMeasured on {notes['processor']}, {notes['cores']} cores, {notes['date']}.\n"
    print("\n".join(lines))
    if given.page:
        given.page.write_text(HEAD + "\n".join(lines) + "\n" + foot, encoding="utf-8")


def line(case: cases.Case, theirs: dict, ours: dict) -> str:
    """One row: both means with their deviations, and whether ours is no worse within one deviation of theirs."""
    assert case.name == theirs["case"] == ours["case"]
    lead = (ours["mean"] - theirs["mean"]) * (1 if case.larger_is_better else -1)
    verdict = "better" if lead > theirs["sd"] else "equal within one deviation" if lead >= -theirs["sd"] else "worse"
    cells = (f"{side['mean']:.4g} ± {side['sd']:.2g}" for side in (theirs, ours))
    return f"| {case.name} | {case.epochs:g} | {case.metric} | {' | '.join(cells)} | {verdict} |"


if __name__ == "__main__":
    main()
