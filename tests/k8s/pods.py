"""What the operator makes of our manifests, made by its own functions: deployments, pods and services."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

from kustomized import Manifest, of_kind

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of packages that the operator needs
    from dask_kubernetes.operator.controller import controller

UUID = "0123456789"


class Pod(NamedTuple):
    """A pod that would run: which part of the cluster it is, its labels, its spec, and the object that makes it."""

    part: str
    labels: dict[str, str]
    spec: dict[str, Any]
    made: Manifest


def clusters(manifests: list[Manifest]) -> Iterator[tuple[str, dict[str, Any], dict[str, str]]]:
    """Yield name, spec and labels of each cluster, whether it stands alone or in a job."""
    for one in of_kind(manifests, "DaskCluster"):
        yield one["metadata"]["name"], one["spec"], one["metadata"]["labels"]
    for one in of_kind(manifests, "DaskJob"):
        yield one["metadata"]["name"], one["spec"]["cluster"]["spec"], one["metadata"]["labels"]


def pods(manifests: list[Manifest]) -> list[Pod]:
    """Return every pod that the operator would start."""
    found = []
    for name, spec, labels in clusters(manifests):
        scheduler = controller.build_scheduler_deployment_spec(name, spec["scheduler"]["spec"], {}, labels)
        found.append(_pod("scheduler", scheduler))
        worker = controller.build_worker_deployment_spec(
            worker_group_name=f"{name}-default",
            namespace="daskdl",
            cluster_name=name,
            uuid=UUID,
            pod_spec=spec["worker"]["spec"],
            annotations={},
            labels=labels,
        )
        found.append(_pod("worker", worker))
    for one in of_kind(manifests, "DaskJob"):
        name, spec = one["metadata"]["name"], one["spec"]["job"]["spec"]
        made = controller.build_job_pod_spec(
            job_name=name,
            cluster_name=name,
            namespace="daskdl",
            spec=spec,
            annotations={},
            labels=one["metadata"]["labels"],
        )
        found.append(Pod("job", made["metadata"]["labels"], made["spec"], made))
    return found


def services(manifests: list[Manifest]) -> list[Manifest]:
    """Return every service that the operator would make."""
    return [
        controller.build_scheduler_service_spec(name, spec["scheduler"]["service"], {}, labels)
        for name, spec, labels in clusters(manifests)
    ]


def containers(pod: Pod) -> list[dict[str, Any]]:
    """Return all containers of a pod, those that run first included."""
    return [*pod.spec.get("initContainers", ()), *pod.spec["containers"]]


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Tell whether a selector of `matchLabels` takes a pod with these labels."""
    assert set(selector) <= {"matchLabels"}, "nothing here uses matchExpressions"
    return all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items())


def _pod(part: str, made: Manifest) -> Pod:
    template = made["spec"]["template"]
    return Pod(part, template["metadata"]["labels"], template["spec"], made)
