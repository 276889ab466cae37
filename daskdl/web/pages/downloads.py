"""Files that leave through the browser: a model in any of its forms, a frame as CSV."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from daskdl.export.targets import WRITERS
from daskdl.export.targets.base import identifier
from daskdl.export.write import write_model
from daskdl.model import checkpoint
from daskdl.web import kept
from daskdl.web.base import Page, Refusal
from frames.functions import export_file

PIECE = 1 << 20  # bytes that are sent at a time


class Download(Page):
    """A file that is written into a folder of its own, sent, and removed."""

    async def send(self, stem: str, write: Callable[[Path], None]) -> None:
        """Send what `write` leaves in a folder: a file as it is, several as one .zip."""
        folder = Path(tempfile.mkdtemp(prefix="daskdl-flow-"))
        try:
            path = await self.work(_written, folder, stem, write)
            self.set_header("Content-Type", "application/octet-stream")
            self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{quote(path.name)}")
            self.set_header("Cache-Control", "no-store")
            with path.open("rb") as file:
                while piece := await self.work(file.read, PIECE):
                    self.write(piece)
                    await self.flush()
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # the folder is the system's to clean where that fails


def _written(folder: Path, stem: str, write: Callable[[Path], None]) -> Path:
    place = folder / "files"
    place.mkdir()
    write(place)
    found = sorted(place.rglob("*"))
    if len(found) == 1 and found[0].is_file():
        return found[0]
    packed = folder / f"{stem}.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in found:
            archive.write(path, path.relative_to(place))
    return packed


class ModelFile(Download):
    """A model in one of the forms of docs/export.md, or its checkpoint."""

    async def get(self) -> None:
        """Send it."""
        model, to = kept.model_of(self.argument("key")), self.argument("to")
        if to != "checkpoint" and to not in WRITERS:
            raise Refusal(f"The form must be checkpoint or one of {', '.join(WRITERS)}; got '{to}'.")
        stem = identifier(model.key)
        await self.send(f"{stem}_{to}", lambda place: _leave(model, to, place / stem))


def _leave(model: Any, to: str, path: Path) -> None:
    if to == "checkpoint":
        checkpoint.save(model, str(path))
    else:
        write_model(model, to, f"{path}{WRITERS[to].ending}")


class FrameFile(Download):
    """A frame as CSV."""

    async def get(self) -> None:
        """Send it."""
        frame = kept.frame_of(self.argument("key"))
        stem = identifier(str(frame.frame_id).removesuffix(".hex"))
        await self.send(stem, lambda place: export_file(frame, str(place / f"{stem}.csv")))


ROUTES = {"/model/file": ModelFile, "/frame/csv": FrameFile}
