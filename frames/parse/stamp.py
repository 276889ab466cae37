"""What a file was when it was looked at, so that nobody reads other bytes later and takes them for the same rows."""

import os
import socket
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from fsspec.core import url_to_fs

_MARKS = ("md5Hash", "Content-MD5", "ETag", "etag", "LastModified", "last_modified", "mtime", "updated", "created")
"""What file systems and stores tell of the content of a file, the surest first."""


class Stamp(NamedTuple):
    """Size in bytes (None: unknown) and a mark of a file that change when it is written to; where and when it was seen.

    For instance ``stamp_of_local("rows.csv").change("rows.csv")`` is None as long as nobody writes to the file.
    """

    size: int | None
    mark: str
    host: str = ""
    seen: int = 0

    def change(self, url: str) -> str | None:
        """Return what became of a file, None where it is the same; one that cannot be asked is left to its reader.

        Another machine may have a copy of its own at the same path: there it must be as long, and older than the look.
        """
        local = "://" not in url
        try:
            now = stamp_of_local(url) if local else stamp_of_remote(_info(url))
        except FileNotFoundError:  # which is what is told
            return "it is not there any more"
        except (OSError, ValueError):  # whoever reads it meets the same
            return None
        if None not in (self.size, now.size) and self.size != now.size:
            return f"it has {now.size} bytes now, and had {self.size}"
        if local and self.host != now.host:
            return "it was written to since" if int(now.mark) > self.seen else None
        return "it was written to since" if self.mark and now.mark and self.mark != now.mark else None


def stamp_of_local(path: str) -> Stamp:
    """Return the stamp of a file on a disk of this machine, or one that is mounted here."""
    about = os.stat(path)
    return Stamp(about.st_size, str(about.st_mtime_ns), socket.gethostname(), time.time_ns())


def stamp_of_remote(info: Mapping[str, Any]) -> Stamp:
    """Return the stamp of a file by what its file system says of it."""
    mark = next((f"{name} {info[name]}" for name in _MARKS if info.get(name)), "")
    return Stamp(info.get("size"), mark)


def _info(url: str) -> Mapping[str, Any]:
    filesystem, path = url_to_fs(url)
    filesystem.invalidate_cache(path)  # listings are kept, and may be older than the change
    return filesystem.info(path)
