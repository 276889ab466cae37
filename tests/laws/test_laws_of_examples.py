"""The examples in docstrings of the numerical modules do what they say."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = ("adaptation", "balance", "categorical", "design", "encoding", "importances", "initial", "moments")
MODULES += ("network", "prediction", "scoring", "status", "trainer", "kernels.spec")
WITH_EXAMPLES = {"adaptation", "balance", "categorical", "encoding", "importances", "moments", "network"}
WITH_EXAMPLES |= {"kernels.spec"}


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_show(name):
    result = doctest.testmod(importlib.import_module(f"daskdl.{name}"))
    assert result.failed == 0
    assert result.attempted > 0 or name not in WITH_EXAMPLES
