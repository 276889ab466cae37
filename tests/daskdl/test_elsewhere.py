"""Parts of h2o-py that daskdl does not have: one sentence with a remedy, however they are asked for."""

import importlib
import subprocess
import sys

import pytest

import daskdl as h2o
from daskdl.alias.elsewhere import ESTIMATORS, FUNCTIONS, MODULES


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_an_estimator_of_another_algorithm_is_an_import_error_that_says_so(name):
    with pytest.raises(ImportError, match=f"has no {name}. Use H2O's own package h2o, or scikit-learn"):
        exec(f"from daskdl.estimators import {name}")


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_of_h2o_py_that_is_not_here_says_what_to_use(name):
    with pytest.raises(ImportError, match=f"has no module {name} of h2o-py. .*[.]$") as caught:
        importlib.import_module(f"daskdl.{name}")
    assert not isinstance(caught.value, ModuleNotFoundError)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_of_h2o_py_that_is_not_here_says_what_to_use(name):
    assert name not in h2o.__all__
    with pytest.raises(AttributeError, match=f"daskdl has no {name} of h2o-py. .*[.]$"):
        getattr(h2o, name)


def test_scripts_of_h2o_meet_the_same_sentence_and_other_names_the_usual_errors():
    code = """
import daskdl
daskdl.as_h2o()
for line in (
    "from h2o.estimators import H2OGradientBoostingEstimator",
    "from h2o.estimators.gbm import H2OGradientBoostingEstimator",
    "from h2o.automl import H2OAutoML",
    "import h2o; h2o.estimators.gbm",
    "import h2o.nonsense",
    "from h2o.estimators import H2OFutureEstimator",
):
    try:
        exec(line)
    except Exception as error:
        print(type(error).__name__, "Deep Learning and has no" in str(error))
from h2o.estimators.estimator_base import H2OEstimator
from h2o.exceptions import H2OConnectionError, H2ODependencyWarning, H2OServerError
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    told = [line.split() for line in done.stdout.splitlines()]
    assert told == [*[["ImportError", "True"]] * 4, ["ModuleNotFoundError", "False"], ["ImportError", "False"]]
