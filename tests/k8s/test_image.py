"""The Dockerfile against the repository and the manifests; building it needs what a test has not."""

import fnmatch
import re
from pathlib import PurePosixPath

import pytest
from kustomized import K8S, OVERLAYS, ROOT, rendered
from pods import containers, pods

DOCKERFILE = (K8S / "Dockerfile").read_text()


def steps(text: str) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile as (word, the rest on one line)."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [(word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


def stages(text: str) -> list[list[tuple[str, str]]]:
    """Return the instructions of each stage."""
    found: list[list[tuple[str, str]]] = []
    for word, rest in steps(text):
        if word == "FROM":
            found.append([])
        found[-1].append((word, rest))
    return found


def copied(stage: list[tuple[str, str]], here: bool = True) -> dict[str, str]:
    """Return source -> target of what a stage copies: from the repository, or else from another stage."""
    found = {}
    for word, rest in stage:
        if word == "COPY" and ("--from=" not in rest) == here:
            *sources, target = (part for part in rest.split() if not part.startswith("--"))
            found.update({source.rstrip("/"): target for source in sources})
    return found


BUILD, FINAL = stages(DOCKERFILE)


def test_bases_have_a_version_and_are_slim():
    froms = [rest.split()[0] for word, rest in steps(DOCKERFILE) if word == "FROM"]
    assert froms == ["python:3.12-slim-bookworm"] * 2
    assert [one for one in froms if ":" not in one or one.endswith(":latest")] == []


def test_it_does_not_run_as_root():
    users = [rest for word, rest in FINAL if word == "USER"]
    assert users[-1:] == ["10001:10001"]
    spec = pods(rendered(OVERLAYS[0]))[0].spec["securityContext"]
    assert users[-1] == f"{spec['runAsUser']}:{spec['runAsGroup']}"


@pytest.mark.parametrize("source", [*copied(BUILD), *copied(FINAL)])
def test_what_is_copied_exists_and_goes_to_the_builder(source):
    assert (ROOT / source).exists()
    lines = (K8S / "Dockerfile.dockerignore").read_text().splitlines()
    let_in = [line[1:] for line in lines if line.startswith("!")]
    assert any(source == one or PurePosixPath(source).is_relative_to(one) for one in let_in)
    kept_out = [line for line in lines if line and not line.startswith(("!", "#", "*"))]
    assert not any(fnmatch.fnmatch(source, pattern) for pattern in kept_out)


def test_all_that_hatch_and_pip_need_is_copied():
    assert {"pyproject.toml", "constraints.txt", "README.md", "LICENSE", "daskdl", "frames"} == set(copied(BUILD))


def test_what_the_pods_run_is_in_the_image():
    targets = {f"{target}{PurePosixPath(source).name}" for source, target in copied(FINAL).items()}
    for folder in OVERLAYS:
        for pod in pods(rendered(folder)):
            for container in containers(pod):
                words = [*container.get("args", ()), *container.get("command", ())]
                scripts = {word.rpartition("=")[2] for word in words if "/opt/daskdl/k8s/" in word}
                assert scripts <= targets
                if "command" in container:  # the copy of the kernels
                    assert container["command"][2].removesuffix("/.") in copied(FINAL, here=False)


def test_kernels_are_compiled_in_the_build_and_found_in_the_image():
    assert ("RUN", "/opt/daskdl/venv/bin/daskdl warm") in BUILD
    for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "DASKDL_CACHE_DIR"):
        built, found = (re.findall(rf"{name}=(\S+)", dict(stage)["ENV"]) for stage in (BUILD, FINAL))
        assert built == found
        assert len(built) == 1
    targets = [next(rest for word, rest in stage if word == "ARG" and "CPU" in rest) for stage in (BUILD, FINAL)]
    assert targets[0] == targets[1]


def test_the_reader_of_dockerfiles_reads():
    text = "FROM a:1 AS b\n# COPY x y\nRUN c \\\n && d\nFROM e\nCOPY --from=b /f /g\nCOPY h i /j/\n"
    first, second = stages(text)
    assert first == [("FROM", "a:1 AS b"), ("RUN", "c && d")]
    assert copied(second) == {"h": "/j/", "i": "/j/"}
    assert copied(second, here=False) == {"/f": "/g"}
