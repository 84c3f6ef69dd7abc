"""kanso.kubernetes, against an API server of the tests' own that holds each request to the published API."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any, Iterator

import pytest

from kit.cluster import Cluster, Spec
from kit.manager import Manager, new_id

DOCKERFILE = "FROM zenmldocker/zenml:0.66.0-py3.11\nRUN pip install 'x'"
IMAGE = "registry.example.com/runner:{hash}"


@pytest.fixture
def cluster(workspace_directory: Path) -> Iterator[Cluster]:
    made = Cluster(workspace_directory / f"c{new_id()[:6]}")
    yield made
    made.stop()
    assert not made.violations


@pytest.fixture
def kubernetes(cluster: Cluster) -> Manager:
    return Manager("kanso.kubernetes", KUBECONFIG=str(cluster.kubeconfig()), KANSO_WORKLOAD_IMAGE=IMAGE)


def run(kubernetes: Manager, **options: Any) -> str:
    workload = new_id()
    assert kubernetes("run", workload, "i:t", "python", "-m", "zenml", **options) == {"rc": "ok", "error": None}
    return workload


# What the cluster gets ----------------------------------------------------------------------------------------------------

def test_a_workload_is_a_job_whose_environment_is_a_secret(cluster: Cluster, kubernetes: Manager) -> None:
    workload = run(kubernetes, env={"ZENML_STORE_API_TOKEN": "t0ken", "A": 'x="y"'}, KANSO_WORKLOAD_MEMORY="1000000",
                   KANSO_WORKLOAD_CPUS="1.5", KANSO_WORKLOAD_KEPT="60")
    name = f"kanso-{workload}"
    job = cluster.things["pipelines", "jobs", name]
    assert job["spec"]["backoffLimit"] == 0 and job["spec"]["ttlSecondsAfterFinished"] == 60
    assert job["metadata"]["labels"]["kanso.workload"] == workload
    pod = job["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never" and pod["automountServiceAccountToken"] is False
    container, = pod["containers"]
    assert (container["image"], container["command"], container["args"]) == ("i:t", ["python"], ["-m", "zenml"])
    assert container["resources"] == {"limits": {"memory": "1000000", "cpu": "1500m"}}
    assert container["securityContext"] == {"allowPrivilegeEscalation": False}
    assert "t0ken" not in json.dumps(job)
    secret = cluster.things["pipelines", "secrets", name]
    assert {key: base64.b64decode(value).decode() for key, value in secret["data"].items()} == {
        "ZENML_STORE_API_TOKEN": "t0ken", "A": 'x="y"'}
    owner, = secret["metadata"]["ownerReferences"]
    assert owner == {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job["metadata"]["uid"]}
    assert cluster.environment(cluster.pod_of(name)) == {"ZENML_STORE_API_TOKEN": "t0ken", "A": 'x="y"'}


def test_a_service_account_and_a_pull_secret_are_used_where_named(cluster: Cluster, kubernetes: Manager) -> None:
    workload = run(kubernetes, KANSO_WORKLOAD_SERVICE_ACCOUNT="runner", KANSO_WORKLOAD_PULL_SECRET="registry",
                   KANSO_WORKLOAD_NAMESPACE="elsewhere")
    pod = cluster.things["elsewhere", "jobs", f"kanso-{workload}"]["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "runner" and pod["automountServiceAccountToken"] is True
    assert pod["imagePullSecrets"] == [{"name": "registry"}]


def test_a_workload_is_started_once(cluster: Cluster, kubernetes: Manager) -> None:
    workload = run(kubernetes)
    assert kubernetes("run", workload, "other", "python")["rc"] == "ok"
    assert [key[1] for key in cluster.things] == ["jobs", "pods", "secrets"]
    assert cluster.things["pipelines", "jobs", f"kanso-{workload}"]["spec"]["template"]["spec"]["containers"][0]["image"] == "i:t"


def test_a_start_that_was_cut_short_is_completed(cluster: Cluster, kubernetes: Manager) -> None:
    workload = new_id()
    cluster.answer["POST", "/secrets"] = (503, '{"message":"etcd is not ready"}')
    rc, message = kubernetes.why("run", workload, "i:t", "python", env={"TOKEN": "t0ken"})
    assert rc == "retry" and "etcd is not ready" in message
    assert cluster.environment(cluster.pod_of(f"kanso-{workload}")) is None
    assert kubernetes("state", workload)["state"] == "unknown"
    cluster.answer.clear()
    assert kubernetes("run", workload, "i:t", "python", env={"TOKEN": "t0ken"})["rc"] == "ok"
    assert cluster.environment(cluster.pod_of(f"kanso-{workload}")) == {"TOKEN": "t0ken"}
    assert kubernetes("state", workload)["state"] == "running"
    assert len([key for key in cluster.things if key[1] == "pods"]) == 1


# Its course ---------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("state, expected, reason", [
    ({}, "running", None),
    ({"waiting": {"reason": "ContainerCreating"}}, "running", None),
    ({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off"}}, "running", None),
    ({"waiting": {"reason": "InvalidImageName", "message": "bad name"}}, "failed", "InvalidImageName bad name"),
    ({"running": {"startedAt": "2024-01-01T00:00:00Z"}}, "running", None),
    ({"terminated": {"exitCode": 0, "reason": "Completed"}}, "succeeded", None),
    ({"terminated": {"exitCode": 3, "reason": "Error"}}, "failed", "exit code 3: Error"),
    ({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}, "failed", "exit code 137: OOMKilled"),
])
def test_states(cluster: Cluster, kubernetes: Manager, state: dict, expected: str, reason: str | None) -> None:
    workload = run(kubernetes)
    cluster.set_state(cluster.pod_of(f"kanso-{workload}"), **state)
    said = kubernetes("state", workload)
    assert said["rc"] == "ok" and said["state"] == expected
    assert said["reason"] is None if reason is None else reason in said["reason"]


def test_a_job_whose_pod_is_gone_still_says_why(cluster: Cluster, kubernetes: Manager) -> None:
    workload = run(kubernetes)
    pod = cluster.pod_of(f"kanso-{workload}")
    cluster.set_state(pod, terminated={"exitCode": 1})
    pod["status"] = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory"}
    assert "Evicted The node was low on memory" in kubernetes("state", workload)["reason"]
    cluster.delete(("pipelines", "pods", pod["metadata"]["name"]), "Background")
    said = kubernetes("state", workload)
    assert said["state"] == "failed" and "BackoffLimitExceeded" in said["reason"]
    assert kubernetes("state", new_id()) == {"state": "unknown", "reason": None, "rc": "ok", "error": None}


def test_logs(cluster: Cluster, kubernetes: Manager) -> None:
    workload = run(kubernetes)
    pod = cluster.pod_of(f"kanso-{workload}")
    assert kubernetes("logs", workload)["logs"] == ""
    cluster.set_state(pod, waiting={"reason": "ImagePullBackOff", "message": "no such image"})
    assert kubernetes("logs", workload)["logs"] == "The pod waits: ImagePullBackOff no such image\n"
    cluster.set_state(pod, running={})
    cluster.logs[pod["metadata"]["name"]] = b"gr\xc3\xbcn \xff\n"
    assert kubernetes("logs", workload)["logs"] == "gr\u00fcn \ufffd\n"
    cluster.logs[pod["metadata"]["name"]] = b"".join(b"%d %s\n" % (i, b"x" * 200) for i in range(20000))
    logs = kubernetes("logs", workload)["logs"]
    assert 900_000 < len(logs) <= 1 << 20 and logs.splitlines()[-1].startswith("19999 ")
    assert kubernetes("logs", new_id()) == {"logs": "", "rc": "ok", "error": None}


def test_nothing_is_left_after_remove(cluster: Cluster, kubernetes: Manager) -> None:
    workload = run(kubernetes, env={"TOKEN": "t"})
    for _ in range(2):
        assert kubernetes("remove", workload) == {"rc": "ok", "error": None}
    assert cluster.things == {}


# Images -------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("pattern, image", [
    (IMAGE, "registry.example.com/runner:abc"),
    ("r/zenml-{version}:py{python}-{hash}{hash}", "r/zenml-0.66.0:py3.11-abcabc"),
    ("plain:1", "plain:1"), ("{other}", "{other}")])
def test_the_image_is_named_by_a_pattern(kubernetes: Manager, pattern: str, image: str) -> None:
    said = kubernetes("build", new_id(), DOCKERFILE, "zenml-runner:abc", KANSO_WORKLOAD_IMAGE=pattern)
    assert said == {"image": image, "rc": "ok", "error": None}


@pytest.fixture
def builder(tmp_path: Path) -> Path:
    program = tmp_path / "builder"
    program.write_text(f"""#!/bin/sh
