"""docs/install/nginx.md: the host's nginx passes requests on, under a name of its own and below a path."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Callable, Iterator

import pytest
import requests

from deploy.conftest import BUILD, Home, Hosted, settings, tarball, wait_ready
from kit.api import Api
from kit.load import Load
from kit.machine import Page
from kit.process import free_port, stop, wait_until
from kit.servers import Kanso
from kit.stock import StockClient

TREE = Page("shared-hosting.md")  # how Kanso itself comes there


def site(kanso: Kanso) -> str:
    """What the page's command prints with the instance's settings."""
    return subprocess.run([str(kanso.build / "bin" / "kansoctl"), "nginx-conf", "--site"], env=kanso.environment, check=True,
                          capture_output=True, text=True).stdout


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Debian's nginx with a server block that has the location; its URL."""
    running: list[subprocess.Popen] = []

    def start(location: str) -> str:
        port = free_port()
        conf = tmp_path / "nginx.conf"
        (tmp_path / "kanso.conf").write_text(location)
        temporary = "".join(f"{kind}_temp_path {tmp_path}/{kind};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf.write_text(f"pid {tmp_path}/nginx.id; error_log stderr; events {{}}\nhttp {{ access_log off;\n{temporary}"
                        f"server {{ listen 127.0.0.1:{port}; include {tmp_path}/kanso.conf; }} }}\n")
        command = ["nginx", "-p", str(tmp_path), "-e", "stderr", "-c", str(conf)]
        subprocess.run([*command, "-t", "-q"], check=True)
        running.append(subprocess.Popen([*command, "-g", "daemon off;"]))
        (tmp_path / "host.id").write_text(str(running[-1].pid))
        return f"http://127.0.0.1:{port}"

    yield start
    for each in running:
        stop(each)


@pytest.mark.quick
@pytest.mark.parametrize("prefix", ["", "/zenml"])
def test_site(launch: Callable[..., Kanso], host: Callable[[str], str], prefix: str) -> None:
    kanso = launch(workers="rest:1", KANSO_TRUSTED_PROXIES="127.0.0.1", KANSO_JOBS="0",
                   **({"ZENML_SERVER_ROOT_URL_PATH": prefix} if prefix else {}))
    url = host(site(kanso)) + prefix
    wait_ready(url)
    api = Api(url)
    api.make("/tags", {"name": "site"})
    assert api.read("/tags", name="site")["total"] == 1
    assert "Kanso" in requests.get(url + "/", timeout=10).text
    own = requests.get(url + "/health", timeout=10, headers={"X-Request-ID": "chosen-by-a-stranger"}).headers["x-request-id"]
    assert own and own != "chosen-by-a-stranger"
    for inner in ("/.refusal", "/.caller", "/.upload/api/v1/version"):
        assert requests.get(url + inner, timeout=10).status_code == 404, inner
    page = requests.get(url + "/runs/x", timeout=10, allow_redirects=False)
    assert page.status_code == 302 and page.headers["location"].startswith("../#/runs")
    assert requests.get(url + "/version.json", timeout=10).status_code == 200
    login = requests.post(url + "/api/v1/login", timeout=10, data={"username": "default", "password": "pw"})
    assert "Path=/" in login.headers["set-cookie"]
    if prefix:
        assert requests.get(url.removesuffix(prefix) + "/api/v1/version", timeout=10).status_code in (403, 404), "the host's own"


def of_page(heading: str, archive: Path) -> str:
    return re.sub(r"kanso-VERSION-linux-\S+", str(archive), TREE.blocks(heading)[0])


def test_from_install_to_removal(host: Callable[[str], str], home: Home, hosted: Hosted, stock: StockClient, tmp_path: Path,
                                 way_back: Callable[[Hosted], None]) -> None:
    """Below a path: the stock client's pipeline, restarts and upgrades under load, the way back to ZenML, and nothing left."""
    now, before = tarball(BUILD / "dist"), tarball(BUILD / "previous" / "build" / "dist")
    home.run(of_page("Install", before))
    conf = home.path / "kanso" / "kanso.conf"
    conf.write_text(settings(conf.read_text(), hosted, KANSO_PORT=free_port(), KANSO_TRUSTED_PROXIES="127.0.0.1",
                             KANSO_MAX_BODY=1 << 24, ZENML_SERVER_ROOT_URL_PATH="/zenml"))
    assert "kanso: up in" in home.run(TREE.blocks("Install")[1])
    try:
        url = host(home.run("kanso/bin/kansoctl nginx-conf --site")) + "/zenml"
        wait_ready(url)
        stock.run("chain", url)

        with Load(url) as load:
            for _ in range(2):
                home.run("kanso/bin/kanso restart")
            for archive in (now, before, now):
                home.run(of_page("Upgrade, and back", archive))
        load.check()

        home.run("kanso/bin/kanso stop")
        way_back(hosted)
        assert "kanso: up in" in home.run("kanso/bin/kanso start")
        wait_ready(url)
    finally:
        home.run(TREE.blocks("Remove")[0])
    assert not home.processes()
    assert not list(home.path.iterdir())

    # The host's nginx without the file answers for itself.
    (tmp_path / "kanso.conf").write_text("")
    os.kill(int((tmp_path / "host.id").read_text()), signal.SIGHUP)
    wait_until(lambda: requests.get(url + "/health", timeout=5).status_code in (403, 404), 30, "nginx without the location")
