"""A Kubernetes API server of the tests' own: TLS with a CA of its own, Jobs, Pods and Secrets.

Each request is held to the published OpenAPI of the API (tests/contract/kubernetes.json): its path, method and parameters are
there, its body has no member that is not, and each is of its type; names and labels follow the API's rules. What does not is
answered 400 and kept in `violations`, which tests expect to be empty. Jobs get a pod, and pods run as `runner` says.
"""

from __future__ import annotations

import base64
import datetime
import json
import re
import ssl
import subprocess
import threading
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable
from urllib.parse import parse_qsl, urlsplit

from .process import REPOSITORY, free_port

SPEC = REPOSITORY / "tests" / "contract" / "kubernetes.json"
LABEL_NAME = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
DNS_NAME = re.compile(rf"(?=.{{1,253}}$){DNS_LABEL.pattern}(\.{DNS_LABEL.pattern})*")
JSON_TYPES = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list, "object": dict}

Json = dict[str, Any]


class Authority:
    """A CA with a server's certificate for 127.0.0.1, and one for a client."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ca, self.server, self.server_key = (directory / name for name in ("ca.pem", "server.pem", "server.key"))
        self.client, self.client_key = directory / "client.pem", directory / "client.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=test CA",
                      "-keyout", str(directory / "ca.key"), "-out", str(self.ca))
        self._issue(self.server, self.server_key, "/CN=127.0.0.1", "subjectAltName=IP:127.0.0.1")
        self._issue(self.client, self.client_key, "/CN=kanso", "extendedKeyUsage=clientAuth")

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)

    def _issue(self, certificate: Path, key: Path, subject: str, extension: str) -> None:
        request, extensions = self.directory / "csr", self.directory / "ext"
        extensions.write_text(extension)
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", subject, "-keyout", str(key), "-out", str(request))
        self._openssl("x509", "-req", "-in", str(request), "-CA", str(self.ca), "-CAkey", str(self.directory / "ca.key"),
                      "-CAcreateserial", "-days", "2", "-extfile", str(extensions), "-out", str(certificate))


class Spec:
    """The published API."""

    def __init__(self) -> None:
        spec = json.loads(SPEC.read_text())
        self.definitions = spec["definitions"]
        self.paths = [(re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), operations)
                      for path, operations in spec["paths"].items()]

    def operation(self, method: str, path: str) -> tuple[Json | None, dict[str, str]]:
        for pattern, operations in self.paths:
            if found := pattern.fullmatch(path):
                return operations.get(method.lower()), found.groupdict()
        return None, {}

    def problems(self, schema: Json, value: Any, at: str = "body") -> list[str]:
        """How a value does not fit."""
        if "$ref" in schema:
            schema = self.definitions[schema["$ref"].rpartition("/")[2]]
        kind = schema.get("type", "object" if "properties" in schema else None)
        if kind and (not isinstance(value, JSON_TYPES[kind]) or (kind != "boolean" and isinstance(value, bool))):
            return [f"{at} is not of the type {kind}"]
        if kind == "array":
            return [each for i, item in enumerate(value) for each in self.problems(schema["items"], item, f"{at}[{i}]")]
        if kind != "object":
            return []
        properties, rest = schema.get("properties", {}), schema.get("additionalProperties")
        found = [f"{at} lacks {name}" for name in schema.get("required", []) if name not in value]
        for name, item in value.items():
            if name in properties:
                found += self.problems(properties[name], item, f"{at}.{name}")
            elif rest:
                found += self.problems(rest, item, f"{at}.{name}")
            elif properties:
                found.append(f"{at}.{name} is unknown")
        return found


def rule_breaks(thing: Json) -> list[str]:
    """Rules of the API that are not in its schema: names, labels, how often a Job's pods start."""
    found = []
    meta = thing.get("metadata", {})
    is_job = "template" in thing.get("spec", {})
    if not (DNS_LABEL if is_job else DNS_NAME).fullmatch(meta.get("name", "")):
        found.append(f"the name {meta.get('name')!r} is no DNS {'label' if is_job else 'name'}")
    for labels in meta.get("labels", {}), thing.get("spec", {}).get("template", {}).get("metadata", {}).get("labels", {}):
        found += [f"the label {name}={value}" for name, value in labels.items()
                  if not LABEL_NAME.fullmatch(name) or not LABEL_VALUE.fullmatch(value)]
    if is_job and thing["spec"]["template"]["spec"].get("restartPolicy") not in ("Never", "OnFailure"):
        found.append("a Job's pods have to have a restartPolicy of Never or OnFailure")
    return found


