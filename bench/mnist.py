"""The handwritten digits: from their four original files to arrays and to the CSV files that both sides import.

The files are looked for in `$DASKDL_DATA/mnist`. CSV copies go to a cache folder in the system's place for temporary
files, never into the project. Without the files, `synthetic` gives rows of the same shape and a similar density.
"""

import gzip
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

PIXELS = 784
CLASSES = 10
RESPONSE = "C785"
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


class Digits(NamedTuple):
    """Grey values `(rows, 784)` and labels `(rows,)`, both uint8; `real` is False for made-up rows."""

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    real: bool


def folder() -> Path | None:
    """The folder with the four files, or None."""
    named = os.environ.get("DASKDL_DATA")
    place = Path(named, "mnist") if named else None
    return place if place and all((place / f"{name}.gz").is_file() for name in FILES) else None


def cache() -> Path:
    """A folder for what can be made again: CSV copies, the other side's virtual environment."""
    place = Path(tempfile.gettempdir(), "daskdl-bench")
    place.mkdir(exist_ok=True)
    return place


def load() -> Digits:
    """The 60,000 + 10,000 digits of DASKDL_DATA, or made-up ones where it is not set."""
    place = folder()
    if place is None:
        return synthetic(20_000, 2_000)
    train_x, train_y, test_x, test_y = (_idx(place / f"{name}.gz") for name in FILES)
    return Digits(train_x.reshape(-1, PIXELS), train_y, test_x.reshape(-1, PIXELS), test_y, real=True)


def synthetic(train: int, test: int, seed: int = 1) -> Digits:
    """Ten noisy prototypes, about one pixel in five lit, as in the real digits."""
    random = np.random.default_rng(seed)
    prototypes = random.integers(0, 256, (CLASSES, PIXELS)) * (random.random((CLASSES, PIXELS)) < 0.19)
    labels = random.integers(0, CLASSES, train + test).astype(np.uint8)
    lit = random.random((train + test, PIXELS)) < 0.9
    pixels = np.clip(prototypes[labels] * lit + random.integers(-20, 20, lit.shape) * (prototypes[labels] > 0), 0, 255)
    pixels = pixels.astype(np.uint8)
    return Digits(pixels[:train], labels[:train], pixels[train:], labels[train:], real=False)


def standardised(pixels: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    """Dense float32 rows of mean 0 and deviation 1 per column (constant columns are 0): what a trainer really sees."""
    base = pixels if like is None else like
    mean, sigma = base.mean(axis=0, dtype=np.float64), base.std(axis=0, dtype=np.float64, ddof=1)
    return ((pixels - mean) / np.where(sigma > 0, sigma, 1)).astype(np.float32)


def as_csv(digits: Digits) -> tuple[Path, Path]:
    """Two CSV files without header, 784 pixels then the label; written once and kept in the cache."""
    stem = "mnist" if digits.real else f"synthetic-{len(digits.train_y)}"
    paths = cache() / f"{stem}_train.csv", cache() / f"{stem}_test.csv"
    parts = (digits.train_x, digits.train_y), (digits.test_x, digits.test_y)
    for path, (pixels, labels) in zip(paths, parts, strict=True):
        if not path.exists():
            unfinished = path.with_suffix(".part")
            np.savetxt(unfinished, np.column_stack([pixels, labels]), fmt="%d", delimiter=",")
            unfinished.replace(path)
    return paths


def _idx(path: Path) -> np.ndarray:
    """One file in the digits' own format: two zero bytes, type, dimensions, big-endian sizes, then the bytes."""
    with gzip.open(path) as stream:
        raw = stream.read()
    dimensions = raw[3]
    shape = np.frombuffer(raw, ">i4", dimensions, offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
