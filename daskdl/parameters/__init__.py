"""The parameters of Deep Learning: declared once, checked against the data, resolved to what is done."""

from daskdl.parameters.declared import (
    SECTIONS,
    Facts,
    FieldError,
    Parameters,
    Resolved,
    check,
    continue_from,
    declarations,
    describe,
    markdown,
    resolve,
    restart_errors,
    signature,
    survey,
)

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
    "resolve",
    "restart_errors",
    "signature",
    "survey",
]
