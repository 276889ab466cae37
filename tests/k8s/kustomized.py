"""The manifests as `kubectl apply -k` would send them: the part of kustomize that k8s/ uses, in Python.

What a kustomization says beyond that is an error here, so that nothing is left out silently. Where kubectl is installed
a test compares with its own rendering.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonpatch
import yaml

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "k8s"
BASES = ("base/job", "base/cluster")
OVERLAYS = ("overlays/small/job", "overlays/small/cluster", "overlays/large/job", "overlays/large/cluster")
READ = {"apiVersion", "kind", "resources", "namespace", "images", "configMapGenerator", "generatorOptions", "patches"}

Manifest = dict[str, Any]


def rendered(folder: str | Path) -> list[Manifest]:
    """Return the manifests of a folder with a kustomization.yaml, resources first, then what is generated."""
    home = (K8S / folder).resolve()
    said = kustomization(home)
    found: list[Manifest] = []
    for name in said["resources"]:
        path = home / name
        found += rendered(path) if path.is_dir() else [one for one in yaml.safe_load_all(path.read_text()) if one]
    for one in said.get("configMapGenerator", ()):
        _generate(found, one, home)
    for patch in said.get("patches", ()):
        _patch(found, patch, home)
    for image in said.get("images", ()):
        _retag(found, image)
    if "namespace" in said:
        for one in found:
            one["metadata"]["namespace"] = said["namespace"]
    return found


def kustomization(home: Path) -> dict[str, Any]:
    """Return what a folder's kustomization.yaml says. Raises ValueError for what `rendered` would not carry out."""
    said = yaml.safe_load((home / "kustomization.yaml").read_text())
    if set(said) - READ:
        raise ValueError(f"{home}: kustomized.py does not carry out {sorted(set(said) - READ)}")
    if "configMapGenerator" in said and said.get("generatorOptions") != {"disableNameSuffixHash": True}:
        raise ValueError(f"{home}: names of generated maps must stay as they are")
    return said


def files_of(home: Path) -> list[Path]:
    """Return every file and folder that a kustomization names."""
    said = kustomization(home)
    named = [*said["resources"], *(patch["path"] for patch in said.get("patches", ()))]
    named += [file for one in said.get("configMapGenerator", ()) for file in one["files"]]
    return [(home / name).resolve() for name in named]


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    """Return the manifests of one kind."""
    return [one for one in manifests if one["kind"] == kind]


def _generate(found: list[Manifest], one: dict[str, Any], home: Path) -> None:
    data = {Path(file).name: (home / file).read_text() for file in one["files"]}
    if one.get("behavior", "create") == "replace":
        (old,) = (m for m in of_kind(found, "ConfigMap") if m["metadata"]["name"] == one["name"])
        old["data"] = data
    else:
        found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": one["name"]}, "data": data})


def _patch(found: list[Manifest], patch: dict[str, Any], home: Path) -> None:
    (at,) = (
        number
        for number, one in enumerate(found)
        if (one["kind"], one["metadata"]["name"]) == (patch["target"]["kind"], patch["target"]["name"])
    )
    found[at] = jsonpatch.JsonPatch(yaml.safe_load((home / patch["path"]).read_text())).apply(found[at])


def _retag(node: Any, image: dict[str, str]) -> None:
    """Give every container whose image has the name another name and tag, at any depth, as kustomize does."""
    if isinstance(node, list):
        for one in node:
            _retag(one, image)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("containers", "initContainers"):
                for container in value:
                    name, _, tag = container["image"].partition(":")
                    if name == image["name"]:
                        container["image"] = f"{image.get('newName', name)}:{image.get('newTag', tag)}"
            _retag(value, image)


def changed(manifest: Manifest, path: str, value: Any) -> Manifest:
    """Return a copy with one place changed; the value `None` takes the place away. For manifests broken on purpose."""
    step = {"op": "remove", "path": path} if value is None else {"op": "add", "path": path, "value": value}
    return jsonpatch.JsonPatch([step]).apply(copy.deepcopy(manifest))
