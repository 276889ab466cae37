"""Columns and schemas."""

import pytest

from frames.chunks.column import Column, column
from frames.chunks.schema import Schema
from frames.exceptions import H2OTypeError, H2OValueError

SCHEMA = Schema((Column("a", "int"), Column("b", "enum", ("x", "y")), Column("c", "string")))


def test_columns_are_found_by_name_and_position():
    assert SCHEMA.index("b") == SCHEMA.index(1) == SCHEMA.index(-2) == 1
    assert SCHEMA["b"].levels == 2
    assert SCHEMA.types == {"a": "int", "b": "enum", "c": "string"}
    assert SCHEMA.select(["c", 0]).names == ("c", "a")
    assert "a" in SCHEMA
    assert len(SCHEMA) == 3


def test_an_unknown_name_is_refused_with_its_neighbours():
    schema = Schema((Column("weight", "real"), Column("height", "real")))
    with pytest.raises(H2OValueError, match=r"Did you mean .weight."):
        schema.index("weigth")
    with pytest.raises(H2OValueError, match="got 2"):
        schema.index(2)
    with pytest.raises(H2OTypeError, match=r"got 1\.5"):
        schema.index(1.5)


def test_columns_are_renamed_by_mapping_or_list():
    assert SCHEMA.rename({"a": "z"}).names == ("z", "b", "c")
    assert SCHEMA.rename(["p", "q", "r"])["q"].domain == ("x", "y")
    with pytest.raises(H2OValueError, match="'nope'"):
        SCHEMA.rename({"nope": "z"})
    with pytest.raises(H2OValueError, match="3 columns; got 2"):
        SCHEMA.rename(["p", "q"])
    with pytest.raises(H2OValueError, match="'b' occurs more than once"):
        SCHEMA.rename({"a": "b"})
    with pytest.raises(H2OTypeError, match="must be a string; got 5"):
        SCHEMA.rename({"a": 5})


def test_a_column_is_replaced_in_place_or_added_at_the_end():
    assert SCHEMA.replace(Column("b", "real")).types["b"] == "real"
    assert SCHEMA.replace(Column("d", "real")).names == ("a", "b", "c", "d")


def test_equal_names_are_refused():
    with pytest.raises(H2OValueError, match="'a' occurs more than once"):
        Schema((Column("a", "int"), Column("a", "real")))


def test_schemas_are_values():
    assert Schema(SCHEMA.columns) == SCHEMA
    assert hash(Schema(SCHEMA.columns)) == hash(SCHEMA)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((5, "int"), H2OTypeError, "got 5"),
        (("a", "number"), H2OValueError, "got 'number'"),
        (("a", "enum"), H2OValueError, "must have a domain"),
        (("a", "int", ("x",)), H2OValueError, "must have a domain"),
        (("a", "enum", ("x", "x")), H2OValueError, "'x' occurs more than once"),
    ],
)
def test_columns_that_cannot_be_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        column(*arguments)
