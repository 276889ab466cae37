"""What two classes are asked for at a threshold of one's own: a method each, of measurements, models and grids."""

from typing import NamedTuple

from daskdl.metrics.curve import CRITERIA


class AtThreshold(NamedTuple):
    """A method that gives pairs [threshold, value] of one of `curve.CRITERIA`, or of 1 minus it where `complement`."""

    name: str
    criterion: str
    meaning: str
    complement: bool = False


_ALL = (
    AtThreshold("F1", "f1", "F1 score, 2 PR / (P + R)"),
    AtThreshold("F2", "f2", "F2 score, 5 PR / (4 P + R), which favours recall"),
    AtThreshold("F0point5", "f0point5", "F0.5 score, 1.25 PR / (0.25 P + R), which favours precision"),
    AtThreshold("accuracy", "accuracy", "accuracy, the share of rightly predicted rows"),
    AtThreshold("error", "accuracy", "share of wrong rows", complement=True),
    AtThreshold("precision", "precision", "precision, tp / (tp + fp)"),
    AtThreshold("recall", "recall", "recall, tp / (tp + fn)"),
    AtThreshold("sensitivity", "recall", "sensitivity (recall)"),
    AtThreshold("specificity", "specificity", "specificity, tn / (tn + fp)"),
    AtThreshold("tpr", "tpr", "true positive rate"),
    AtThreshold("tnr", "tnr", "true negative rate"),
    AtThreshold("fnr", "fnr", "false negative rate"),
    AtThreshold("fpr", "fpr", "false positive rate"),
    AtThreshold("fallout", "fpr", "fallout (false positive rate)"),
    AtThreshold("missrate", "fnr", "miss rate (false negative rate)"),
    AtThreshold("mcc", "absolute_mcc", "absolute value of Matthews' correlation"),
    AtThreshold("max_per_class_error", "min_per_class_accuracy", "larger of the class errors", complement=True),
    AtThreshold("mean_per_class_error", "mean_per_class_accuracy", "mean of the class errors", complement=True),
)
METHODS = {one.name: one for one in _ALL}
# words for a criterion besides its own
ALIASES = {name: one.criterion for name, one in METHODS.items() if not one.complement and name.lower() not in CRITERIA}