cat > {tmp_path}/dockerfile
echo "$1" > {tmp_path}/image
echo "step one"
echo "trouble" >&2
exit ${{BUILDER_EXIT:-0}}
""")
    program.chmod(0o755)
    return program


def test_a_builder_makes_the_image(kubernetes: Manager, builder: Path) -> None:
    settings = {"KANSO_WORKLOAD_BUILDER": str(builder), "KANSO_WORKLOAD_IMAGE": "", "KANSO_WORKLOAD_REGISTRY": "r.example.com/team"}
    said = kubernetes("build", new_id(), DOCKERFILE, "zenml-runner:abc", **settings)
    assert said == {"image": "r.example.com/team/zenml-runner:abc", "rc": "ok", "error": None}
    assert (builder.parent / "dockerfile").read_text() == DOCKERFILE
    assert (builder.parent / "image").read_text() == said["image"] + "\n"
    for code, expected in ("1", "failed"), ("75", "retry"):
        rc, message = kubernetes.why("build", new_id(), DOCKERFILE, "zenml-runner:abc", **settings, BUILDER_EXIT=code)
        assert rc == expected and f"exit status {code}" in message and "step one\ntrouble" in message


# Who it is ----------------------------------------------------------------------------------------------------------------

def test_every_way_of_a_kubeconfig_to_sign_in(cluster: Cluster) -> None:
    authority = cluster.authority
    (cluster.directory / "token").write_text("a-token\n")
    cluster.client_certificates = True
    encoded = {path: base64.b64encode(path.read_bytes()).decode() for path in (authority.client, authority.client_key)}
    ways = [({"token": "a-token"}, {}), ({"tokenFile": str(cluster.directory / "token")}, {}),
            ({"client-certificate-data": encoded[authority.client], "client-key-data": encoded[authority.client_key]}, {}),
            ({"client-certificate": "client.pem", "client-key": "client.key"}, {}),
            ({"token": "a-token"}, {"certificate-authority-data": None, "certificate-authority": "ca.pem"}),
            ({"token": "a-token"}, {"certificate-authority-data": None, "insecure-skip-tls-verify": True})]
    for user, options in ways:
        path = cluster.kubeconfig(user, **{key: value for key, value in options.items()})
        config = json.loads(path.read_text())
        place = config["clusters"][0]["cluster"]
        for key in [key for key, value in place.items() if value is None]:
            del place[key]
        path.write_text(json.dumps(config))
        kubernetes = Manager("kanso.kubernetes", KUBECONFIG=str(path), KANSO_WORKLOAD_IMAGE=IMAGE)
        assert kubernetes("check", "-")["rc"] == "ok"
        assert kubernetes("state", new_id()) == {"state": "unknown", "reason": None, "rc": "ok", "error": None}, (user, options)


def test_a_kubeconfig_as_people_write_it(cluster: Cluster) -> None:
    path = cluster.directory / "by hand.yaml"
    path.write_text(f"""# a comment
