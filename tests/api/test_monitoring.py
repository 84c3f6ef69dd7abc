"""What an operator sees: ids of requests, logs, probes and metrics."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Iterator

import pytest
import requests

from kit.api import Api
from kit.process import REPOSITORY, executable_of, free_port, wait_until
from kit.servers import Kanso

ID = re.compile(r"[0-9A-Za-z._-]{8,64}")
OPERATIONS = REPOSITORY / "docs" / "operations"
TOKEN = "a-token-for-metrics-only"
SAMPLE = re.compile(r'([a-z_]+)(?:\{(.*)\})? ([0-9.e+-]+|\+Inf|NaN)')


@pytest.fixture(scope="module")
def watched(request: pytest.FixtureRequest, server_url: str | None) -> Iterator[Kanso]:
    """A Kanso behind a trusted proxy (the tests), which logs all it can, with a listener for metrics."""
    if server_url:
        pytest.skip("needs a Kanso of its own")
    port = free_port()
    instance = request.getfixturevalue("launch")(KANSO_TRUSTED_PROXIES="127.0.0.1", KANSO_ACCESS_LOG="on",
                                                 KANSO_LOG_LEVEL="debug", KANSO_JOBS="0", KANSO_METRICS=str(port),
                                                 ZENML_SERVER_RATE_LIMIT_ENABLED="true")
    instance.metrics = f"http://127.0.0.1:{port}"
    yield instance
    instance.stop()


@pytest.fixture(scope="module")
def guarded(request: pytest.FixtureRequest, server_url: str | None) -> Iterator[Kanso]:
    """One whose metrics are shown to who has the token, and which logs JSON and every request as slow."""
    if server_url:
        pytest.skip("needs a Kanso of its own")
    instance = request.getfixturevalue("launch")(workers="rest:1", KANSO_METRICS_TOKEN=TOKEN, KANSO_LOG_FORMAT="json",
                                                 KANSO_SLOW_REQUEST="1", KANSO_LOG_LEVEL="debug", KANSO_ACCESS_LOG="on",
                                                 KANSO_JOBS="0")
    yield instance
    instance.stop()


def text_of(kanso: Kanso) -> str:
    answer = requests.get(kanso.metrics + "/metrics", timeout=20)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return answer.text


def samples(kanso: Kanso) -> dict[str, float]:
    """Name with labels, as they stand there, and value."""
    found = {}
    for line in text_of(kanso).splitlines():
        if not line.startswith("#"):
            name, labels, value = SAMPLE.fullmatch(line).groups()  # type: ignore[union-attr]
            assert (key := f"{name}{{{labels}}}" if labels else name) not in found, line
            found[key] = float(value)
    return found


def requests_to(found: dict[str, float], method: str, route: str, code: int) -> float:
    return found.get(f'kanso_http_requests_total{{method="{method}",route="{route}",code="{code}"}}', 0)


def of_worker(kanso: Kanso, program: str) -> list[int]:
    return [pid for pid in kanso.workers() if executable_of(pid).endswith("/" + program)]


def logged(kanso: Kanso, pattern: str, text: str) -> list[str]:
    """Lines with that text in the logs of that name."""
    return [line for log in (kanso.home / "log").glob(pattern) for line in log.read_text().splitlines() if text in line]


def asked(kanso: Kanso, path: str, sent: str | None = None, **more: str) -> str:
    """The id that a request for `path` is answered with."""
    headers = more | ({"X-Request-ID": sent} if sent is not None else {})
    given = requests.get(kanso.url + path, headers=headers, timeout=20).headers["x-request-id"]
    assert ID.fullmatch(given), given
    return given


# Answered by a worker, by nginx with a file, and by nginx with a refusal.
PATHS = ("/api/v1/info", "/api/v1/users", "/", "/api/v1/nothing", "/health%01")


@pytest.mark.parametrize("path", PATHS)
def test_answers_name_their_request(watched: Kanso, path: str) -> None:
    ids = {asked(watched, path) for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize("sent", ["abcdefgh", "7f3c.A-b_9" * 6, "x" * 64])
def test_a_trusted_proxy_names_requests(watched: Kanso, sent: str) -> None:
    assert [asked(watched, path, sent) for path in PATHS[:3]] == [sent] * 3


@pytest.mark.parametrize("sent", ["", "short", "x" * 65, "with blank in it", "quote'and\"quotes", "semi;colon;", "a*/b/*cdefg",
                                  "ümläute-üüü", "{braces}{}", "$variables"])
def test_what_is_no_id_is_not_believed(watched: Kanso, sent: str) -> None:
    assert [asked(watched, path, sent.encode().decode("latin-1")) == sent for path in PATHS[:3]] == [False] * 3


def test_strangers_name_nothing(server: Kanso, server_url: str | None) -> None:
    if server_url:
        pytest.skip("needs Kanso")
    for path in PATHS[:3]:
        assert asked(server, path, "a-good-id-1") != "a-good-id-1"
        assert asked(server, path, "a-good-id-1", **{"X-Forwarded-For": "127.0.0.1"}) != "a-good-id-1"


def test_logs_share_the_id(watched: Kanso) -> None:
    client = Api(watched.url)
    answer = client.call("GET", "/users?size=1", headers={"X-Request-ID": "find-me-again.1"})
    assert answer.ok and answer.headers["x-request-id"] == "find-me-again.1"
    wait_until(lambda: logged(watched, "worker-*.log", "find-me-again.1"), 20, "the worker's line")
    wait_until(lambda: logged(watched, "access.log", "find-me-again.1"), 20, "nginx's line")
    assert "GET /api/v1/users 200" in logged(watched, "worker-*.log", "find-me-again.1")[0]
    assert "GET /api/v1/users 200" in logged(watched, "access.log", "find-me-again.1")[0]


# Metrics -------------------------------------------------------------------------------------------------------------


def test_every_request_is_counted(watched: Kanso) -> None:
    """Workers share the counters: what one has counted stays when it is killed."""
    client, before, failed, killed, route = Api(watched.url), samples(watched), 0, 0, "/api/v1/tags"
    starts = 'kanso_process_starts_total{process="server"}'
    for _ in range(3):
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: client.get("/tags", size=1).status_code, range(60)))
        failed += sum(status != 200 for status in answers)
        for pid in of_worker(watched, "server"):
            os.kill(pid, signal.SIGKILL)
        killed += 3
        wait_until(lambda: samples(watched)[starts] - before[starts] == killed, 30, "new workers")
    assert failed == 0
    after = samples(watched)
    assert requests_to(after, "GET", route, 200) - requests_to(before, "GET", route, 200) == 180


def test_killed_while_they_count(watched: Kanso) -> None:
    """Whoever has an answer has been counted; nobody is counted twice, nothing is counted in part."""
    client, route, stop = Api(watched.url), "/api/v1/tags", []
    before = samples(watched)

    def work(_: int) -> tuple[int, int]:
        good = bad = 0
        while not stop:
            if client.get("/tags", size=1).status_code == 200:
                good += 1
            else:
                bad += 1
        return good, bad

    with ThreadPoolExecutor(6) as pool:
        running = [pool.submit(work, i) for i in range(6)]
        for _ in range(12):
            for pid in of_worker(watched, "server")[:2]:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
        stop.append(True)
        counts = [one.result() for one in running]
    good, bad = sum(count[0] for count in counts), sum(count[1] for count in counts)
    after = samples(watched)
    counted = requests_to(after, "GET", route, 200) - requests_to(before, "GET", route, 200)
    assert good <= counted <= good + bad, (good, bad, counted)
    check_sums(after)
    assert after['kanso_requests_in_flight{process="server"}'] == 0


def check_sums(found: dict[str, float]) -> None:
    """Histograms add up, and agree with the requests by status."""
    totals: dict[str, float] = {}
    for key, value in found.items():
        if key.startswith("kanso_http_requests_total"):
            operation = key.split("{")[1].rsplit(",code=", 1)[0]
            totals[operation] = totals.get(operation, 0) + value
    assert totals
    for operation, total in totals.items():
        assert found[f"kanso_http_request_duration_seconds_count{{{operation}}}"] == total
        buckets = [value for key, value in found.items()
                   if key.startswith(f"kanso_http_request_duration_seconds_bucket{{{operation},le=")]
        assert len(buckets) == 15 and buckets == sorted(buckets) and buckets[-1] == total


def test_only_templates_are_labels(watched: Kanso) -> None:
    for path in ("/nothing-of-this-kind", "/api/v1/tags/a-name-like-no-other", f"/api/v1/runs/{uuid.uuid4()}"):
        requests.get(watched.url + "/api/v1" + path.removeprefix("/api/v1"), timeout=20)
    Api(watched.url).get("/tags/a-name-like-no-other")
    text, found = text_of(watched), samples(watched)
    assert "no-other" not in text and "of-this-kind" not in text
    assert requests_to(found, "GET", "/api/v1/tags/{tag_name_or_id}", 404) >= 1
    assert requests_to(found, "none", "none", 404) >= 1
    served = {(method, path) for _, method, path in watched.routes()} | {("none", "none")}
    for key in found:
        if match := re.search(r'method="([^"]*)",route="([^"]*)"', key):
            assert match.groups() in served, key


def test_sign_ins(watched: Kanso) -> None:
    before = samples(watched)
    Api(watched.url)
    login = watched.url + "/api/v1/login"
    statuses = [requests.post(login, data={"username": "nobody", "password": str(i)}, timeout=60).status_code for i in range(8)]
    assert 401 in statuses and 429 in statuses
    assert requests.post(login, data={"password": "ZENKEY_x"}, timeout=60).status_code in (401, 429)
    after = samples(watched)
    assert after['kanso_logins_total{grant="password"}'] - before['kanso_logins_total{grant="password"}'] == 1
    assert after['kanso_logins_refused_total{grant="password"}'] - before['kanso_logins_refused_total{grant="password"}'] == 8
    assert after['kanso_logins_refused_total{grant="api_key"}'] - before['kanso_logins_refused_total{grant="api_key"}'] == 1
    limited = 'kanso_rate_limited_total{limiter="login"}'
    assert after[limited] - before[limited] >= statuses.count(429)
    watched.sql("DELETE FROM kanso_attempt")


def cut_off(kanso: Kanso) -> bool:
    """Ends all connections to the database and asks a few times; whether a request was begun again. One that meets only
    workers without a connection is not, but leaves them with one."""
    before = samples(kanso)["kanso_database_retries_total"]
    for identity, in kanso.sql(f"SELECT id FROM information_schema.processlist WHERE db = '{kanso.database}' AND id <> CONNECTION_ID()"):
        kanso.sql(f"KILL {identity}")
    client = Api(kanso.url)
    for _ in range(6):
        assert client.get("/tags", size=1).status_code == 200
    return samples(kanso)["kanso_database_retries_total"] > before


def test_the_database(watched: Kanso) -> None:
    before = samples(watched)
    wait_until(lambda: cut_off(watched), 60, "a request that was begun again")
    watched.sql("INSERT INTO kanso_job (id, created, updated, kind, subject, state, due, payload) VALUES "
                "('a', NOW(), NOW(), 'watch', '', 'waiting', 1, ''), ('b', NOW(), NOW(), 'watch', '', 'waiting', 4000000000, ''), "
                "('c', NOW(), NOW(), 'watch', '', 'failed', 1, '')")
    after = samples(watched)
    watched.sql("DELETE FROM kanso_job")
    for name in ("kanso_database_connections_total", 'kanso_database_errors_total{class="lost"}', "kanso_database_retries_total",
                 "kanso_database_statement_duration_seconds_count"):
        assert after[name] > before[name], name
    assert [after[f'kanso_jobs{{state="{state}"}}'] for state in ("due", "later", "running", "failed")] == [1, 1, 0, 1]
    assert after["kanso_jobs_oldest_due_seconds"] > 1e9 and after["kanso_database_ready"] == 1


def test_processes(watched: Kanso) -> None:
    wait_until(lambda: samples(watched)['kanso_processes{process="server"}'] == 3, 30, "those that have just been killed")
    found = samples(watched)
    for name, count in (("server", 3), ("auth", 1), ("probes", 1)):
        assert found[f'kanso_processes{{process="{name}"}}'] == count
        assert found[f'kanso_process_resident_bytes{{process="{name}"}}'] > count * 1e6
    assert found['kanso_requests_in_flight{process="probes"}'] == 1  # this one
    assert found['kanso_build_info{version="0.1.0",zenml="0.66.0"}'] == 1


def test_metrics_are_not_public(watched: Kanso, guarded: Kanso) -> None:
    """By a listener of its own, which leads nowhere else; or with the token."""
    assert requests.get(watched.url + "/metrics", timeout=20).status_code == 404
    assert requests.get(watched.url + "/metrics", headers={"KANSO_LISTENER": "metrics", "Kanso-Listener": "metrics"},
                        timeout=20).status_code == 404
    for path in ("/", "/health", "/api/v1/info", "/metrics/x", "/.caller"):
        assert requests.get(watched.metrics + path, timeout=20).status_code == 404
    assert requests.post(watched.metrics + "/metrics", timeout=20).status_code == 405
    for sent in (None, "Bearer", "Bearer ", "Bearer " + TOKEN[:-1], "Bearer " + TOKEN + "x", "Basic " + TOKEN,
                 "Bearer " + Api(guarded.url).token):
        answer = requests.get(guarded.url + "/metrics", headers={"Authorization": sent} if sent else {}, timeout=20)
        assert answer.status_code == 401 and "kanso_" not in answer.text, sent
    answer = requests.get(guarded.url + "/metrics", headers={"Authorization": "bearer " + TOKEN}, timeout=20)
    assert answer.status_code == 200 and "kanso_http_requests_total" in answer.text
    assert not logged(guarded, "*.log", TOKEN)
    assert "/metrics" not in requests.get(guarded.url + "/openapi.json", timeout=20).json()["paths"]


def test_prometheus_reads_it(watched: Kanso) -> None:
    if not (promtool := os.environ.get("PROMTOOL") or shutil.which("promtool")):
        pytest.skip("no promtool (make check-prometheus)")
    for command, text in ((["check", "metrics"], text_of(watched)), (["check", "rules", str(OPERATIONS / "kanso-alerts.yml")], "")):
        done = subprocess.run([promtool, *command], input=text, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr


def test_what_is_drawn_is_there(watched: Kanso) -> None:
    """Dashboard, alert rules and the page about them speak of metrics and labels that there are."""
    text = text_of(watched)
    families = set(re.findall(r"^# TYPE (\w+) ", text, re.M))
    assert families == set(re.findall(r"^# HELP (\w+) ", text, re.M))
    labels = set(re.findall(r'[{,](\w+)="', text)) | {"instance", "job"}
    page, rules = ((OPERATIONS / name).read_text() for name in ("monitoring.md", "kanso-alerts.yml"))
    board = json.loads((OPERATIONS / "kanso-dashboard.json").read_text())
    drawn = " ".join(target["expr"] for panel in board["panels"] for target in panel.get("targets", []))
    for where in (page, rules, drawn):
        named = {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\bkanso_[a-z_]+\b", where)}
        assert named <= families, named - families
    assert {name for name in families if f"`{name}`" not in page} == set()
    assert set(re.findall(r'[{,] ?(\w+)[=!]~?"', rules + drawn)) <= labels


def test_counters_survive(watched: Kanso) -> None:
    """A new start goes on counting; a file that is not ours, or of another meaning, is put aside."""
    counters, route = watched.home / "tmp" / "metrics", "/api/v1/info"
    assert counters.stat().st_mode & 0o777 == 0o600
    requests.get(watched.url + route, timeout=20)
    before = requests_to(samples(watched), "GET", route, 200)
    assert before > 0
    watched.stop()
    watched.start()
    assert requests_to(samples(watched), "GET", route, 200) >= before
    watched.stop()
    with counters.open("r+b") as file:
        file.seek(16)
        file.write(b"another!")
    watched.start()
    assert requests_to(samples(watched), "GET", route, 200) < before


# Probes --------------------------------------------------------------------------------------------------------------


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_probes_do_not_wait(watched: Kanso) -> None:
    """The database hangs, and with it every worker."""
    def probe(path: str) -> tuple[int, float, str]:
        began = time.monotonic()
        answer = requests.get(watched.url + path, timeout=30)
        return answer.status_code, time.monotonic() - began, answer.text

    wait_until(lambda: probe("/ready")[0] == 200, 20, "a database that answers in half a second")
    with ThreadPoolExecutor(12) as pool:
        with frozen(watched.mariadb.process.pid):
            held = [pool.submit(requests.get, watched.url + "/api/v1/info", timeout=60) for _ in range(12)]
            wait_until(lambda: samples(watched)['kanso_requests_in_flight{process="server"}'] == 3, 20, "busy workers")
            for _ in range(3):
                status, seconds, text = probe("/health")
                assert (status, text) == (200, '"OK"') and seconds < 3, seconds
                status, seconds, text = probe("/ready")
                assert status == 503 and seconds < 3, seconds
                assert "atabase" in text
            found = samples(watched)
            assert found["kanso_database_ready"] == 0 and "kanso_jobs_oldest_due_seconds" not in found
            assert found['kanso_request_oldest_seconds{process="server"}'] > 0
        assert {one.result().status_code for one in held} <= {200}
    wait_until(lambda: probe("/ready")[0] == 200, 20, "a database that answers")


# Logs ----------------------------------------------------------------------------------------------------------------


def test_logs_as_json(guarded: Kanso) -> None:
    """Every line is an object, whatever has been sent."""
    for path in ('/api/v1/tags/%22%5c%0a%1b%5b2J{"', "/api/v1/%ff%fe", '/"quo\\ted"', "/%c2%9b"):
        requests.get(guarded.url + path, timeout=20)
    with socket.create_connection(("127.0.0.1", int(guarded.url.rpartition(":")[2])), 20) as raw:
        raw.sendall(b"GET /api/v1/raw\xff\xc3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert raw.recv(1000)
    marker = uuid.uuid4().hex
    requests.get(guarded.url + "/api/v1/" + marker, timeout=20)
    wait_until(lambda: bool(logged(guarded, "access.log", marker)), 20, "the line")
    lines = [line for log in ("access.log", "worker-rest.log") for line in (guarded.home / "log" / log).read_text().splitlines()]
    assert len(lines) > 10
    for line in lines:
        said = json.loads(line)
        assert {"time", "process", "level"} <= set(said), line
        assert not re.search(r"[\x00-\x1f\x7f]", str(said.get("message", ""))), line


def test_slow_requests(guarded: Kanso) -> None:
    """With their statements, but without values."""
    client, name = Api(guarded.url), "secret" + uuid.uuid4().hex
    with ThreadPoolExecutor(1) as pool, frozen(guarded.mariadb.process.pid):
        waiting = pool.submit(client.get, "/tags", name=name)
        time.sleep(0.1)  # what makes it slow
    assert waiting.result().status_code == 200
    identity = waiting.result().headers["x-request-id"]
    wait_until(lambda: len(logged(guarded, "worker-rest.log", identity)) >= 3, 20, "its lines")
    said = [json.loads(line) for line in logged(guarded, "worker-rest.log", identity)]
    assert all(one["request_id"] == identity for one in said)
    texts = [one["message"] for one in said]
    assert re.search(r"slow request: GET /api/v1/tags 200 in \d+ ms, of which \d+ ms in \d+ statements on connection \d+",
                     "\n".join(texts))
    assert any("statement" in text and "tag" in text for text in texts), texts
    assert name not in "".join(texts)


def test_transactions_name_their_request(guarded: Kanso) -> None:
    client, database = Api(guarded.url), guarded.mariadb
    name = "t" + uuid.uuid4().hex[:10]
    database.sql("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = 1")
    try:
        answer = client.post("/tags", {"name": name, "color": "blue"})
        assert answer.status_code == 200
    finally:
        database.sql("SET GLOBAL general_log = 0")
    said = database.sql("SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log WHERE argument LIKE 'START TRANSACTION%'")
    assert [f"START TRANSACTION /* {answer.headers['x-request-id']} */"] in said
