"""The Kubernetes manifests: valid by the published schemas, consistent with each other, true of a real server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import kubernetes_validate
import pytest
import yaml

import usagekit
from tests.programs import ROOT, environ, serving

FOLDER = ROOT / "deploy" / "kubernetes"
NAME = "app.kubernetes.io/name"
DOCUMENTS = [
    document
    for file in ("usagekit.yaml", "redis.yaml")
    for document in yaml.safe_load_all((FOLDER / file).read_text(encoding="utf-8"))
]


def of(kind: str) -> dict[str, dict[str, Any]]:
    return {document["metadata"]["name"]: document for document in DOCUMENTS if document["kind"] == kind}


def pod(name: str) -> dict[str, Any]:
    return of("Deployment")[name]["spec"]["template"]["spec"]


def container(name: str) -> dict[str, Any]:
    (only,) = pod(name)["containers"]
    return only


def named(document: dict[str, Any]) -> str:
    return f"{document['kind']} {document['metadata']['name']}"


@pytest.mark.parametrize("version", ["1.30", "1.37"])
@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_manifest_is_valid_by_the_published_schema(document: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(document, version, strict=True)


def test_the_kustomization_names_every_file() -> None:
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    files = {file.name for file in FOLDER.iterdir()} - {"kustomization.yaml"}
    assert set(listed) == files


@pytest.mark.parametrize("name", ["usagekit", "usagekit-redis"])
def test_selectors_labels_and_ports_fit_each_other(name: str) -> None:
    deployment, service, policy = (
        of(kind)[name]["spec"] for kind in ("Deployment", "Service", "NetworkPolicy")
    )
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"] == service["selector"] == labels
    assert policy["podSelector"]["matchLabels"] == labels
    ports = {port["name"] for port in container(name)["ports"]}
    assert {port["targetPort"] for port in service["ports"]} <= ports
    assert {port["port"] for rule in policy["ingress"] for port in rule["ports"]} <= ports
    mounted = {mount["name"] for mount in container(name)["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod(name)["volumes"]}


@pytest.mark.parametrize("name", ["usagekit", "usagekit-redis"])
def test_no_container_may_do_more_than_it_must(name: str) -> None:
    assert pod(name)["securityContext"]["runAsNonRoot"] is True
    assert pod(name)["automountServiceAccountToken"] is False
    rights = container(name)["securityContext"]
    assert rights["readOnlyRootFilesystem"] is True
    assert rights["allowPrivilegeEscalation"] is False
    assert rights["capabilities"] == {"drop": ["ALL"]}
    assert set(container(name)["resources"]) == {"requests", "limits"}


def test_the_replicas_reach_redis_by_its_service_and_are_let_in() -> None:
    state = next(one["value"] for one in container("usagekit")["env"] if one["name"] == "USAGEKIT_STATE")
    (port,) = of("Service")["usagekit-redis"]["spec"]["ports"]
    assert state == f"redis://usagekit-redis:{port['port']}/0"
    (rule,) = of("NetworkPolicy")["usagekit-redis"]["spec"]["ingress"]
    assert [peer["podSelector"]["matchLabels"] for peer in rule["from"]] == [{NAME: "usagekit"}]
    egress = of("NetworkPolicy")["usagekit"]["spec"]["egress"][0]
    assert [peer["podSelector"]["matchLabels"] for peer in egress["to"]] == [{NAME: "usagekit-redis"}]


def test_the_token_comes_from_a_secret_and_stands_in_no_file() -> None:
    (token,) = [one for one in container("usagekit")["env"] if one["name"] == "USAGEKIT_ADMIN_TOKEN"]
    assert token["valueFrom"] == {"secretKeyRef": {"name": "usagekit", "key": "admin-token"}}
    assert not of("Secret")


def test_three_replicas_of_this_version_run() -> None:
    assert of("Deployment")["usagekit"]["spec"]["replicas"] == 3
    assert container("usagekit")["image"] == f"usagekit:{usagekit.__version__}"


@pytest.fixture(scope="module")
def replica(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server started with the arguments of the manifest."""
    args = [arg.replace("--port=8000", "--port=0") for arg in container("usagekit")["args"]]
    env = environ(USAGEKIT_ADMIN_TOKEN="token-of-a-test")
    with serving(["usagekit", *args], tmp_path_factory.mktemp("replica"), env) as url:
        yield url


@pytest.mark.skipif(os.name != "posix", reason="the server is told to end by a signal")
@pytest.mark.parametrize("probe", ["readinessProbe", "livenessProbe"])
def test_a_probe_without_a_token_is_answered(replica: str, probe: str) -> None:
    asked = container("usagekit")[probe]["httpGet"]
    fields = {field["name"]: field["value"] for field in asked["httpHeaders"]}
    # A probe has no token, and a caller beyond this machine is refused everything else alike.
    assert urlopen(Request(replica + asked["path"], headers=fields)).status == 200


@pytest.mark.parametrize("host", ["usagekit", "usagekit.default", "usagekit.default.svc.cluster.local"])
def test_the_service_is_known_by_its_names_in_the_cluster(replica: str, host: str) -> None:
    (port,) = of("Service")["usagekit"]["spec"]["ports"]
    request = Request(f"{replica}/varg/v1/usage", headers={"host": f"{host}:{port['port']}"})
    request.add_header("authorization", "Bearer varg_usagekit_demo")
    assert urlopen(request).status == 200


def test_the_comment_says_how_the_secret_is_made() -> None:
    text = Path(FOLDER / "kustomization.yaml").read_text()
    assert "kubectl create secret generic usagekit --from-literal=admin-token=" in text
