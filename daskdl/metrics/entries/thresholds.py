"""What two classes have at the default threshold; the methods of these names ask at any threshold."""

from daskdl.metrics.metric import Derived, Metric


def _at_default(name: str, meaning: str, place: int) -> Metric:
    return Metric(
        name,
        f"{meaning} at the default threshold (two classes)",
        {"Binomial": Derived(lambda metrics: metrics.at_default(name))},
        larger_is_better=True,
        place=place,
        stopping=None,
        history={},
        label=None,
        raw=None,
        accessors=(),
    )


F1 = _at_default("f1", "F1, the harmonic mean of precision and recall,", 26)
F2 = _at_default("f2", "F2, which favours recall,", 27)
F0POINT5 = _at_default("f0point5", "F0.5, which favours precision,", 28)
PRECISION = _at_default("precision", "share of true ones among the rows predicted positive", 29)
RECALL = _at_default("recall", "share of the positive rows that is found", 30)
SPECIFICITY = _at_default("specificity", "share of the negative rows that is left alone", 31)
MCC = Metric(
    "mcc",
    "Matthews' correlation at the default threshold (two classes)",
    {"Binomial": Derived(lambda metrics: metrics.errors_at_default["mcc"])},
    larger_is_better=True,
    bounded=False,
    place=32,
    stopping=None,
    history={},
    label=None,
    raw=None,
    accessors=(),
)
