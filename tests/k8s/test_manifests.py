"""Manifests are what Kubernetes and the operator take, to the last field, and broken ones are refused here."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from kustomized import BASES, K8S, OVERLAYS, changed, files_of, kustomization, of_kind, rendered
from pods import pods, services
from schemas import complaints, dask_kinds

FOLDERS = sorted(path.parent for path in K8S.rglob("kustomization.yaml"))
JOB, CLUSTER = rendered("base/job"), rendered("base/cluster")
KINDS = {one["kind"]: one for one in [*JOB, *CLUSTER]}
WORKER = "/spec/cluster/spec/worker"
POD = f"{WORKER}/spec/containers/0"


@pytest.mark.parametrize("folder", [*BASES, *OVERLAYS])
def test_every_manifest_is_valid(folder):
    manifests = rendered(folder)
    assert len(manifests) >= 7
    assert {one["metadata"]["name"]: complaints(one) for one in manifests if complaints(one)} == {}


def test_the_namespace_is_valid():
    assert complaints(yaml.safe_load((K8S / "namespace.yaml").read_text())) == []


@pytest.mark.parametrize("folder", OVERLAYS)
def test_what_the_operator_makes_of_them_is_valid(folder):
    made = [pod.made for pod in pods(rendered(folder))] + services(rendered(folder))
    assert len(made) >= 3
    assert [complaints(one) for one in made] == [[]] * len(made)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("DaskJob", f"{POD}/imagee", "daskdl"),
        ("DaskJob", f"{POD}/name", None),
        ("DaskJob", f"{POD}/securityContext/readOnlyRootFileSystem", True),
        ("DaskJob", f"{WORKER}/replicas", "two"),
        ("DaskJob", f"{WORKER}/spec/volumes/0/emptyDirr", {}),
        ("DaskJob", f"{WORKER}/spec/terminationGracePeriodSeconds", "90s"),
        ("DaskJob", "/spec/job/spec/restartpolicy", "Never"),
        ("DaskJob", "/spec/cluster/spec/scheduler/service/ports/0/port", "8786"),
        ("DaskJob", "/spec/cluster", None),
        ("DaskJob", "/specs", {}),
        ("DaskJob", "/metadata/label", {}),
        ("DaskCluster", "/spec/idleTimeOut", 5),
        ("DaskCluster", "/spec/worker/spec/containers", {}),
        ("DaskAutoscaler", "/spec/max", 4),
        ("DaskAutoscaler", "/spec/maximum", "4"),
        ("DaskAutoscaler", "/kind", "DaskAutoScaler"),
        ("NetworkPolicy", "/spec/podSelectors", {}),
        ("NetworkPolicy", "/spec/ingress/0/ports/0/port", [8786]),
        ("PersistentVolumeClaim", "/spec/accessModes", "ReadWriteOnce"),
        ("PersistentVolumeClaim", "/spec/resources/request", {}),
        ("PodDisruptionBudget", "/spec/maxUnavailble", 1),
        ("ServiceAccount", "/automountServiceAccountTokens", False),
        ("ServiceAccount", "/automountServiceAccountToken", "no"),
        ("ConfigMap", "/data/dask.yaml", {"a": 1}),
        ("ConfigMap", "/kind", "ConfigMaps"),
    ],
)
def test_a_manifest_broken_on_purpose_is_refused(kind, path, value):
    assert complaints(KINDS[kind]) == []
    assert complaints(changed(KINDS[kind], path, value)) != []


@pytest.mark.parametrize(("part", "field"), [("scheduler", "replica"), ("worker", "strategies"), ("job", "restarts")])
def test_a_pod_of_the_operator_broken_on_purpose_is_refused(part, field):
    (made,) = (pod.made for pod in pods(JOB) if pod.part == part)
    assert complaints(changed(made, f"/spec/{field}", 1)) != []


def test_the_definitions_are_those_of_the_operator():
    assert set(dask_kinds()) == {"DaskCluster", "DaskJob", "DaskAutoscaler", "DaskWorkerGroup"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(K8S)))
def test_a_kustomization_names_what_exists(folder):
    assert [path for path in files_of(folder) if not path.exists()] == []


def test_no_manifest_lies_about_unused():
    named = {path for folder in FOLDERS for path in files_of(folder)} | {f / "kustomization.yaml" for f in FOLDERS}
    there = {path for part in ("base", "overlays") for path in (K8S / part).rglob("*") if path.is_file()}
    assert there - named == set()


def test_a_kustomization_that_says_more_than_is_read_is_refused(tmp_path):
    (tmp_path / "kustomization.yaml").write_text("resources: []\nnamePrefix: x-\n")
    with pytest.raises(ValueError, match="namePrefix"):
        kustomization(tmp_path)


@pytest.mark.parametrize("folder", [*BASES, *OVERLAYS])
def test_kubectl_renders_the_same(folder):
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed: its rendering cannot be compared with ours")
    done = subprocess.run([kubectl, "kustomize", K8S / folder], capture_output=True, text=True, timeout=60, check=True)

    def order(one):
        return one["kind"], one["metadata"]["name"]

    assert sorted(yaml.safe_load_all(done.stdout), key=order) == sorted(rendered(folder), key=order)


@pytest.mark.parametrize("part", ["network.yaml", "disruption.yaml"])
def test_both_bases_say_the_same_of_their_clusters(part):
    job, cluster = ((K8S / folder / part).read_text() for folder in BASES)
    ours = list(yaml.safe_load_all(job.replace("daskdl-train", "daskdl")))
    theirs = list(yaml.safe_load_all(cluster))
    for one in theirs:  # a cluster that stays has clients besides
        if one["metadata"]["name"] == "daskdl-scheduler":
            one["spec"]["ingress"] = one["spec"]["ingress"][:1]
    assert ours == theirs


def test_both_bases_run_the_same_workers_and_scheduler():
    (job,), (cluster,) = of_kind(JOB, "DaskJob"), of_kind(CLUSTER, "DaskCluster")
    ours = json.loads(json.dumps(job["spec"]["cluster"]["spec"]).replace("daskdl-train", "daskdl"))
    assert ours == {part: cluster["spec"][part] for part in ("worker", "scheduler")}


def test_large_overlays_ask_for_the_same_workers():
    job, cluster = (
        yaml.safe_load((K8S / f"overlays/large/{one}/workers.yaml").read_text()) for one in ("job", "cluster")
    )
    assert [{**step, "path": step["path"].replace("/spec/cluster/spec", "/spec", 1)} for step in job] == cluster


def test_the_job_of_every_overlay_is_one_that_the_script_takes():
    for path in sorted(K8S.rglob("job.json")):
        assert isinstance(json.loads(Path(path).read_text())["parameters"], dict)
