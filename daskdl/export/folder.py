"""A folder of files that appears whole or not at all; one that was exported before may give way to it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping

from frames.exceptions import FileExists, FileMissing


def write_folder(path: str, files: Mapping[str, bytes], mark: str, force: bool) -> str:
    """Write files, by their names below `path`, into a new folder and return it.

    An older folder is replaced with `force`, and only if it holds the file `mark`: what was not exported is never
    removed. Raises FileExists otherwise, FileMissing where there is no folder to write into.
    """
    target = os.path.realpath(os.path.expanduser(path))
    parent = os.path.dirname(target)
    if not os.path.isdir(parent):
        raise FileMissing(f"Folder {path} cannot be made: the folder {parent} does not exist")
    if os.path.lexists(target):
        if not os.path.isfile(os.path.join(target, mark)):
            raise FileExists(f"path must name a new folder, or one that was exported before; got {path}.")
        if not force:
            raise FileExists(f"Folder already exists: {path}. Pass force=True to replace it.")
    token = secrets.token_hex(4)
    fresh, aside = (os.path.join(parent, f".export-{token}.{kind}") for kind in ("tmp", "old"))
    try:
        for name, content in files.items():
            place = os.path.join(fresh, *name.split("/"))
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "xb") as file:
                file.write(content)
        if os.path.lexists(target):
            os.replace(target, aside)
        os.replace(fresh, target)
    finally:
        if os.path.isdir(aside) and not os.path.lexists(target):
            os.replace(aside, target)  # as it was
        for left in (fresh, aside):
            shutil.rmtree(left, ignore_errors=True)  # what stays is hidden, and no export
    return path
