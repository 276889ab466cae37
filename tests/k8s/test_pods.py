"""What a platform asks of every pod: locked down, bounded, reachable by its own cluster only, at one with itself."""

import json
from importlib.resources import files

import pytest
import yaml
from dask.utils import parse_bytes
from dask_kubernetes.operator.validation import validate_cluster_name
from kustomized import OVERLAYS, ROOT, of_kind, rendered
from pods import clusters, containers, pods, selects, services

CHART = "operator/deployment/helm/dask-kubernetes-operator/Chart.yaml"
TO_STOP = 10  # seconds that a nanny gives its worker (distributed/cli/dask_worker.py)

pytestmark = pytest.mark.parametrize("folder", OVERLAYS)


def _bytes(quantity: str) -> int:
    return parse_bytes(quantity if quantity.endswith("B") else f"{quantity}B")


def _env(container: dict) -> dict:
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container.get("env", ())}


def _the(found: list, part: str):
    (one,) = (pod for pod in found if pod.part == part)
    return one


def test_every_container_is_locked_down(folder):
    for pod in pods(rendered(folder)):
        context = pod.spec["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] >= 10000
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod.spec["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod.spec)
        assert not [volume for volume in pod.spec["volumes"] if "hostPath" in volume]
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_every_container_has_bounds_and_a_version(folder):
    version = next(
        line.split('"')[1] for line in (ROOT / "pyproject.toml").read_text().splitlines() if line.startswith("version")
    )
    for pod in pods(rendered(folder)):
        for container in containers(pod):
            assert set(container["resources"]["limits"]) >= {"cpu", "memory"}
            assert set(container["resources"]["requests"]) >= {"cpu", "memory"}
            assert container["image"].endswith(f":{version}")
        for container in pod.spec["containers"]:
            assert container["resources"]["limits"] == container["resources"]["requests"]


def test_every_volume_is_there_and_used(folder):
    manifests = rendered(folder)
    there = {(one["kind"], one["metadata"]["name"]) for one in manifests}
    for pod in pods(manifests):
        volumes = {volume["name"]: volume for volume in pod.spec["volumes"]}
        used = {mount["name"] for container in containers(pod) for mount in container.get("volumeMounts", ())}
        assert used == set(volumes)
        assert ("ServiceAccount", pod.spec["serviceAccountName"]) in there
        for volume in volumes.values():
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in there
            elif "persistentVolumeClaim" in volume:
                assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in there
            else:
                assert _bytes(volume["emptyDir"]["sizeLimit"]) > 0


def test_a_worker_takes_its_size_from_its_own_limits(folder):
    worker = _the(pods(rendered(folder)), "worker").spec["containers"][0]
    env = _env(worker)
    assert env["WORKER_MEMORY"] == {"resourceFieldRef": {"containerName": "worker", "resource": "limits.memory"}}
    assert env["WORKER_CPUS"] == {"resourceFieldRef": {"containerName": "worker", "resource": "limits.cpu"}}
    assert {"--memory-limit=$(WORKER_MEMORY)", "--nthreads=$(WORKER_CPUS)"} <= set(worker["args"])
    assert "--name=$(DASK_WORKER_NAME)" in worker["args"]
    assert "DASK_WORKER_NAME" in env  # the operator's


def test_spilled_chunks_fit_their_volume_and_the_volume_its_pod(folder):
    spec = _the(pods(rendered(folder)), "worker").spec
    worker = spec["containers"][0]
    sizes = {
        volume["name"]: _bytes(volume["emptyDir"]["sizeLimit"]) for volume in spec["volumes"] if "emptyDir" in volume
    }
    most = _bytes(_env(worker)["DASK_DISTRIBUTED__WORKER__MEMORY__MAX_SPILL"])
    assert most < sizes["spill"]
    assert sum(sizes.values()) <= _bytes(worker["resources"]["limits"]["ephemeral-storage"])
    assert "--local-directory=/spill" in worker["args"]


def test_a_pod_has_time_to_hand_over(folder):
    spec = _the(pods(rendered(folder)), "worker").spec
    seconds = float(_env(spec["containers"][0])["DASKDL_HANDOVER_SECONDS"])
    assert spec["terminationGracePeriodSeconds"] >= seconds + TO_STOP
    assert "--preload-nanny=/opt/daskdl/k8s/handover.py" in spec["containers"][0]["args"]


def test_drains_take_one_worker_at_a_time(folder):
    manifests = rendered(folder)
    (budget,) = of_kind(manifests, "PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 1
    taken = {pod.part for pod in pods(manifests) if selects(budget["spec"]["selector"], pod.labels)}
    assert taken == {"worker"}


def test_every_pod_is_closed_but_to_its_own_cluster(folder):
    manifests = rendered(folder)
    policies = of_kind(manifests, "NetworkPolicy")
    for pod in pods(manifests):
        own = [one["spec"] for one in policies if selects(one["spec"]["podSelector"], pod.labels)]
        assert {kind for spec in own for kind in spec["policyTypes"]} == {"Ingress", "Egress"}
        for peer in (peer for spec in own for rule in spec.get("ingress", ()) for peer in rule["from"]):
            assert set(peer) <= {"podSelector", "namespaceSelector"}
            assert peer["podSelector"]["matchLabels"]  # an empty selector is everybody
    for peer in ({"app": "stranger"}, {"dask.org/cluster-name": "another"}):
        allowed = [
            rule
            for one in policies
            for rule in one["spec"].get("ingress", ())
            for source in rule["from"]
            if "namespaceSelector" not in source and selects(source["podSelector"], peer)
        ]
        assert allowed == []


def test_pods_of_one_cluster_reach_each_other_on_the_ports_they_have(folder):
    manifests = rendered(folder)
    found = pods(manifests)
    policies = [one["spec"] for one in of_kind(manifests, "NetworkPolicy")]
    ports = {port["containerPort"] for pod in found for one in pod.spec["containers"] for port in one.get("ports", ())}
    assert ports == {8786, 8787, 8788, 8789, 8790}
    for way, peers in (("ingress", "from"), ("egress", "to")):
        for one in found:
            for other in found:
                open_ports = {
                    number
                    for spec in policies
                    if selects(spec["podSelector"], one.labels)
                    for rule in spec.get(way, ())
                    if any(
                        "namespaceSelector" not in p and selects(p.get("podSelector", {}), other.labels)
                        for p in rule[peers]
                    )
                    for port in rule["ports"]
                    for number in range(port["port"], port.get("endPort", port["port"]) + 1)
                }
                assert ports <= open_ports


def test_the_operator_reaches_the_scheduler(folder):
    name = yaml.safe_load(files("dask_kubernetes").joinpath(CHART).read_text())["name"]
    manifests = rendered(folder)
    scheduler = _the(pods(manifests), "scheduler")
    rules = [
        rule
        for one in of_kind(manifests, "NetworkPolicy")
        if selects(one["spec"]["podSelector"], scheduler.labels)
        for rule in one["spec"].get("ingress", ())
        for source in rule["from"]
        if "namespaceSelector" in source and selects(source["podSelector"], {"app.kubernetes.io/name": name})
    ]
    assert [port["port"] for rule in rules for port in rule["ports"]] == [8787]
    settings = yaml.safe_load(
        next(m for m in of_kind(manifests, "ConfigMap") if "dask.yaml" in m["data"])["data"]["dask.yaml"]
    )
    assert "distributed.http.scheduler.api" in settings["distributed"]["scheduler"]["http"]["routes"]


def test_nothing_is_served_outside(folder):
    manifests = rendered(folder)
    assert not [one for one in manifests if one["kind"] in ("Ingress", "Service", "HTTPRoute")]
    scheduler = _the(pods(manifests), "scheduler")
    for service in services(manifests):
        assert service["spec"]["type"] == "ClusterIP"
        assert selects({"matchLabels": service["spec"]["selector"]}, scheduler.labels)
        named = {port["name"] for port in scheduler.spec["containers"][0]["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} == named == {"tcp-comm", "http-dashboard"}


def test_numbers_of_workers_agree(folder):
    manifests = rendered(folder)
    for name, spec, _ in clusters(manifests):
        validate_cluster_name(name)
        for scaler in of_kind(manifests, "DaskAutoscaler"):
            assert scaler["spec"]["cluster"] == name
            assert scaler["spec"]["minimum"] <= spec["worker"]["replicas"] <= scaler["spec"]["maximum"]
        for job in of_kind(manifests, "DaskJob"):
            assert f"--workers={spec['worker']['replicas']}" in job["spec"]["job"]["spec"]["containers"][0]["args"]


def test_settings_and_job_are_readable(folder):
    for one in of_kind(rendered(folder), "ConfigMap"):
        for name, text in one["data"].items():
            assert json.loads(text) if name.endswith(".json") else yaml.safe_load(text)
