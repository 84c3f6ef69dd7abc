"""For the reference: its cloud SDKs reach the double in `kit/cloud.py`, whatever host they call.

Python imports this module by itself when its folder is on PYTHONPATH. Names are resolved to loopback, and gRPC, which has a
network stack of its own, is carried over HTTP with JSON, as Google's REST API has it. The SDKs are otherwise as they are.
"""

from __future__ import annotations

import json
import operator
import os
import re
import socket
from typing import Any

SECURE, PLAIN, SHELL = (int(port) for port in os.environ["KANSO_DOUBLE_PORTS"].split(","))
OWN = {None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0"}
resolve = socket.getaddrinfo


def getaddrinfo(host: Any, port: Any, *options: Any, **named: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    if name in OWN or name.startswith("127."):
        return resolve(host, port, *options, **named)
    place = ("127.0.0.1", {"80": PLAIN, "22": SHELL}.get(str(port), SECURE))
    return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place)]


socket.getaddrinfo = getaddrinfo

# What of gRPC the connectors call: the path of the REST API, with the members of the request that stand in it.
PATHS = {"ListClusters": "/v1/{parent}/clusters", "ListLocations": "/v1/{name}/locations",
         "ListRepositories": "/v1/{parent}/repositories", "GetRepository": "/v1/{name}",
         "CreateSecret": "/v1/{parent}/secrets?secretId={secret_id}", "AddSecretVersion": "/v1/{parent}:addVersion",
         "GetSecret": "/v1/{name}", "AccessSecretVersion": "/v1/{name}:access", "DeleteSecret": "/v1/{name}",
         "UpdateSecret": "/v1/{secret.name}?updateMask=labels"}
# Those that do not only read: the verb, and the member of the request that is the body (None: all of it).
WRITES = {"CreateSecret": ("POST", "secret"), "AddSecretVersion": ("POST", None), "DeleteSecret": ("DELETE", None),
          "UpdateSecret": ("PATCH", "secret")}


def channel_over_http(target: str, credentials: Any = None, **_: Any) -> Any:
    import grpc
    import requests
    from google.auth.transport.requests import Request
    from google.protobuf import json_format

    class Outcome(grpc.Call):
        def __init__(self, status: int, text: str = "") -> None:
            self.status, self.text = status, text

        def code(self) -> Any:
            return {200: grpc.StatusCode.OK, 403: grpc.StatusCode.PERMISSION_DENIED, 404: grpc.StatusCode.NOT_FOUND}.get(
                self.status, grpc.StatusCode.UNKNOWN)

        def details(self) -> str:
            return self.text

        def trailing_metadata(self) -> tuple:
            return ()

        initial_metadata = trailing_metadata
        is_active = time_remaining = cancel = add_callback = lambda self, *_: None

    class Refusal(Outcome, grpc.RpcError):
        def result(self) -> Any:
            raise self

    class Method:
        def __init__(self, name: str, serialize: Any, deserialize: Any) -> None:
            self.name, self.deserialize = name, deserialize
            self.answer = getattr(deserialize, "__self__", None)  # the message's class, of proto-plus or plain

        def __call__(self, request: Any, **_: Any) -> Any:
            path = re.sub(r"{([\w.]+)}", lambda member: operator.attrgetter(member[1])(request), PATHS[self.name])
            verb, part = WRITES.get(self.name, ("GET", None))
            body = getattr(request, part) if part else request
            sent = json_format.MessageToDict(type(body).pb(body)) if self.name in WRITES else None
            headers: dict[str, str] = {}
            credentials.before_request(Request(), "GET", "https://" + target, headers)
            more = {"pageToken": request.page_token} if getattr(request, "page_token", "") else {}
            got = requests.request(verb, f"https://{target.split(':')[0]}{path}", headers=headers, params=more, json=sent,
                                   timeout=20)
            if got.status_code != 200:
                raise Refusal(got.status_code, got.text)
            if self.name == "DeleteSecret":
                return self.deserialize(b"")
            if hasattr(self.answer, "pb"):
                message = self.answer.pb(self.answer())
            else:
                from google.cloud.location import locations_pb2
                message = locations_pb2.ListLocationsResponse()
            json_format.Parse(json.dumps(got.json()), message, ignore_unknown_fields=True)
            return self.deserialize(message.SerializeToString())

        def with_call(self, request: Any, **options: Any) -> Any:
            return self(request, **options), Outcome(200)

    class Channel(grpc.Channel):
        def unary_unary(self, method: str, request_serializer: Any = None, response_deserializer: Any = None, *_: Any,
                        **__: Any) -> Any:
            return Method(method.rsplit("/", 1)[1], request_serializer, response_deserializer)

        unary_stream = stream_unary = stream_stream = unary_unary
        subscribe = unsubscribe = close = lambda self, *_: None

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: Any) -> None:
            pass

    return Channel()


def patch_grpc() -> None:
    try:
        from google.api_core import grpc_helpers
    except ImportError:
        return
    grpc_helpers.create_channel = channel_over_http


if os.environ.get("ZENML_SERVER"):  # pip and its like need none of this
    patch_grpc()
