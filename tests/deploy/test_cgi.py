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

from deploy.conftest import BUILD, Home, Hosted, settings, tarball, wait_ready
from kit.api import Api
from kit.load import Load
from kit.machine import Page
from kit.process import REPOSITORY, free_port, stop
from kit.servers import JWT_KEY, PASSWORD, SECRETS_KEY
from kit.stock import StockClient

PAGE = Page("cgi.md")


def block(language: str, tree: Path) -> str:
    return PAGE.blocks("The web server", language)[0].replace("/home/USER/kanso", str(tree))


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


def beside(front: Callable[..., str], program: str) -> object:
    """The case of a web server, left out before anything is made for it where it is not there."""
    missing = not shutil.which(program)
    return pytest.param(front, program, id=program, marks=[
        pytest.mark.skipif(missing, reason=f"there is no {program}"),
        pytest.mark.skipif(os.geteuid() != 0, reason="web servers have users of their own, which needs root")])


FRONTS = pytest.mark.parametrize("front, program", [beside(behind_nginx, "fcgiwrap"), beside(behind_apache, "apache2")])


@pytest.mark.quick
@FRONTS
def test_cgi(front: Callable[..., str], program: str, tree: Path, workspace_directory: Path,
             started: Callable[..., subprocess.Popen]) -> None:
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


def of_page(heading: str, archive: Path) -> str:
    """The page's commands, with this tarball, whose version stands in its name."""
    version = archive.name.split("-")[1]
    return re.sub(r"kanso-VERSION-linux-\S+", str(archive), PAGE.blocks(heading)[0]).replace("kanso-VERSION", f"kanso-{version}")


@FRONTS
def test_from_install_to_removal(front: Callable[..., str], program: str, home: Home, hosted: Hosted, stock: StockClient,
                                 started: Callable[..., subprocess.Popen], way_back: Callable[[Hosted], None],
                                 workspace_directory: Path) -> None:
    """The stock client's pipeline, upgrades under load, the way back to ZenML, and nothing left. There is no process of
    Kanso's that could be restarted."""
    now, before = tarball(BUILD / "dist"), tarball(BUILD / "previous" / "build" / "dist")
    directory = workspace_directory / f"{program}-{home.path.name}"
    directory.mkdir()
    home.run(of_page("Install", before))
    conf = home.path / "kanso" / "kanso.conf"
    conf.write_text(settings(conf.read_text(), hosted))
    shutil.chown(conf, "www-data")
    home.run(f"{PAGE.blocks('Install')[1].strip()} --password-stdin", given=f"{PASSWORD}\n")
    url = front(home.path / "kanso", directory, started)
    wait_ready(url)
    stock.run("chain", url)

    upgrade = of_page("Upgrade, and back", now)
    back = "\n".join(upgrade.splitlines()[-2:]).replace(now.name.split("-")[1], before.name.split("-")[1])
    with Load(url) as load:
        home.run(upgrade)
        home.run(back)
        home.run("\n".join(upgrade.splitlines()[-2:]))
    load.check()
    assert (home.path / "kanso").resolve().name == f"kanso-{now.name.split('-')[1]}"

    way_back(hosted)
    wait_ready(url)

    home.run(PAGE.blocks("Remove")[0])
    assert not home.processes()
    assert not list(home.path.iterdir())
