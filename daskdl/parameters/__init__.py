"""The parameters of Deep Learning: declared once, checked against the data, resolved to what is done."""

from daskdl.parameters.declared import SECTIONS, Parameters, declarations, describe, markdown, plain, signature
from daskdl.parameters.facts import Facts, FieldError, survey
from daskdl.parameters.resolution import Resolved, resolve
from daskdl.parameters.restart_rules import continue_from, restart_errors
from daskdl.parameters.rules import check

__all__ = [
    "SECTIONS",
    "Facts",
    "FieldError",
    "Parameters",
    "Resolved",
    "check",
    "continue_from",
    "declarations",
    "describe",
    "markdown",
    "plain",
    "resolve",
    "restart_errors",
    "signature",
    "survey",
]
