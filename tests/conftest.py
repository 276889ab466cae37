"""What every test shares: a fixed set of surroundings, and the folder of larger data where there is one."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Before a test module imports anything that draws or computes: no window, no thread pools that fight over the cores.
os.environ.setdefault("MPLBACKEND", "Agg")
for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(pool, "1")

# Two tests run at a time, and a compilation may fall into any of them: the limit of the whole test is what counts.
settings.register_profile("here", deadline=None)
settings.load_profile("here")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder that DASKDL_DATA names (holding `mnist/` and `smalldata/`); skips the test where it is not set."""
    named = os.environ.get("DASKDL_DATA")
    if not named or not Path(named).is_dir():
        pytest.skip("needs the larger data sets: set DASKDL_DATA to a folder with mnist/ and smalldata/")
    return Path(named)
