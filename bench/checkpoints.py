"""Seconds to save and to open a model, on a disk and in an object store on this machine, and of the parts of a save.

    python bench/checkpoints.py                       a folder for temporary files, memory:// and, with moto, S3
    python bench/checkpoints.py --units 2000 --place s3://bucket/models

What a local S3 server (moto, Python) takes is no measure of S3: it shows how many requests a save is worth.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import tempfile
import time
import uuid
from contextlib import ExitStack

import numpy as np

from daskdl.model import checkpoint
from daskdl.model.model import Model
from daskdl.model.versions import Versions
from daskdl.network.layout import Layout
from frames.stores.choose import store_at

GOLDEN = os.path.join(os.path.dirname(__file__), "..", "tests", "golden", "models", "version1")


def model_of(units: int) -> Model:
    """Return the golden model with another network: 784 inputs, two layers of so many units, random weights."""
    model = checkpoint.load(GOLDEN)
    slots = len(model.resolved.optimizer.slots)
    layout = Layout(levels=0, numbers=784, hidden=(units, units), outputs=10, slots=slots)
    state, rng = layout.empty(), np.random.default_rng(1)
    for array in state:
        array[:] = rng.standard_normal(array.shape, np.float32)
    return dataclasses.replace(model, layout=layout, state=state, last=None, extras={})


def measure(model: Model, place: str, times: int) -> tuple[float, float, float]:
    """Return the least seconds of: making the files, saving the model in place of an older one, opening it."""
    made, saved, opened = [], [], []
    checkpoint.save(model, place, force=True)
    for _ in range(times):
        began = time.perf_counter()
        checkpoint.files_of(model)
        made.append(time.perf_counter() - began)
        began = time.perf_counter()
        checkpoint.save(model, place, force=True)
        saved.append(time.perf_counter() - began)
        began = time.perf_counter()
        checkpoint.load(place)
        opened.append(time.perf_counter() - began)
    return min(made), min(saved), min(opened)


def local_s3(stack: ExitStack) -> str | None:
    """Start a local S3 server and return a bucket's address; None where moto is not installed."""
    try:
        import boto3
        from moto.server import ThreadedMotoServer
    except ImportError:
        return None
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    stack.callback(server.stop)
    host, port = server.get_host_and_port()
    os.environ |= {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing", "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ |= {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ALLOW_HTTP": "true"}
    boto3.client("s3").create_bucket(Bucket="daskdl")
    return f"s3://daskdl/{uuid.uuid4().hex}"


def main() -> None:
    """Measure and print."""
    reader = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    reader.add_argument("--units", type=int, nargs="*", default=[50, 1000], help="units of each of two hidden layers")
    reader.add_argument("--times", type=int, default=5)
    reader.add_argument("--place", help="a folder or address of your own")
    asked = reader.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        places = [asked.place] if asked.place else [f"{folder}/model", "memory://bench/model", local_s3(stack)]
        print(
            "| units | MB of state | files | place | making the files | saving | opening |\n"
            "|---|---|---|---|---|---|---|"
        )
        for units in asked.units:
            model = model_of(units)
            for place in (one for one in places if one is not None):
                made, saved, opened = measure(model, f"{place}-{units}", asked.times)
                names = store_at(f"{place}-{units}").names()
                kind = place.partition("://")[0] if "://" in place else "disk"
                size, version = model.state.nbytes / 1e6, Versions(store_at(f"{place}-{units}")).in_order()
                assert len(version) == 1
                print(f"| {units} | {size:.1f} | {len(names)} | {kind} | {made:.3f} | {saved:.3f} | {opened:.3f} |")


if __name__ == "__main__":
    main()
