"""A partition decoded for the kernels: narrow numbers as stored, unit indices of categoricals, targets and weights.

Nothing is expanded: categorical columns are indices into the table, and numbers stay in their stored dtype until a
window of rows is gathered and scaled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from daskdl.encoding.adaptation import Adaptation, PredictorSource
from daskdl.encoding.encoder import Encoder, NumberInput
from daskdl.kernels.gather import fill_numbers
from daskdl.kernels.structs import Rows
from frames.chunks.summary import MISSING_INTEGER


class ChunkLike(Protocol):
    """What a decoder needs of a chunk (frames.chunks.chunk.Chunk has it)."""

    rows: int

    def values(self, i: int) -> np.ndarray: ...

    def numeric_blocks(self, positions: Sequence[int]) -> list[Any]: ...


class DecodedBlock(NamedTuple):
    """A stored block with the arithmetic that turns its codes into scaled inputs (see kernels.gather).

    `dense` says that it fills neighbouring inputs and that no code of it can be missing.
    """

    data: np.ndarray
    slots: np.ndarray
    factor: np.ndarray
    shift: np.ndarray
    missing: np.ndarray
    fill: np.ndarray
    dense: bool = False

    def settled(self) -> DecodedBlock:
        """Return the block with `dense` found out, once for all windows of rows."""
        sure = self.data.dtype.kind != "f" and bool(np.isnan(self.missing).all())
        return self._replace(dense=sure and bool((np.diff(self.slots) == 1).all()))

    @property
    def arithmetic(self) -> tuple[np.ndarray, ...]:
        """Factor, shift, missing and fill."""
        return self[2:6]


class Design(NamedTuple):
    """One partition, ready to be gathered.

    `levels` is (rows, categorical columns) int32, `target` (rows,) float64 in training units (class index or scaled
    response, NaN missing; a class that training did not know has the number of classes), `weight` and `offset` (rows,)
    float64.
    """

    rows: int
    width: int
    blocks: tuple[DecodedBlock, ...]
    levels: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    offset: np.ndarray
    offset_scale: float
    usable: np.ndarray  # (rows,) bool: the row can train (response and offset known, no missing predictor under Skip)

    @property
    def arrays(self) -> list[np.ndarray]:
        """What has an entry per row."""
        return [self.levels, self.target, self.weight, self.offset, self.usable, *(b.data for b in self.blocks)]

    def with_arrays(self, arrays: Sequence[np.ndarray]) -> Design:
        """Return the design of other rows, given what `arrays` gives."""
        levels, target, weight, offset, usable, *data = arrays
        blocks = tuple(block._replace(data=own) for block, own in zip(self.blocks, data, strict=True))
        return self._replace(
            rows=len(target), blocks=blocks, levels=levels, target=target, weight=weight, offset=offset, usable=usable
        )

    def taken(self, index: np.ndarray) -> Design:
        """Return the design of the rows `index` alone."""
        return self.with_arrays([array[index] for array in self.arrays])

    @property
    def nbytes(self) -> int:
        """Bytes that the decoded partition holds."""
        return sum(array.nbytes for array in self.arrays)

    def window(self, index: np.ndarray, at: np.ndarray, rows: Rows) -> None:
        """Write rows `index` of the partition into rows `at` of a window; `identity` is left to the caller."""
        for block in self.blocks:
            fill_numbers(block.data, index, at, *block.arithmetic, block.slots, block.dense, rows.numbers)
        if self.levels.shape[1]:
            rows.levels[at] = self.levels[index]
        rows.target[at, 0] = self.target[index]
        rows.weight[at] = self.weight[index]
        rows.offset[at] = self.offset[index] * self.offset_scale


def joined(designs: Sequence[Design]) -> Design | None:
    """Return the rows of several designs as those of one; None where their numbers are stored differently."""
    if len({_form(design) for design in designs}) > 1:
        return None
    return designs[0].with_arrays([np.concatenate(pieces) for pieces in zip(*[d.arrays for d in designs], strict=True)])


def _form(design: Design) -> tuple:
    """Return what must be the same in designs whose rows may lie in one."""
    blocks = [
        (b.data.dtype.str, b.dense, b.slots.tobytes(), *(a.tobytes() for a in b.arithmetic)) for b in design.blocks
    ]
    return design.width, design.offset_scale, *blocks


def empty_window(count: int, design: Design) -> Rows:
    """Return a window for `count` rows of designs like this one."""
    return Rows(
        numbers=np.zeros((count, design.width), np.float32),
        levels=np.full((count, design.levels.shape[1]), -1, np.int32),
        target=np.zeros((count, 1), np.float32),
        weight=np.zeros(count, np.float32),
        offset=np.zeros(count, np.float32),
        identity=np.zeros(count, np.int64),
    )


def decode(
    encoder: Encoder, adaptation: Adaptation, chunks: Sequence[ChunkLike], where: Mapping[str, tuple[int, int]]
) -> Design:
    """Return the design of one partition; `where` says which chunk and position holds each column."""
    rows = chunks[0].rows if chunks else 0

    def values(name: str) -> np.ndarray:
        group, position = where[name]
        return chunks[group].values(position)

    codes = {
        name: _codes(source, encoder.domains[name], values(name) if source.kind != "absent" else None, rows)
        for name, source in adaptation.sources.items()
        if name in encoder.domains
    }
    blocks = [*_stored_blocks(encoder, adaptation, chunks, where), *_lookup_blocks(encoder, adaptation, codes, rows)]
    target = _target(encoder, adaptation.response, values, rows)
    offset = np.zeros(rows) if encoder.offset is None else as_numbers(values(encoder.offset))
    # one row of NaN would spread through every weight of the network, and an unknown class has no output to train
    usable = ~np.isnan(offset)
    if encoder.response is not None:
        usable &= ~np.isnan(target) & (encoder.response.domain is None or target < len(encoder.response.domain))
    if encoder.skip_missing:
        usable &= ~_incomplete(encoder, blocks, codes, rows)
    return Design(
        rows=rows,
        width=len(encoder.numbers),
        blocks=tuple(block.settled() for block in blocks),
        levels=_levels(encoder, codes, rows),
        target=target,
        weight=_weight(encoder, values, where, rows),
        offset=offset,
        offset_scale=encoder.response.mul if encoder.response else 1.0,
        usable=usable,
    )


def as_numbers(values: np.ndarray) -> np.ndarray:
    """Return decoded numbers (rows,) as float64, missing NaN."""
    numbers = np.asarray(values, dtype=np.float64)
    if values.dtype == np.int64:
        return np.where(values == MISSING_INTEGER, np.nan, numbers)
    return numbers


def _weight(encoder: Encoder, values: Any, where: Mapping[str, tuple[int, int]], rows: int) -> np.ndarray:
    """Return row weights (rows,) float64: a missing weight counts as 0, a missing column as all 1."""
    if encoder.weights is None or encoder.weights not in where:
        return np.ones(rows)
    weights = as_numbers(values(encoder.weights))
    return np.where(np.isnan(weights), 0.0, weights)  # an infinite one is left to be refused


def _codes(source: PredictorSource, domain: tuple[str, ...], stored: np.ndarray | None, rows: int) -> np.ndarray:
    """Return training codes (rows,) int32; the number of training levels stands for missing and unseen."""
    if stored is None:
        return np.full(rows, len(domain), np.int32)
    assert source.codes is not None  # kind "codes" always has its map
    return source.codes[stored]  # a missing row has code -1: the last entry


def scaled(one: NumberInput, value: float) -> float:
    """Return what a numeric input becomes for a value of its column; NaN is the fill of a missing one."""
    return ((one.fill if math.isnan(value) else value) - one.sub) * one.mul


def _stored_blocks(
    encoder: Encoder, adaptation: Adaptation, chunks: Sequence[ChunkLike], where: Mapping
) -> list[DecodedBlock]:
    wanted: dict[int, list[tuple[int, int]]] = {}
    blocks: list[DecodedBlock] = []
    for slot, one in enumerate(encoder.numbers):
        if one.values is not None:
            continue
        if adaptation.sources[one.column].kind == "absent":
            blocks.append(_constant_block(slot, scaled(one, math.nan), chunks[0].rows))
            continue
        group, position = where[one.column]
        wanted.setdefault(group, []).append((position, slot))
    for group, pairs in wanted.items():
        places = np.array([slot for _, slot in pairs])
        stored = chunks[group].numeric_blocks([position for position, _ in pairs])
        blocks.extend(_scaled_block(encoder, block, places[block.slots]) for block in stored)
    return blocks


def _scaled_block(encoder: Encoder, block: Any, slots: np.ndarray) -> DecodedBlock:
    mul = np.array([encoder.numbers[s].mul for s in slots])
    sub = np.array([encoder.numbers[s].sub for s in slots])
    fill = np.array([encoder.numbers[s].fill for s in slots])
    missing = np.where(block.missing == MISSING_INTEGER, np.nan, block.missing.astype(np.float64))
    if block.data.dtype == np.int64:
        missing = block.missing.astype(np.float64)
    return DecodedBlock(
        data=block.data,
        slots=slots.astype(np.int64),
        factor=block.scale * mul,
        shift=(block.bias - sub) * mul,
        missing=missing,
        fill=(fill - sub) * mul,
    )


def _constant_block(slot: int, value: float, rows: int) -> DecodedBlock:
    nothing = np.full(1, np.nan)
    return DecodedBlock(
        data=np.zeros((rows, 1), np.uint8),
        slots=np.array([slot]),
        factor=np.zeros(1),
        shift=np.full(1, value),
        missing=nothing,
        fill=nothing,
    )


def _lookup_blocks(
    encoder: Encoder, adaptation: Adaptation, codes: Mapping[str, np.ndarray], rows: int
) -> list[DecodedBlock]:
    blocks = []
    for slot, one in enumerate(encoder.numbers):
        if one.values is None:
            continue
        table = np.array([scaled(one, value) for value in one.values], np.float32)
        data = table[codes[one.column]].reshape(rows, 1)
        none, unit = np.full(1, np.nan), np.ones(1)
        blocks.append(
            DecodedBlock(
                data=data, slots=np.array([slot]), factor=unit, shift=np.zeros(1), missing=none, fill=np.zeros(1)
            )
        )
    return blocks


def _levels(encoder: Encoder, codes: Mapping[str, np.ndarray], rows: int) -> np.ndarray:
    result = np.full((rows, len(encoder.levels)), -1, np.int32)
    for k, one in enumerate(encoder.levels):
        units = np.array(one.units, np.int32)
        units[units >= 0] += one.start
        result[:, k] = units[codes[one.column]]
    return result


def _target(encoder: Encoder, source: PredictorSource, values: Any, rows: int) -> np.ndarray:
    answer = encoder.response
    if answer is None or source.kind == "absent":
        return np.full(rows, math.nan)
    stored = values(answer.name)
    if answer.domain is None:
        return (as_numbers(stored) - answer.sub) * answer.mul
    assert source.codes is not None  # kind "codes" always has its map
    known = source.codes[stored].astype(np.float64)
    known[known < 0] = math.nan
    return known


def _incomplete(
    encoder: Encoder, blocks: Sequence[DecodedBlock], codes: Mapping[str, np.ndarray], rows: int
) -> np.ndarray:
    missing = np.zeros(rows, bool)
    for block in blocks:
        numbers = block.data.astype(np.float64)
        missing |= (np.isnan(numbers) | (numbers == block.missing)).any(axis=1)
    for name, known in codes.items():
        missing |= known == len(encoder.domains[name])
    return missing
