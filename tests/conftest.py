"""What every test shares: a fixed set of surroundings, and the folder of larger data where there is one."""

import logging
import os
from collections.abc import Iterator
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


@pytest.fixture(scope="session")
def object_store() -> Iterator[str]:
    """The address of a bucket of a local S3 server (moto), which both s3fs and obstore find by the environment."""
    pytest.importorskip("moto.server", reason="needs a local S3 server: pip install 'daskdl[test]'")
    pytest.importorskip("s3fs", reason="needs s3fs: pip install 'daskdl[test]'")
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    host, port = server.get_host_and_port()
    surroundings = {
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in surroundings.items():
            patch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket="daskdl")
        yield "s3://daskdl"
    server.stop()
