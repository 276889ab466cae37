"""What Kubernetes would refuse, without a Kubernetes: schemas, read so that a field they do not know is an error.

Dask's own kinds are checked against the definitions that dask-kubernetes installs, all others against the schemas of
the package kubernetes-validate, for the oldest and the newest version that we name.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

VERSIONS = ("1.32", "1.37")
DASK = "kubernetes.dask.org/v1"
CRDS = "operator/deployment/helm/dask-kubernetes-operator/crds"
KEEPS = "x-kubernetes-preserve-unknown-fields"

# What the API server itself checks in every custom resource, whatever its definition says about it.
METADATA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63},
        "namespace": {"type": "string"},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["name"],
    "additionalProperties": False,
}


def complaints(manifest: dict[str, Any]) -> list[str]:
    """Return what is wrong with a manifest, one line each; empty for one that the API server would take."""
    if manifest.get("apiVersion") == DASK:
        if manifest.get("kind") not in dask_kinds():
            return [f"kind: dask-kubernetes has no {manifest.get('kind')}"]
        validator = jsonschema.Draft202012Validator(dask_kinds()[manifest["kind"]])
        return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(manifest)]
    found = []
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.SchemaNotFoundError as error:
            found.append(f"{version}: {error.message}")
        except kubernetes_validate.ValidationError as error:
            found.append(f"{version}: {'.'.join(map(str, error.path))}: {error.message[:200]}")
    return found


@cache
def dask_kinds() -> dict[str, dict[str, Any]]:
    """Return the strict schema of each kind that dask-kubernetes defines."""
    found = {}
    for file in files("dask_kubernetes").joinpath(CRDS).iterdir():
        definition = yaml.safe_load(file.read_text())
        (version,) = (one for one in definition["spec"]["versions"] if one["name"] == "v1")
        schema = strict(version["schema"]["openAPIV3Schema"])
        own = {"apiVersion": {"const": DASK}, "kind": {"type": "string"}, "metadata": METADATA}
        schema["properties"] = {**schema["properties"], **own}
        schema["required"] = ["apiVersion", "kind", "metadata", "spec"]
        schema["additionalProperties"] = False
        found[definition["spec"]["names"]["kind"]] = schema
    return found


def strict(schema: Any) -> Any:
    """Return an OpenAPI schema as JSON Schema in which an object has no properties but those that are listed."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: strict(value) for key, value in schema.items() if key != "properties"}
    if "properties" in schema:
        result["properties"] = {name: strict(value) for name, value in schema["properties"].items()}
        if not schema.get(KEEPS) and "additionalProperties" not in schema:
            result["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        result.pop("type", None)
        result["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if schema.get("nullable") and isinstance(result.get("type"), str):
        result["type"] = [result["type"], "null"]
    return result
