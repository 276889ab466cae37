"""The examples in docstrings do what they say."""

from __future__ import annotations

import doctest
import importlib
import re

import pytest
from source_tree import modules

PROMPT = re.compile(r"^ *>>> ", re.MULTILINE)
WITH_EXAMPLES = sorted(name for name, one in modules().items() if PROMPT.search(one.path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_give_what_they_show(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
    assert result.attempted > 0


def test_examples_are_found():
    assert len(WITH_EXAMPLES) > 40
