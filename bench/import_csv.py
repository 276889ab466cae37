"""How fast a wide CSV file becomes a compressed frame, how small it gets, and how fast it unpacks again.

    python bench/import_csv.py [--repeat 3]

The file is the digits' (60,000 rows of 785 columns) where DASKDL_DATA is set, else made-up rows of the same kind.
"""

import argparse
import json
import resource
import time

import machine
import mnist

import daskdl as h2o


def main() -> None:
    """Import the file, unpack every block, print what was measured."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--repeat", type=int, default=3, help="imports; the fastest counts (default 3)")
    given = arguments.parse_args()
    path, _ = mnist.as_csv(mnist.load())
    found = {"machine": machine.notes("dask", "numpy", "numcodecs", "pandas"), **measure(path, given.repeat)}
    print(json.dumps(found, indent=2))


def measure(path, repeat: int) -> dict[str, object]:
    """Seconds to import `path`, bytes of its blocks against one byte per value, rows per second when unpacking."""
    h2o.init(verbose=False)
    h2o.no_progress()
    megabytes = path.stat().st_size / 1e6
    seconds = []
    for _ in range(repeat):
        started = time.perf_counter()
        frame = h2o.import_file(str(path))
        seconds.append(time.perf_counter() - started)
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
        "import_mb_per_second": round(megabytes / min(seconds), 1),
        "packed_megabytes": round(packed / 1e6, 2),
        "smaller_than_a_byte_per_value": round(frame.nrow * frame.ncol / packed, 2),
        "unpacked_rows_per_second": round(frame.nrow / unpacked),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


if __name__ == "__main__":
    main()
