"""Deliveries of webhooks as GitHub and Bitbucket send them."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote_plus

import requests

FORM = "application/x-www-form-urlencoded"


def github_push(repository: str = "owner/repo", ref: str = "refs/heads/main", **changes: Any) -> dict[str, Any]:
    author = {"name": "An Author", "email": "author@example.test", "username": "author"}
    commit = {"id": "c0ffee", "message": "Änderung", "url": "https://example.test/c", "author": author, "added": ["a"]}
    return {"ref": ref, "before": "0" * 40, "after": "1" * 40,
            "repository": {"id": 1, "name": repository.split("/")[1], "full_name": repository,
                           "html_url": "https://example.test/" + repository, "private": False},
            "commits": [commit], "head_commit": commit, "pusher": {"name": "pusher"}} | changes


def bitbucket_push(repository: str = "team/repo", branch: str = "main", **changes: Any) -> dict[str, Any]:
    commit = {"hash": "c0ffee", "message": "Change", "links": {}, "author": {"name": "An Author", "raw": "x"}}
    return {"actor": {"username": "actor"},
            "repository": {"uuid": "{1}", "name": "repo", "full_name": repository, "links": {}, "scm": "git"},
            "push": {"changes": [{"new": {"name": branch, "type": "branch"}, "old": None, "commits": [commit]}]}} | changes


def signature(body: bytes, secret: str) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def deliver(url: str, source: dict[str, Any], event: Any, *, form: bool = False, secret: str | None = None,
            header: str = "X-Hub-Signature-256", **headers: str) -> requests.Response:
    """Posts an event (or bytes) to a source that has just been made; signed with its secret unless another one is given."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    if form:
        body = b"payload=" + quote_plus(body).encode()
    sent = {"Content-Type": FORM if form else "application/json"}
    secret = secret if secret is not None else source["metadata"]["configuration"]["webhook_secret"]
    if secret:
        sent[header] = signature(body, secret)
    return requests.post(f"{url}/api/v1/webhooks/{source['id']}", data=body, headers=sent | headers, timeout=60)