apiVersion: v1
kind: Config
current-context: "here"   # quoted
users:
- name: me
  user: &me
    token: 'a-token'
- name: also-me
  user: *me
contexts:
  - context: {{cluster: double, user: also-me}}
    name: here
clusters:
- cluster:
    certificate-authority: {cluster.authority.ca}
    server: {cluster.server}/
  name: double
""")
    kubernetes = Manager("kanso.kubernetes", KUBECONFIG=str(path), KANSO_WORKLOAD_IMAGE=IMAGE)
    assert kubernetes("state", new_id())["rc"] == "ok"
    assert cluster.calls[-1].path.startswith("/apis/batch/v1/namespaces/default/jobs/")


@pytest.mark.parametrize("change, words", [
    (lambda c: c.update({"current-context": "nowhere"}), "no context named nowhere"),
    (lambda c: c.pop("clusters"), "no cluster named double"),
    (lambda c: c["users"][0].update(user={"exec": {"command": "aws"}}), "not run"),
    (lambda c: c["users"][0].update(user={"tokenFile": "/nowhere/token"}), "/nowhere/token cannot be read"),
    (lambda c: c["clusters"][0]["cluster"].update({"certificate-authority-data": "%%%"}), "not base64"),
    (lambda c: c["clusters"][0]["cluster"].pop("server"), "no server"),
    (lambda c: c["contexts"][1]["context"].update({"namespace": "a/b"}), "cannot be the name of a namespace"),
    (lambda c: c["users"][0].update(user={"token": "a\nb"}), "more than one line"),
], ids=["context", "cluster", "exec", "token file", "base64", "server", "namespace", "token"])
def test_a_kubeconfig_that_cannot_work_says_why(cluster: Cluster, change: Any, words: str) -> None:
    path = cluster.kubeconfig()
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))
    kubernetes = Manager("kanso.kubernetes", KUBECONFIG=str(path), KANSO_WORKLOAD_IMAGE=IMAGE)
    said = kubernetes("check", "-")
    assert said["rc"] == "failed" and words in said["why"]
    assert words in kubernetes.why("state", new_id())[1]


@pytest.mark.parametrize("text", ["", "just text", "a: [", "- 1\n- 2", "a: &a {b: *a}", "\t\x00"])
def test_any_file_as_a_kubeconfig(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    said = Manager("kanso.kubernetes", KUBECONFIG=str(path), KANSO_WORKLOAD_IMAGE=IMAGE)("check", "-")
    assert said["rc"] == "failed" and str(path) in said["why"]


def test_settings_that_are_missing_are_named(cluster: Cluster) -> None:
    file = str(cluster.kubeconfig())
    assert "KANSO_WORKLOAD_IMAGE" in Manager("kanso.kubernetes", KUBECONFIG=file)("check", "-")["why"]
    builder = {"KANSO_WORKLOAD_BUILDER": "/nowhere/builder", "KANSO_WORKLOAD_REGISTRY": "r"}
    assert "/nowhere/builder" in Manager("kanso.kubernetes", KUBECONFIG=file, **builder)("check", "-")["why"]
    missing = Manager("kanso.kubernetes", KUBECONFIG="/nowhere/config", KANSO_WORKLOAD_IMAGE=IMAGE)("check", "-")
    assert "/nowhere/config cannot be read" in missing["why"]


def test_within_a_cluster_by_the_service_account_whose_token_changes(cluster: Cluster) -> None:
    """The account's directory is the same everywhere: here it lies on a /run of a mount namespace of its own."""
    script = """set -e
mount -t tmpfs none /run
mkdir -p /run/secrets/kubernetes.io/serviceaccount
cd /run/secrets/kubernetes.io/serviceaccount
cp "$1" ca.crt; echo within > namespace
for token in a-token another-token; do
    echo $token > token
    "$2" kanso.kubernetes state 11111111-1111-4111-8111-111111111111
done
"""
    kubernetes = Manager("kanso.kubernetes")
    cluster.tokens = {"a-token", "another-token"}
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", str(cluster.authority.ca), kubernetes.command[0]],
                          capture_output=True, text=True, env={
                              "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "KANSO_WORKLOAD_IMAGE": IMAGE,
                              "KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(cluster.port)})
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"no mount namespace: {done.stderr}")
    assert [json.loads(line)["rc"] for line in done.stdout.splitlines()] == ["ok", "ok"], done.stdout
    assert [call.headers["authorization"] for call in cluster.calls] == ["Bearer a-token", "Bearer another-token"]
    assert all("/namespaces/within/" in call.path for call in cluster.calls)


