"""How fast a wide CSV file becomes a compressed frame, how small it gets, and how fast it unpacks again.

    python bench/import_csv.py [--repeat 3]

The file is the digits' (60,000 rows of 785 columns) where DASKDL_DATA is set, else made-up rows of the same kind. The
first import of a process loads the compiled reader (and compiles it, once per machine): it is listed, and the fastest
of all counts. The reader is also measured alone, on one thread, against pandas; and the import against real H2O's on
the same file where bench/results/h2o.json knows it.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import machine
import mnist

import daskdl as h2o

H2O = Path(__file__).resolve().parent / "results" / "h2o.json"
PIECE = 14 * 2**20
LOAD = "import time, numba, numpy; t = time.perf_counter(); import frames.parse.digits; print(time.perf_counter() - t)"


def main() -> None:
    """Import the file, unpack every block, print what was measured."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument(
        "--repeat", type=int, default=3, help="imports after the first; the fastest counts (default 3)"
    )
    given = arguments.parse_args()
    digits = mnist.load()
    path, _ = mnist.as_csv(digits)
    found = {"machine": machine.notes("dask", "numpy", "numba", "numcodecs", "pandas"), **measure(path, given.repeat)}
    if digits.real and H2O.exists():
        theirs = json.loads(H2O.read_text(encoding="utf-8"))["digits"]["import_seconds"]
        found |= {"h2o_import_seconds": theirs, "times_h2o": round(theirs / min(found["import_seconds"]), 1)}
    found |= {"reader": readers(path, given.repeat), "loading_seconds": loading()}
    print(json.dumps(found, indent=2))


def readers(path: Path, repeat: int) -> dict[str, float]:
    """MB of text per second of one thread, from text to a packed chunk: the compiled reader and pandas."""
    from frames.parse import block
    from frames.parse.guess import Wishes, guess

    with path.open("rb") as file:
        text = file.read(PIECE)
    text = text[: text.rindex(b"\n") + 1]
    setup = guess(text[: 2**18], False, Wishes(), str(path))
    compiled = block.pack_numbers

    def speed(reader: Callable) -> float:
        block.pack_numbers = reader
        seconds = []
        for _ in range(repeat):
            started = time.thread_time()
            block.parse(text, setup, lambda: 0, str(path))
            seconds.append(time.thread_time() - started)
        return round(len(text) / 1e6 / min(seconds), 1)

    try:
        ours, pandas = speed(compiled), speed(lambda data, setup: None)
    finally:
        block.pack_numbers = compiled
    return {"compiled_mb_per_second": ours, "pandas_mb_per_second": pandas, "times_pandas": round(ours / pandas, 1)}


def loading() -> dict[str, float]:
    """Seconds to load the compiled reader, beside Numba itself: with an empty cache, and from the cache."""
    with tempfile.TemporaryDirectory() as folder:
        surroundings = {**os.environ, "DASKDL_CACHE_DIR": folder}
        runs = [
            subprocess.run([sys.executable, "-c", LOAD], env=surroundings, capture_output=True, check=True)
            for _ in range(2)
        ]
    return {name: round(float(run.stdout), 2) for name, run in zip(("compiling", "from_cache"), runs, strict=True)}


def measure(path, repeat: int) -> dict[str, object]:
    """Seconds to import `path`, bytes of its blocks against one byte per value, rows per second when unpacking."""
    h2o.init(verbose=False)
    h2o.no_progress()
    megabytes = path.stat().st_size / 1e6
    seconds, busy = [], []
    for _ in range(1 + repeat):
        started, spent = time.perf_counter(), time.process_time()
        frame = h2o.import_file(str(path))
        seconds.append(time.perf_counter() - started)
        busy.append(time.process_time() - spent)
    placement = frame.placement(frame.names)
    chunks = [future.result() for futures in placement.parts for future in futures]
    packed = sum(chunk.nbytes for chunk in chunks)
    started = time.perf_counter()
    for chunk in chunks:
        chunk.numeric_blocks(range(len(chunk.types)))
    unpacked = time.perf_counter() - started
    return {
        "file": path.name,
        "rows": frame.nrow,
        "columns": frame.ncol,
        "megabytes": round(megabytes, 1),
        "import_seconds": [round(one, 2) for one in seconds],
        "import_cpu_seconds": [round(one, 2) for one in busy],
        "import_mb_per_second": round(megabytes / min(seconds), 1),
        "packed_megabytes": round(packed / 1e6, 2),
        "smaller_than_a_byte_per_value": round(frame.nrow * frame.ncol / packed, 2),
        "unpacked_rows_per_second": round(frame.nrow / unpacked),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


if __name__ == "__main__":
    main()
