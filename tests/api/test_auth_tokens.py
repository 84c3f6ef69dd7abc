"""Tokens that must not open anything, the order in which they are checked, and scoped API tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid

import pytest
import requests

from kit.api import NOBODY, Api, fails, ok
from kit.factory import World
from kit.servers import JWT_KEY

pytestmark = pytest.mark.sanitize

HEADER = {"alg": "HS256", "typ": "JWT"}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(value: object) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()


def sign(header: object, payload: object, key: bytes = JWT_KEY.encode(),
         digest: str = "sha256") -> str:
    text = b64(compact(header)) + "." + b64(compact(payload))
    return text + "." + b64(hmac.new(key, text.encode(), digest).digest())


def claims_of(token: str) -> dict:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.fixture(scope="module")
def stranger(server) -> Api:
    return Api(server.url, user=None)


@pytest.fixture
def claims(client: Api) -> dict:
    return claims_of(client.token)


def ask(stranger: Api, token: str) -> requests.Response:
    return stranger.call("GET", "/current-user",
                         headers={"Authorization": b"Bearer " + token.encode("latin-1")})


def refused(answer: requests.Response) -> str:
    assert answer.status_code == 401, answer.text
    assert answer.headers["www-authenticate"] == "Bearer"
    text = answer.json()["detail"]
    assert isinstance(text, str) and text.startswith("Authentication error: "), text
    return text


def wrong(claims: dict, token: str, case: str) -> str:
    """A token spoiled in the way that `case` names."""
    head, payload, mac = token.split(".")
    now = int(time.time())
    flipped = ("A" if mac[0] != "A" else "B") + mac[1:]
    swapped = b64(compact(claims | {"sub": str(uuid.uuid4())}))
    spoiled = {
        # form
        "empty": "", "blank": " ", "dot": ".", "two dots": "..", "three dots": "...",
        "word": "token", "two parts": f"{head}.{payload}", "one part": head,
        "four parts": f"{token}.{mac}", "leading dot": "." + token, "trailing dot": token + ".",
        "doubled": token + token, "blank before": " " + token, "comma": token + "," + token,
        "quoted": f'"{token}"', "bearer twice": "Bearer " + token,
        "swapped parts": f"{payload}.{head}.{mac}", "newline escape": token.replace(".", "\\n.", 1),
        "long": "a" * 7000, "long parts": "a" * 2000 + "." + "b" * 2000 + "." + "c" * 2000,
        "many dots": "." * 3000, "high bytes": "\xff\xfe.\xff.\xff", "percent": "%00.%00.%00",
        # signature
        "no signature": f"{head}.{payload}.", "flipped": f"{head}.{payload}.{flipped}",
        "short signature": f"{head}.{payload}.{mac[:-2]}", "half signature": f"{head}.{payload}.{mac[:21]}",
        "one byte": f"{head}.{payload}.AA", "longer signature": f"{head}.{payload}.{mac}AAAA",
        "signature of zeros": f"{head}.{payload}.{b64(bytes(32))}",
        "hex signature": f"{head}.{payload}." + hmac.new(JWT_KEY.encode(), f"{head}.{payload}".encode(), "sha256").hexdigest(),
        "other payload": f"{head}.{swapped}.{mac}",
        "standard alphabet": f"{head}.{payload}." + "+/" * 21 + "+",
        "padded signature": f"{head}.{payload}.{mac}=",
        "key empty": sign(HEADER, claims, b""), "key shorter": sign(HEADER, claims, JWT_KEY[:-1].encode()),
        "key longer": sign(HEADER, claims, JWT_KEY.encode() + b"0"),
        "key is the server id": sign(HEADER, claims, claims["iss"].encode()),
        "signed without dots": f"{head}.{payload}." + b64(hmac.new(JWT_KEY.encode(), (head + payload).encode(), "sha256").digest()),
        # algorithm
        "none": b64(compact({"alg": "none", "typ": "JWT"})) + f".{payload}.",
        "None": b64(compact({"alg": "None", "typ": "JWT"})) + f".{payload}.",
        "NONE signed": sign({"alg": "NONE"}, claims), "none signed": sign({"alg": "none"}, claims),
        "alg missing": sign({"typ": "JWT"}, claims), "alg null": sign({"alg": None}, claims),
        "alg empty": sign({"alg": ""}, claims), "alg number": sign({"alg": 256}, claims),
        "alg list": sign({"alg": ["HS256"]}, claims), "alg lower case": sign({"alg": "hs256"}, claims),
        "alg with blank": sign({"alg": "HS256 "}, claims), "HS384": sign({"alg": "HS384"}, claims, digest="sha384"),
        "HS512": sign({"alg": "HS512"}, claims, digest="sha512"),
        "RS256 confused": sign({"alg": "RS256", "typ": "JWT"}, claims), "ES256 confused": sign({"alg": "ES256"}, claims),
        "EdDSA confused": sign({"alg": "EdDSA"}, claims), "PS256 confused": sign({"alg": "PS256"}, claims),
        "HS256 cut by HS512": sign({"alg": "HS256"}, claims, digest="sha512"),
        # header and payload
        "header empty": sign(b"", claims), "header list": sign([], claims), "header text": sign("HS256", claims),
        "header broken": sign(b'{"alg":"HS256"', claims), "header nan": sign(b'{"alg":"HS256","x":NaN}', claims),
        "header single quotes": sign(b"{'alg':'HS256'}", claims), "header latin": sign(b'{"alg":"HS256","x":"\xe9"}', claims),
        "payload empty": sign(HEADER, b""), "payload list": sign(HEADER, []), "payload number": sign(HEADER, b"5"),
        "payload null": sign(HEADER, b"null"), "payload broken": sign(HEADER, compact(claims)[:-1]),
        "payload twice": sign(HEADER, compact(claims) * 2), "payload deep": sign(HEADER, b'{"a":' * 500 + b"1" + b"}" * 500),
        "payload latin": sign(HEADER, b'{"sub":"\xe9"}'), "payload nul": sign(HEADER, compact(claims) + b"\0"),
        # claims
        "expired": sign(HEADER, claims | {"exp": now - 11}), "expired long ago": sign(HEADER, claims | {"exp": 0}),
        "expired before 1970": sign(HEADER, claims | {"exp": -1e300}), "exp text": sign(HEADER, claims | {"exp": "never"}),
        "exp list": sign(HEADER, claims | {"exp": [now + 60]}), "exp null": sign(HEADER, claims | {"exp": None}),
        "not yet": sign(HEADER, claims | {"nbf": now + 60}), "nbf text": sign(HEADER, claims | {"nbf": "x"}),
        "issued later": sign(HEADER, claims | {"iat": now + 60}), "iat object": sign(HEADER, claims | {"iat": {}}),
        "other server": sign(HEADER, claims | {"iss": NOBODY, "aud": NOBODY}),
        "other issuer": sign(HEADER, claims | {"iss": NOBODY}), "issuer list": sign(HEADER, claims | {"iss": [claims["iss"]]}),
        "other audience": sign(HEADER, claims | {"aud": NOBODY}), "audience empty": sign(HEADER, claims | {"aud": []}),
        "audience object": sign(HEADER, claims | {"aud": {claims["aud"]: 1}}), "audience upper": sign(HEADER, claims | {"aud": claims["aud"].upper()}),
        "subject number": sign(HEADER, claims | {"sub": 5}), "subject list": sign(HEADER, claims | {"sub": [claims["sub"]]}),
        "subject name": sign(HEADER, claims | {"sub": "default"}), "subject sql": sign(HEADER, claims | {"sub": "' OR 1=1 -- "}),
        "subject unknown": sign(HEADER, claims | {"sub": NOBODY}), "subject with nul": sign(HEADER, claims | {"sub": claims["sub"] + "\0x"}),
        "device number": sign(HEADER, claims | {"device_id": 5}), "device null": sign(HEADER, claims | {"device_id": None}),
        "device unknown": sign(HEADER, claims | {"device_id": NOBODY}), "key unknown": sign(HEADER, claims | {"api_key_id": NOBODY}),
        "key text": sign(HEADER, claims | {"api_key_id": "key"}), "pipeline text": sign(HEADER, claims | {"pipeline_id": "x"}),
        "schedule number": sign(HEADER, claims | {"schedule_id": 1}),
        "no issuer": sign(HEADER, {k: v for k, v in claims.items() if k != "iss"}),
        "no audience": sign(HEADER, {k: v for k, v in claims.items() if k != "aud"}),
        "no subject": sign(HEADER, {k: v for k, v in claims.items() if k != "sub"}), "no claims": sign(HEADER, {}),
    }
    return spoiled[case] if case else json.dumps(sorted(spoiled))


CASES = json.loads(wrong({"iss": NOBODY, "aud": NOBODY, "sub": NOBODY}, "a.b.c", ""))


def test_there_are_many_cases() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("case", CASES)
def test_hostile_token(client: Api, stranger: Api, claims: dict, case: str) -> None:
    """Each of them is refused, in a header and in a cookie, and the worker lives on."""
    token = wrong(claims, client.token, case)
    refused(ask(stranger, token))
    if token.strip() and not set(token) & set(' ",;\\') and token.isascii():
        name = "zenml-server-" + claims["iss"]
        refused(stranger.call("GET", "/current-user", headers={"Cookie": f"{name}={token}"}))
    ok(ask(stranger, client.token))


@pytest.mark.parametrize("case,text", [
    ("two parts", "Not enough segments"), ("one part", "Not enough segments"),
    ("alg missing", "Algorithm not specified"), ("HS512", "The specified alg value is not allowed"),
    ("flipped", "Signature verification failed"), ("payload list", "must be a json object"),
    ("expired", "Signature has expired"), ("not yet", "(nbf)"), ("issued later", "(iat)"),
    ("other issuer", "Invalid issuer"), ("other audience", "Audience doesn't match"),
    ("no issuer", 'missing the "iss" claim'), ("no audience", 'missing the "aud" claim'),
    ("audience object", "Invalid claim format in token"), ("no subject", "the subject claim is missing"),
    ("subject name", "the subject claim is not a valid UUID"), ("key text", "the api_key_id claim is not a valid UUID"),
    ("subject unknown", "error retrieving token account"), ("device unknown", "error retrieving token device"),
    ("key unknown", "error retrieving API key")])
def test_reason(client: Api, stranger: Api, claims: dict, case: str, text: str) -> None:
    assert text in refused(ask(stranger, wrong(claims, client.token, case)))


def test_the_first_problem_is_told(stranger: Api, claims: dict) -> None:
    """Signature before payload, times before issuer, issuer before audience, audience before subject."""
    bad = {"exp": 1, "iss": "x", "aud": "y", "sub": "z", "device_id": "d"}
    assert "Signature verification" in refused(ask(stranger, sign(HEADER, b"[", b"other key")))
    for fixed, text in (({}, "expired"), ({"exp": time.time() + 99}, "issuer"),
                        ({"iss": claims["iss"]}, "Audience"), ({"aud": claims["aud"]}, "subject"),
                        ({"sub": claims["sub"]}, "device_id")):
        bad |= fixed
        assert text in refused(ask(stranger, sign(HEADER, bad)))


def test_published_vectors_of_the_algorithm(launch, server) -> None:
    """RFC 7515 appendix A.1: its key signs its token; here it is a good signature of a wrong issuer."""
    if not server.mariadb:
        pytest.skip("needs a Kanso of its own")
    key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
    token = ("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
             ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
             ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    raw = base64.urlsafe_b64decode(key + "==")
    head, payload, mac = token.split(".")
    assert b64(hmac.new(raw, f"{head}.{payload}".encode(), hashlib.sha256).digest()) == mac
    assert "Signature verification failed" in refused(ask(Api(server.url, user=None), token))


def test_other_algorithms(launch, server) -> None:
    if not server.mariadb:
        pytest.skip("needs a Kanso of its own")
    for name, digest in (("HS384", "sha384"), ("HS512", "sha512")):
        other = launch(ZENML_SERVER_JWT_TOKEN_ALGORITHM=name, ZENML_SERVER_JWT_TOKEN_ISSUER="the issuer",
                       ZENML_SERVER_JWT_TOKEN_AUDIENCE="the audience", ZENML_SERVER_JWT_TOKEN_EXPIRE_MINUTES="5")
        api = Api(other.url)
        claims = claims_of(api.token)
        assert (claims["iss"], claims["aud"]) == ("the issuer", "the audience")
        assert 290 < claims["exp"] - time.time() <= 300
        assert api.token == sign({"alg": name, "typ": "JWT"}, claims, digest=digest)
        stranger = Api(other.url, user=None)
        refused(ask(stranger, sign(HEADER, claims)))
        refused(ask(stranger, sign({"alg": name}, claims)))
        other.stop()


def test_claims_of_a_login(client: Api, claims: dict) -> None:
    assert set(claims) == {"sub", "iss", "aud"}


# Tokens for pipelines and schedules

@pytest.fixture(scope="module")
def machine(server, world: World) -> Api:
    """A service account that has signed in with a key."""
    account = world.api.make("/service_accounts", {"name": world.name("sa"), "active": True})
    key = world.api.make(f"/service_accounts/{account['id']}/api_keys", {"name": "k"})["body"]["key"]
    api = Api(server.url, user=None)
    answer = ok(api.call("POST", "/login", data={"password": key}))
    api.session.cookies.clear()
    api.token = answer["access_token"]
    api.session.headers["Authorization"] = "Bearer " + api.token
    return api


def test_a_user_gets_the_own_token_back(client: Api) -> None:
    assert client.read("/api_token", pipeline_id=NOBODY, expires_minutes=5) == client.token


def test_scoped_token(machine: Api, stranger: Api) -> None:
    token = machine.read("/api_token", pipeline_id=NOBODY, expires_minutes=5)
    claims, old = claims_of(token), claims_of(machine.token)
    assert claims["pipeline_id"] == NOBODY and 290 < claims["exp"] - time.time() <= 300
    assert {key: claims[key] for key in old} == old
    ok(ask(stranger, token))
    headers = {"Authorization": "Bearer " + token}
    again = ok(stranger.call("GET", f"/api_token?schedule_id={NOBODY}", headers=headers))
    assert claims_of(again) == claims | {"schedule_id": NOBODY}
    other = str(uuid.uuid4())
    for query in (f"pipeline_id={other}", f"pipeline_id={other}&schedule_id={NOBODY}"):
        fails(stranger.call("GET", "/api_token?" + query, headers=headers), 401, "AuthorizationException")


def test_a_token_does_not_outlive_the_one_it_is_made_from(machine: Api, stranger: Api) -> None:
    headers = {"Authorization": "Bearer " + machine.read("/api_token", expires_minutes=2)}
    for query in ("", "?expires_minutes=0", "?expires_minutes=500000"):
        claims = claims_of(ok(stranger.call("GET", "/api_token" + query, headers=headers)))
        assert claims["exp"] - time.time() <= 120
    fails(stranger.call("GET", "/api_token?expires_minutes=99999999999999", headers=headers), 400, "ValueError")
