"""The form of a model, made from the parameters' declarations: groups of fields, each with help, default and range.

Pure: what the page shows is a function of what was typed, what is wrong with it, and the names to choose from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from daskdl.declarations.kinds import Declaration, OneOf
from daskdl.declarations.reading import text_of, value_of
from daskdl.parameters import SECTIONS, declarations
from daskdl.web.applies import SILENT
from frames.exceptions import H2OTypeError, H2OValueError

ESSENTIALS = "Essentials"
FIRST = (
    *("training_frame", "response_column", "validation_frame", "ignored_columns", "autoencoder", "activation"),
    *("hidden", "epochs", "nfolds", "seed", "model_id"),
)
COLUMNS = ("response_column", "fold_column", "offset_column", "weights_column")
AGAIN = ("training_frame",)  # another one changes what other fields offer
LISTED_COLUMNS = 300  # up to which each column has a box to tick
Texts = Mapping[str, Sequence[str]]


class Choices(NamedTuple):
    """The names that fields offer: frames and models of the session, columns of the training frame with their types."""

    frames: Sequence[str] = ()
    models: Sequence[str] = ()
    columns: Mapping[str, str] = {}


class Field(NamedTuple):
    """One field: `control` is switch, choice, text, columns or lines; `texts` what it holds now."""

    name: str
    control: str
    texts: tuple[str, ...]
    default: str
    help: str
    allowed: str
    options: tuple[tuple[str, str], ...]
    off: bool
    error: str
    again: bool
    keyboard: str

    @property
    def text(self) -> str:
        """What a field of one value holds."""
        return self.texts[-1] if self.texts else ""


class Group(NamedTuple):
    """Fields under a heading; `open` where something in it differs from the default, or is wrong."""

    title: str
    fields: tuple[Field, ...]
    open: bool

    @property
    def off(self) -> bool:
        """Whether no field of it acts."""
        return all(one.off for one in self.fields)


def groups(texts: Texts, errors: Mapping[str, str], off: set[str], choices: Choices) -> list[Group]:
    """Return the form: the essentials, then the sections of docs/parameters.md."""
    sections: dict[str, list[Field]] = {ESSENTIALS: []}
    section = ""
    for name, declared in declarations().items():
        section = SECTIONS.get(name, section)
        if name in SILENT:
            continue
        made = _field(declared, tuple(texts.get(name, ())), errors.get(name, ""), name in off, choices)
        sections.setdefault(ESSENTIALS if name in FIRST else section, []).append(made)
    sections[ESSENTIALS].sort(key=lambda one: FIRST.index(one.name))
    return [
        Group(title, tuple(fields), title == ESSENTIALS or any(one.error or _changed(one) for one in fields))
        for title, fields in sections.items()
    ]


def entered(texts: Texts) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values of a form, and a sentence for each that is not of its type; what is left empty is not there."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, given in texts.items():
        declared = declarations().get(name)
        if declared is None or name in SILENT:
            continue
        try:
            value = _value(declared, given)
            if value is not None:
                values[name] = declared.convert(value)
        except (H2OTypeError, H2OValueError) as error:
            errors[name] = str(error)
    return values, errors


def _value(declared: Declaration, given: Sequence[str]) -> Any:
    if declared.name == "ignored_columns":
        lines = [line for text in given for line in text.splitlines() if line]
        return lines or None
    text = given[-1] if given else ""
    if declared.kind.word == "H2OFrame" or declared.kind.word == "H2OEstimator" or declared.name in COLUMNS:
        return text or None  # a name, as it is
    if not text.strip():
        return None
    value = value_of(declared, text)
    if declared.kind.word == "list(H2OFrame)":
        return [None if one == "-" else one for one in value]
    return value


def given_texts(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the texts that a form holds for these values of parameters."""
    return {
        name: list(map(str, value)) if name == "ignored_columns" else [text_of(value)]
        for name, value in values.items()
        if value is not None
    }


def _field(declared: Declaration, texts: tuple[str, ...], error: str, off: bool, choices: Choices) -> Field:
    control, options = _control(declared, choices)
    default = text_of(declared.default)
    return Field(
        name=declared.name,
        control=control,
        texts=texts or ((default,) if control in ("switch", "choice") and default else ()),
        default=default,
        help=declared.sentence,
        allowed=str(declared.constraint) if declared.constraint and not isinstance(declared.constraint, OneOf) else "",
        options=options,
        off=off,
        error=error,
        again=declared.name in AGAIN,
        keyboard={"integer": "numeric", "numeric": "decimal"}.get(declared.kind.word, "text"),
    )


def _control(declared: Declaration, choices: Choices) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return how a parameter is entered, and the options (value, words) to choose from."""
    nothing = (("", "none"),)
    word = declared.kind.word
    if word == "bool":
        return "switch", ()
    if isinstance(declared.constraint, OneOf):
        return "choice", tuple((name, name) for name in declared.constraint.names)
    if declared.name in COLUMNS:
        return "choice", (*nothing, *((name, f"{name} ({kind})") for name, kind in choices.columns.items()))
    if declared.name == "ignored_columns":
        control = "columns" if len(choices.columns) <= LISTED_COLUMNS else "lines"
        return control, tuple((name, f"{name} ({kind})") for name, kind in choices.columns.items())
    if word == "H2OFrame":
        return "choice", (*nothing, *((name, name) for name in choices.frames))
    if word == "H2OEstimator":
        return "choice", (*nothing, *((name, name) for name in choices.models))
    return "text", ()


def _changed(field: Field) -> bool:
    return bool(field.text) and field.text != field.default
