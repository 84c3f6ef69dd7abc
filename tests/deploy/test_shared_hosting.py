"""docs/install/shared-hosting.md on a bare machine: no root, no compiler, none of the libraries; one schema of a hoster's database."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Callable, Iterator

import pytest

from deploy.conftest import BUILD, Hosted, settings, tarball, wait_ready
from kit.load import Load
from kit.machine import Machine, Page
from kit.process import free_port, kill_hard, memory_of, stop, wait_until
from kit.stock import StockClient

PAGE = Page("shared-hosting.md")
MB = 1024 * 1024


def of_page(heading: str, archive: Path, block: int = 0) -> str:
    """The page's commands, with this tarball, which the machine sees in /srv/now or /srv/before."""
    place = "before" if "previous" in archive.parts else "now"
    return re.sub(r"kanso-VERSION-linux-\S+", f"/srv/{place}/{archive.name}", PAGE.blocks(heading)[block])


@pytest.fixture
def hoster(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """The hoster's nginx in front of a socket, as the page has it; its URL."""
    running: list[subprocess.Popen] = []

    def start(address: str) -> str:
        port = free_port()
        location = PAGE.blocks("The hoster's web server", "nginx")[0].replace(
            "unix:/home/USER/kanso/kanso.sock", address)
        (tmp_path / "nginx.conf").write_text(
            f"pid {tmp_path}/nginx.id; error_log stderr; events {{}} http {{ access_log off;\n"
            + "".join(f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in
                      ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
            + f"server {{ listen 127.0.0.1:{port};\n{location}\n}} }}\n")
        running.append(subprocess.Popen(["nginx", "-p", str(tmp_path), "-e", "stderr", "-c", str(tmp_path / "nginx.conf"),
                                         "-g", "daemon off; user root;"]))
        return f"http://127.0.0.1:{port}"

    yield start
    for each in running:
        stop(each)


def test_shared_hosting(machine: Callable[..., Machine], hosted: Hosted, stock: StockClient,
                        hoster: Callable[[str], str], way_back: Callable[[Hosted], None]) -> None:
    now, before = tarball(BUILD / "dist"), tarball(BUILD / "previous" / "build" / "dist")
    host = machine("--bind", f"{now.parent}:/srv/now", "--bind", f"{before.parent}:/srv/before")

    host.run(of_page("Install", now))
    foreign = host.run("for f in kanso/bin/* kanso/cgi-bin/* kanso/lib/*.so* kanso/lib/*/*.so; do ldd $f 2>/dev/null; done |"
                       " awk '/=>/ && $3 !~ ENVIRON[\"HOME\"] { print $1 }' | sort -u").split()
    assert set(foreign) <= {"libc.so.6", "libm.so.6", "libresolv.so.2"}, "only the C library is the system's"

    conf = host.path(host.home) / "kanso" / "kanso.conf"
    conf.write_text(settings(conf.read_text(), hosted, KANSO_ADDRESS=f"unix:{host.home}/kanso/kanso.sock",
                                  KANSO_MAX_BODY=1 << 24))  # as much as this database takes: no warning
    said = host.run(of_page("Install", now, 1))
    assert "kanso: up in" in said
    url = hoster(f"unix:{host.path(host.home)}/kanso/kanso.sock")
    wait_ready(url, "/health")  # not /ready, for which a process keeps a connection of its own
    # Two workers with a connection each; how much memory all of it takes while it waits.
    memory = sum(memory_of(pid) for pid in host.pids())
    print(f"{len(host.pids())} processes, {memory / MB:.1f} MB")
    assert 0 < memory < 20 * MB
    stock.run("chain", url)
    connections = hosted.mariadb.sql(f"SELECT COUNT(*) FROM information_schema.processlist WHERE user = '{hosted.name}'")
    assert int(connections[0][0]) <= 2, host.run("kanso/bin/kanso status")
    print(f"after a pipeline: {sum(memory_of(pid) for pid in host.pids()) / MB:.1f} MB")

    # cron: quiet, and brings back what the hoster has ended.
    cron = re.sub(r"^(\* ){5}", "", PAGE.blocks("Keep it running", "cron")[0])
    assert host.run(cron) == ""
    kill_hard(host.pids())
    wait_until(lambda: not host.pids(), 10, "the end of all that ran")
    assert host.run(cron) == ""
    wait_ready(url)
    host.run(PAGE.blocks("Look after it")[0])

    # An older version and back under load, with the page's commands.
    with Load(url) as load:
        for archive in (before, now):
            host.run(of_page("Upgrade, and back", archive))
    load.check()

    host.run("kanso/bin/kanso stop")
    way_back(hosted)
    assert "kanso: up in" in host.run("kanso/bin/kanso start")

    host.run(PAGE.blocks("Remove")[0])
    assert host.run("ls -A; ls -A /tmp").split() == host.run("echo .bash_logout .bashrc .profile").split()
    assert not host.pids()


def test_says_what_is_missing(machine: Callable[..., Machine]) -> None:
    """Without a database: a sentence, and nothing is started."""
    now = tarball(BUILD / "dist")
    host = machine("--bind", f"{now.parent}:/srv/now")
    host.run(of_page("Install", now))
    host.run("sed -i '/^ZENML_STORE_URL/d' kanso/kanso.conf")
    said = host.run("kanso/bin/kanso start", check=False)
    assert f"no database is named: set ZENML_STORE_URL in {host.home}/kanso/kanso.conf" in said
    assert not host.pids()