# Trouble ------------------------------------------------------------------------------------------------------------------

def test_a_server_that_another_ca_vouches_for_is_not_believed(cluster: Cluster, workspace_directory: Path) -> None:
    other = Cluster(workspace_directory / f"c{new_id()[:6]}")
    kubernetes = Manager("kanso.kubernetes", KANSO_WORKLOAD_IMAGE=IMAGE, KUBECONFIG=str(
        cluster.kubeconfig(**{"certificate-authority-data": base64.b64encode(other.authority.ca.read_bytes()).decode()})))
    other.stop()
    rc, message = kubernetes.why("run", new_id(), "i:t", "python", env={"TOKEN": "t0ken"})
    assert rc == "retry" and "does not answer" in message and not cluster.calls


@pytest.mark.parametrize("status, answer, rc, words", [
    (403, '{"message":"jobs.batch is forbidden"}', "failed", "jobs.batch is forbidden"),
    (422, '{"message":"Job is invalid"}', "failed", "Job is invalid"),
    (429, "too many", "retry", "status 429"),
    (500, "[]", "retry", "status 500"),
    (201, "not JSON", "retry", "shows none"),
])
def test_what_the_cluster_refuses(cluster: Cluster, kubernetes: Manager, status: int, answer: str, rc: str, words: str) -> None:
    cluster.answer["POST", "/jobs"] = (status, answer)
    got, message = kubernetes.why("run", new_id(), "i:t", "python", env={"TOKEN": "t0ken"})
    assert (got, "t0ken" in message) == (rc, False) and words in message