@dataclass
class Call:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Cluster:
    """The server. `tokens` are those that it takes; `answer` replaces any other, by method and end of the path."""
    directory: Path
    tokens: set[str] = field(default_factory=lambda: {"a-token"})
    answer: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    runner: Callable[["Cluster", Json], None] | None = None
    client_certificates: bool = False
    port: int = 0

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.authority = Authority(self.directory)
        self.spec = Spec()
        self.lock = threading.RLock()
        self.things: dict[tuple[str, str, str], Json] = {}  # by namespace, kind in paths ("jobs") and name
        self.logs: dict[str, bytes] = {}  # by the pod's name
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.port = self.port or free_port()
        self.start()

    @property
    def server(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def respond(self) -> None:
                url = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                call = Call(self.command, url.path, dict(parse_qsl(url.query)), headers, json.loads(body) if body else None)
                certified = bool(self.connection.getpeercert())  # type: ignore[attr-defined]
                status, answer = cluster.respond(call, certified)
                text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/plain" if isinstance(answer, bytes) else "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = respond

            def log_message(self, *arguments: Any) -> None:
                pass

        self.listener = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.listener.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.authority.server, self.authority.server_key)
        context.load_verify_locations(self.authority.ca)
        context.verify_mode = ssl.CERT_OPTIONAL
        self.listener.socket = context.wrap_socket(self.listener.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.listener.shutdown()
        self.listener.server_close()

    def kubeconfig(self, user: Json | None = None, **cluster: Any) -> Path:
        """A file with which to reach it; JSON is YAML."""
        path = self.directory / f"kubeconfig-{uuid.uuid4().hex[:6]}"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "tests",
            "contexts": [{"name": "other", "context": {"cluster": "no", "user": "no"}},
                         {"name": "tests", "context": {"cluster": "double", "user": "kanso", "namespace": "pipelines"}}],
            "clusters": [{"name": "double", "cluster": {
                "server": self.server, "certificate-authority-data": base64.b64encode(self.authority.ca.read_bytes()).decode()} | cluster}],
            "users": [{"name": "kanso", "user": {"token": "a-token"} if user is None else user}]}, indent=1))
        return path

    # The API ----------------------------------------------------------------------------------------------------------

    def failure(self, status: int, reason: str, message: str) -> tuple[int, Json]:
        return status, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": status,
                        "reason": reason, "message": message}

    def respond(self, call: Call, certified: bool) -> tuple[int, Any]:
        with self.lock:
            self.calls.append(call)
            scheme, _, token = call.headers.get("authorization", "").partition(" ")
            if (scheme.lower() != "bearer" or token not in self.tokens) and not (certified and self.client_certificates):
                return self.failure(401, "Unauthorized", "Unauthorized")
            for (method, end), (status, text) in self.answer.items():
                if call.method == method and call.path.endswith(end):
                    return status, text.encode()
            operation, names = self.spec.operation(call.method, call.path)
            if not operation:
                return self.violation(f"{call.method} {call.path} is not in the API")
            if problems := self.check(operation, call):
                return self.violation("; ".join(problems))
            kind = call.path.split("/namespaces/")[-1].split("/")
            return self.serve(call, names.get("namespace", ""), kind[1] if len(kind) > 1 else kind[0].rpartition("/")[2],
                              names.get("name", ""))

    def violation(self, what: str) -> tuple[int, Json]:
        self.violations.append(what)
        return self.failure(400, "BadRequest", what)

    def check(self, operation: Json, call: Call) -> list[str]:
        known = {each["name"]: each for each in operation["parameters"]}
        found = [f"the parameter {name} is unknown" for name in call.query if known.get(name, {}).get("in") != "query"]
        found += [f"the parameter {name} is no number" for name, value in call.query.items()
                  if known.get(name, {}).get("type") == "integer" and not value.isdigit()]
        body = known.get("body")
        if call.body is not None and not body:
            found.append("a body is not expected")
        elif call.body is not None:
            found += self.spec.problems(body["schema"], call.body)  # type: ignore[index]
            found += rule_breaks(call.body) if not found and call.method == "POST" else []
        elif body and body.get("required"):
            found.append("there is no body")
        return found

    def serve(self, call: Call, space: str, kind: str, name: str) -> tuple[int, Any]:
        key = (space, kind, name)
        if call.method == "POST":
            return self.create(space, kind, call.body)
        if call.method == "GET" and not name:
            wanted = dict(each.split("=") for each in call.query.get("labelSelector", "").split(",") if each)
            return 200, {"kind": "List", "items": [
                thing for (s, k, _), thing in self.things.items() if (s, k) == (space, kind) and
                wanted.items() <= thing["metadata"].get("labels", {}).items()]}
        if key not in self.things:
            return self.failure(404, "NotFound", f'{kind} "{name}" not found')
        if call.path.endswith("/log"):
            if "running" not in self.container(self.things[key]) and "terminated" not in self.container(self.things[key]):
                return self.failure(400, "BadRequest", f'container "runner" in pod "{name}" is waiting to start')
            tail = int(call.query.get("tailLines", 1 << 40))
            lines = self.logs.get(name, b"").splitlines(keepends=True)[-tail:]
            return 200, b"".join(lines)[:int(call.query.get("limitBytes", 1 << 40))]
        if call.method == "DELETE":
            self.delete(key, call.query.get("propagationPolicy", "Orphan"))
            return self.failure(200, "", "")[0], {"kind": "Status", "status": "Success"}
        return 200, self.things[key]

    def create(self, space: str, kind: str, body: Json) -> tuple[int, Any]:
        key = (space, kind, body["metadata"]["name"])
        if key in self.things:
            return self.failure(409, "AlreadyExists", f'{kind} "{key[2]}" already exists')
        body["metadata"] |= {"namespace": space, "uid": str(uuid.uuid4()), "creationTimestamp": now()}
        if kind == "secrets":
            body["data"] = {name: base64.b64encode(value.encode()).decode() for name, value in body.pop("stringData", {}).items()}
        self.things[key] = body
        if kind == "jobs":
            body["status"] = {"active": 1, "startTime": now()}
            template = body["spec"]["template"]
            pod = {"apiVersion": "v1", "kind": "Pod", "spec": json.loads(json.dumps(template["spec"])), "metadata": {
                "name": f"{key[2]}-{uuid.uuid4().hex[:5]}", "labels": template["metadata"]["labels"] | {"job-name": key[2]},
                "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": key[2], "uid": body["metadata"]["uid"]}]}}
            self.create(space, "pods", pod)
        elif kind == "pods":
            body["status"] = {"phase": "Pending"}
        pods = [thing for (s, k, _), thing in self.things.items() if (s, k) == (space, "pods") and
                "started" not in thing["metadata"].get("annotations", {}) and self.environment(thing) is not None]
        for pod in pods:
            pod["metadata"]["annotations"] = {"started": "yes"}
            if self.runner:
                threading.Thread(target=self.runner, args=(self, pod), daemon=True).start()
        return 201, body

    def delete(self, key: tuple[str, str, str], policy: str) -> None:
        """With what it owns, unless that is to be left."""
        uid = self.things.pop(key)["metadata"]["uid"]
        for other, thing in list(self.things.items()):
            if policy != "Orphan" and uid in [owner["uid"] for owner in thing["metadata"].get("ownerReferences", [])]:
                self.delete(other, policy)

    # What a cluster does ----------------------------------------------------------------------------------------------

    def environment(self, pod: Json) -> dict[str, str] | None:
        """What its container gets; None as long as a Secret is missing."""
        values: dict[str, str] = {}
        container = pod["spec"]["containers"][0]
        for source in container.get("envFrom", []):
            secret = self.things.get((pod["metadata"]["namespace"], "secrets", source["secretRef"]["name"]))
            if not secret:
                return None
            values |= {name: base64.b64decode(value).decode() for name, value in secret["data"].items()}
        return values | {each["name"]: each.get("value", "") for each in container.get("env", [])}

    def container(self, pod: Json) -> Json:
        """The state of its container."""
        statuses = pod["status"].get("containerStatuses") or [{"state": {}}]
        return statuses[0]["state"]

    def pod_of(self, job: str) -> Json:
        with self.lock:
            return next(thing for (_, kind, _), thing in self.things.items()
                        if kind == "pods" and thing["metadata"]["labels"].get("job-name") == job)

    def set_state(self, pod: Json, **state: Json) -> None:
        """waiting=, running= or terminated= what the API shows of it; the Job follows."""
        with self.lock:
            end = state.get("terminated")
            phase = ("Succeeded" if end["exitCode"] == 0 else "Failed") if end else "Running" if "running" in state else "Pending"
            pod["status"] = {"phase": phase, "containerStatuses": [{
                "name": pod["spec"]["containers"][0]["name"], "image": "", "imageID": "", "ready": False, "restartCount": 0,
                "state": state}]}
            job = self.things.get((pod["metadata"]["namespace"], "jobs", pod["metadata"].get("labels", {}).get("job-name", "")))
            if end and job:
                good = end["exitCode"] == 0
                job["status"] = {"conditions": [{"type": "Complete" if good else "Failed", "status": "True"} | (
                    {} if good else {"reason": "BackoffLimitExceeded", "message": "Job has reached the specified backoff limit"})]}
