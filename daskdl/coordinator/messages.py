"""What the coordinator of a training job is told (events) and what it asks for (instructions): plain frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from daskdl.coordinator.slices import Slice

# --- events: something happened -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Started:
    """The job begins or resumes: workers by name with their threads, and who holds the chunks of each partition.

    Where not all workers are to train from the beginning, it begins at its `home`.
    """

    threads: Mapping[str, int]
    owners: tuple[tuple[str, ...], ...]
    home: str | None = None


@dataclass(frozen=True)
class ShareTrained:
    """A share is trained: `samples` of it (fewer than asked only after StopShares) in `seconds`; its result waits.

    Besides it `waited` so many seconds for shares of other jobs on its worker.
    """

    round: int
    share: int
    worker: str
    samples: int
    seconds: float
    waited: float = 0.0


@dataclass(frozen=True)
class ShareFailed:
    """A share could not be trained, or its result was lost before it was combined, while its worker lives on."""

    round: int
    share: int
    worker: str
    message: str


@dataclass(frozen=True)
class WorkerLost:
    """A worker is gone, with all it held."""

    worker: str


@dataclass(frozen=True)
class WorkerJoined:
    """A worker is there and may train."""

    worker: str
    threads: int = 1


@dataclass(frozen=True)
class RoundCombined:
    """The shares of a round are averaged; `unstable` names what is broken in the result, None for a sound network."""

    round: int
    unstable: str | None = None


@dataclass(frozen=True)
class Scored:
    """The weights are scored: every value by name, `validation` None without a validation frame, and the seconds."""

    round: int
    training: Mapping[str, float]
    validation: Mapping[str, float] | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Saved:
    """A checkpoint of the weights after this round is on disk."""

    round: int


@dataclass(frozen=True)
class SaveFailed:
    """A checkpoint could not be written; the one before it is still what opens. `message` says why."""

    round: int
    message: str


@dataclass(frozen=True)
class StopRequested:
    """The user (Ctrl-C, cancel, a button) or a parent job wants the job to end; `reason` is one sentence."""

    reason: str = "Training was stopped on request."


@dataclass(frozen=True)
class Tick:
    """Time has passed."""


Event = (
    Started
    | ShareTrained
    | ShareFailed
    | WorkerLost
    | WorkerJoined
    | RoundCombined
    | Scored
    | Saved
    | SaveFailed
    | StopRequested
    | Tick
)


# --- instructions: do something -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class TrainShare:
    """Train these slices as a chain of `tasks`, on this worker only, from the weights of the last finished round.

    Where it comes `after` another share of this worker it goes on from that share's result, which is a part of its own
    then; `last`: nothing comes after it yet. `pace`: samples of the whole round per sample of this worker.
    """

    round: int
    share: int
    worker: str
    threads: int
    tasks: tuple[tuple[Slice, ...], ...]
    samples: int
    attempt: int = 1
    after: int | None = None
    last: bool = True
    pace: float = 1.0


@dataclass(frozen=True)
class StopShares:
    """Ask the running shares of a round to end early and report what they trained."""

    round: int


@dataclass(frozen=True)
class DropShare:
    """The answer of this share is no longer wanted."""

    round: int
    share: int
    worker: str


@dataclass(frozen=True)
class CombineRound:
    """Average the shares, in this order, weighted by their samples: (share, samples) pairs.

    The samples of a share are its own and those of the shares that it came after.

    `elastic_rate`: the moving rate of elastic averaging (None without); `first`: there is no consensus yet.
    """

    round: int
    shares: tuple[tuple[int, int], ...]
    elastic_rate: float | None = None
    first: bool = False


@dataclass(frozen=True)
class Score:
    """Score the present weights (those after `round`, or the best ones after RestoreBest)."""

    round: int
    final: bool = False


@dataclass(frozen=True)
class KeepBest:
    """Keep a copy of the weights after this round: the best so far."""

    round: int


@dataclass(frozen=True)
class RestoreBest:
    """Make the copy kept after this round the present weights; sample counters stay."""

    round: int


@dataclass(frozen=True)
class RollBack:
    """Forget the result of this round: the weights of the round before it stand."""

    round: int


@dataclass(frozen=True)
class Save:
    """Begin to write a checkpoint of the present weights and of the coordinator's `to_dict()`; training goes on."""

    round: int


@dataclass(frozen=True)
class WaitForWorkers:
    """Nobody can train: wake the coordinator by WorkerJoined, or by Tick after `timeout` seconds."""

    timeout: float


@dataclass(frozen=True)
class Log:
    """Tell the world; `kind` is one word for machines, `worker` whom it is about ("": nobody in particular)."""

    kind: str
    text: str
    worker: str = ""


@dataclass(frozen=True)
class Finish:
    """The job is over.

    `reason`: epochs, stopping, timeout, stopped, unstable, no-workers or failed; `message` says it in a sentence;
    `unstable`: the weights are not fit for predictions.
    """

    reason: str
    message: str
    warnings: tuple[str, ...] = field(default_factory=tuple)
    unstable: bool = False


Instruction = (
    TrainShare
    | StopShares
    | DropShare
    | CombineRound
    | Score
    | KeepBest
    | RestoreBest
    | RollBack
    | Save
    | WaitForWorkers
    | Log
    | Finish
)