def test_who_is_not_let_in_is_told(cluster: Cluster) -> None:
    kubernetes = Manager("kanso.kubernetes", KUBECONFIG=str(cluster.kubeconfig({"token": "wrong"})), KANSO_WORKLOAD_IMAGE=IMAGE)
    rc, message = kubernetes.why("state", new_id())
    assert rc == "failed" and "Unauthorized" in message and "wrong" not in message


def test_a_cluster_that_is_down_is_asked_again_later(cluster: Cluster, kubernetes: Manager) -> None:
    workload = run(kubernetes)
    cluster.stop()
    for operation in ("run", new_id(), "i:t", "python"), ("state", workload), ("logs", workload), ("remove", workload):
        rc, message = kubernetes.why(*operation)
        assert rc == "retry" and f"{cluster.server} does not answer" in message
    cluster.start()
    assert kubernetes("state", workload)["state"] == "running"


def test_the_double_refuses_what_the_published_api_does_not_have() -> None:
    spec, job = Spec(), "/apis/batch/v1/namespaces/a/jobs"
    body = next(each["schema"] for each in spec.operation("POST", job)[0]["parameters"] if each["name"] == "body")  # type: ignore[index]
    pod = {"containers": [{"name": "a", "image": "b"}]}
    assert spec.problems(body, {"spec": {"template": {"spec": pod}}}) == []
    for wrong, words in (({"spec": {"template": {}, "backofLimit": 0}}, "backofLimit is unknown"), ({"spec": {}}, "lacks template"),
                         ({"spec": {"template": {}, "backoffLimit": "0"}}, "not of the type integer"),
                         ({"spec": {"template": {"spec": {"containers": [{"image": "b"}]}}}}, "lacks name")):
        assert words in "; ".join(spec.problems(body, wrong))
    assert spec.operation("PUT", job)[0] is None and spec.operation("POST", "/apis/batch/v2/namespaces/a/jobs")[0] is None
