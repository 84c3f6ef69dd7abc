"""docs/install/cgi.md: one process a request, behind nginx with fcgiwrap and behind Apache, with the page's configurations."""

from __future__ import annotations

import os
import re
import shutil
import signal
import statistics
import subprocess
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest

from deploy.conftest import Hosted, wait_ready
from kit.api import Api
from kit.process import REPOSITORY, free_port, stop
from kit.servers import JWT_KEY, PASSWORD, SECRETS_KEY

PAGE = (REPOSITORY / "docs" / "install" / "cgi.md").read_text()


def block(language: str, tree: Path) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)
    assert found
    return found[1].replace("/home/USER/kanso", str(tree))


@pytest.fixture
def tree(hosted: Hosted, workspace_directory: Path) -> Path:
    """The directory of `make install` with its settings, and tables in the database."""
    tree = workspace_directory / f"cgi-{hosted.name}"
    subprocess.run(["make", "-s", "install", f"PREFIX={tree}"], cwd=REPOSITORY, check=True)
    conf = tree / "kanso.conf"
    conf.write_text(f"ZENML_STORE_URL={hosted.url}\nZENML_DEFAULT_USER_PASSWORD={PASSWORD}\nZENML_SERVER_AUTO_ACTIVATE=1\n"
                    f"ZENML_SERVER_JWT_SECRET_KEY={JWT_KEY}\nZENML_SECRETS_STORE_ENCRYPTION_KEY={SECRETS_KEY}\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KANSO_", "ZENML_"))}
    settings = dict(line.split("=", 1) for line in conf.read_text().splitlines())
    subprocess.run([str(tree / "bin" / "kansoctl"), "migrate"], env=environment | settings, check=True)
    return tree


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen]]:
    running: list[subprocess.Popen] = []

    def start(*command: str) -> subprocess.Popen:
        running.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={"PATH": os.environ["PATH"]}, start_new_session=True))
        return running[-1]

    yield start
    for each in reversed(running):
        os.killpg(each.pid, signal.SIGTERM)  # fcgiwrap's children do not end with it
        stop(each)


def behind_nginx(tree: Path, directory: Path, start: Callable[..., subprocess.Popen]) -> str:
    port, socket = free_port(), directory / "wrap"
    start("fcgiwrap", "-c", "2", "-s", f"unix:{socket}")
    location = block("nginx", tree).replace("/run/fcgiwrap.socket", str(socket)).replace(
        "fastcgi_params;", "/etc/nginx/fastcgi_params;")
    temporary = "".join(f"{kind}_temp_path {directory}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (directory / "nginx.conf").write_text(
        f"user root; pid {directory}/id; error_log stderr; events {{}}\nhttp {{ access_log off;\n{temporary}"
        f"server {{ listen 127.0.0.1:{port};\n{location} }} }}\n")
    start("nginx", "-p", str(directory), "-e", "stderr", "-c", str(directory / "nginx.conf"), "-g", "daemon off;")
    return f"http://127.0.0.1:{port}"


def behind_apache(tree: Path, directory: Path, start: Callable[..., subprocess.Popen]) -> str:
    port = free_port()
    modules = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
                      for name in ("mpm_prefork", "authz_core", "alias", "cgi", "dir"))
    (directory / "apache.conf").write_text(
        f"{modules}ServerRoot {directory}\nServerName localhost\nListen 127.0.0.1:{port}\nPidFile {directory}/id\n"
        f"ErrorLog {directory}/error.log\nUser www-data\nGroup www-data\n{block('apache', tree)}")
    start("apache2", "-f", str(directory / "apache.conf"), "-D", "FOREGROUND")
    return f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("front, program", [(behind_nginx, "fcgiwrap"), (behind_apache, "apache2")])
def test_cgi(front: Callable[..., str], program: str, tree: Path, workspace_directory: Path,
             started: Callable[..., subprocess.Popen]) -> None:
    if not shutil.which(program):
        pytest.skip(f"there is no {program}")
    directory = workspace_directory / f"{program}-{tree.name}"
    directory.mkdir()
    shutil.chown(tree / "kanso.conf", "www-data")
    url = front(tree, directory, started)
    wait_ready(url)
    api = Api(url)
    made = api.make("/tags", {"name": "cgi", "color": "red"})
    assert api.read("/tags", name="cgi")["items"][0]["id"] == made["id"]
    assert api.get("/tags/none").status_code == 404
    assert api.session.get(url + "/index.html", timeout=10).status_code == 200
    times = []
    for _ in range(10):
        begin = time.monotonic()
        assert api.get("/current-user").status_code == 200
        times.append(time.monotonic() - begin)
    print(f"{program}: {statistics.median(times) * 1000:.0f} ms a request")
