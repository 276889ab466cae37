"""Reading a frame that differs from the training frame: what is mended with a warning, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from daskdl.encoding.adaptation import adapt, kinds, level_map
from daskdl.encoding.encoder import Encoder, Moments, Response, Scaling, Statistics, fit
from frames.chunks.column import Column
from frames.chunks.schema import Schema
from frames.exceptions import H2OJobError

COLOUR = Column("colour", "enum", ("blue", "green", "red"))
ANSWER = Column("y", "enum", ("no", "yes"))
X = Column("x", "real")


def encoder(*columns: Column, response: Response | None = None, **options) -> Encoder:
    columns = columns or (COLOUR, X)
    statistics = Statistics(
        {c.name: Moments(0.0, 1.0, -1.0, 1.0) for c in columns if c.type != "enum"},
        {c.name: np.ones(len(c.domain)) for c in columns if c.domain is not None},
        {c.name: 0 for c in columns},
        {},
    )
    return fit(columns, statistics, response, scaling=Scaling(), **options)


def schema(*columns: Column) -> Schema:
    return Schema(columns)


def test_the_training_frame_itself_needs_no_warning():
    found = adapt(encoder(), schema(X, COLOUR, Column("more", "string")))
    assert found.warnings == ()
    assert {name: source.kind for name, source in found.sources.items()} == {"colour": "codes", "x": "number"}
    assert found.sources["colour"].codes.tolist() == [0, 1, 2, 3]
    assert found.columns == ["colour", "x"]


def test_levels_in_another_order_find_their_training_codes_and_new_ones_the_missing_unit():
    other = Column("colour", "enum", ("red", "pink", "blue", "mauve"))
    found = adapt(encoder(), schema(other, X))
    assert found.sources["colour"].codes.tolist() == [2, 3, 0, 3, 3]
    assert found.warnings == (
        "Test/Validation dataset column 'colour' has levels not trained on: [pink, mauve]",
    )  # fmt: skip


def test_a_warning_names_twenty_new_levels_and_not_all():
    many = Column("colour", "enum", tuple(f"new{k}" for k in range(30)))
    (warning,) = adapt(encoder(), schema(many, X)).warnings
    assert "new19, ...]" in warning
    assert "new20" not in warning


def test_levels_map_by_text_with_a_place_for_missing_rows():
    assert level_map(("b", "z"), ("a", "b"), 9).tolist() == [1, 9, 9]
    assert level_map((), ("a",), 1).tolist() == [1]


def test_a_missing_column_is_all_missing_and_warned_about():
    found = adapt(encoder(), schema(COLOUR))
    assert found.sources["x"].kind == "absent"
    assert found.columns == ["colour"]
    assert found.warnings == ("Test/Validation dataset is missing column 'x': substituting in a column of NaN",)


def test_no_predictor_in_common_is_refused():
    with pytest.raises(H2OJobError, match="no columns in common"):
        adapt(encoder(), schema(Column("z", "real")))


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (Column("x", "enum", ("1", "2")), "has categorical column 'x' which is real-valued in the training data"),
        (Column("x", "string"), "has string column 'x' which is real-valued"),
        (Column("colour", "string"), "has non-categorical column 'colour' which is categorical"),
        (Column("colour", "int"), "has non-categorical column 'colour' which is categorical"),
    ],
)
def test_a_column_of_another_kind_that_nobody_has_made_anew_is_refused(column, sentence):
    with pytest.raises(H2OJobError, match=sentence):
        adapt(encoder(), schema(column, X if column.name == "colour" else COLOUR))


def test_an_offset_column_must_be_there():
    with pytest.raises(H2OJobError, match="missing offset column 'o'"):
        adapt(encoder(offset="o"), schema(COLOUR, X))
    assert adapt(encoder(offset="o"), schema(COLOUR, X, Column("o", "real"))).warnings == ()


def test_weights_may_be_absent_and_are_missed_only_where_something_is_measured():
    trained = encoder(weights="w", response=Response("y", ANSWER.domain))
    assert adapt(trained, schema(COLOUR, X)).warnings == ()
    (said,) = adapt(trained, schema(COLOUR, X, ANSWER), need_response=True).warnings
    assert said == "Test/Validation dataset is missing weights column 'w': each row is measured with weight 1"


def test_what_a_model_reads_has_the_kinds_of_training():
    trained = encoder(weights="w", offset="o", response=Response("y", ANSWER.domain))
    always = [("colour", COLOUR.domain), ("x", None), ("o", None)]
    assert kinds(trained) == always
    assert kinds(trained, need_response=True) == [*always, ("y", ANSWER.domain), ("w", None)]


def test_a_response_is_needed_only_where_it_is_asked_for():
    trained = encoder(response=Response("y", ANSWER.domain))
    assert adapt(trained, schema(COLOUR, X)).response.kind == "absent"
    with pytest.raises(H2OJobError, match="missing response column 'y'"):
        adapt(trained, schema(COLOUR, X), need_response=True)


def test_an_unknown_class_counts_as_no_class():
    trained = encoder(response=Response("y", ANSWER.domain))
    found = adapt(trained, schema(COLOUR, X, Column("y", "enum", ("yes", "maybe", "no"))), need_response=True)
    codes = found.response.codes.tolist()
    assert (codes[0], codes[2], codes[3]) == (1, 0, -1)
    assert not 0 <= codes[1] < 2


def test_an_autoencoder_asks_for_no_response():
    assert adapt(encoder(), schema(COLOUR, X), need_response=True).response.kind == "absent"
