"""docs/install/systemd.md: the Debian package on a bare machine, and its units on one whose first process is systemd."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Callable

import pytest

from deploy.conftest import BUILD, Hosted, settings, wait_ready
from kit.api import Api
from kit.load import Load
from kit.machine import Machine, Page
from kit.process import REPOSITORY, free_port, wait_until
from kit.servers import PASSWORD
from kit.stock import StockClient

PAGE = Page("systemd.md")
CONF = "/etc/kanso/kanso.conf"
PLAN = "auth:1 rest:2"
UNITS = {"kanso.service", "kanso-nginx.service", "kanso-jobs.service", "kanso-worker@auth.socket", "kanso-worker@rest.socket",
         "kanso-worker@probes.socket", "kanso-worker@probes:1.service", "kanso-worker@auth:1.service",
         "kanso-worker@rest:1.service", "kanso-worker@rest:2.service"}
# Packages start and stop what is Kanso's; nginx of the same machine would listen on this one's network.
POLICY = '#!/bin/sh\ncase $1 in kanso*) exit 0 ;; esac\nexit 101\n'


def package(directory: Path) -> Path:
    found = list(directory.glob("kanso_*.deb"))
    assert len(found) == 1, f"{directory}: make check-deploy builds it"
    return found[0]


def of_page(heading: str, archive: Path, block: int = 0) -> str:
    """The page's commands, with this package, which the machine sees in /srv/now or /srv/before."""
    place = "before" if "previous" in archive.parts else "now"
    return PAGE.blocks(heading)[block].replace("./kanso_VERSION_amd64.deb", f"/srv/{place}/{archive.name}")


def lintian(archive: Path) -> None:
    said = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", str(archive)], capture_output=True, text=True)
    assert said.returncode == 0 and not said.stdout.strip(), said.stdout + said.stderr


@pytest.fixture
def booted(machine: Callable[..., Machine]) -> Machine:
    """With systemd, and the packages of this version and of the one before."""
    now, before = package(BUILD / "deb"), package(BUILD / "previous" / "build" / "deb")
    host = machine("--boot", "--bind", f"{now.parent}:/srv/now", "--bind", f"{before.parent}:/srv/before", as_user=False)
    host.path("/usr/sbin/policy-rc.d").write_text(POLICY)
    host.path("/etc/apt/apt.conf.d/50assume-yes").write_text('APT::Get::Assume-Yes "true";\n')
    host.run("apt-get update -q")
    return host


def running(host: Machine) -> set[str]:
    said = host.run("systemctl list-units --plain --no-legend --state=active,activating 'kanso*'")
    return {line.split()[0] for line in said.splitlines() if line.startswith("kanso")}


def shown(host: Machine, unit: str, name: str) -> str:
    return host.run(f"systemctl show -P {name} {unit}").strip()


def logged(host: Machine) -> str:
    return host.run("journalctl --no-pager -n 60 -u 'kanso*'", check=False)


def residue(host: Machine) -> list[str]:
    """All that is named after Kanso on the machine: files, accounts, units that systemd knows. What apt and journald remember
    is theirs."""
    elsewhere = ("/srv", "/proc", "/sys", "/var/cache/apt")
    script = (f"find / /run -xdev \\( {' -o '.join(f'-path {each}' for each in elsewhere)} \\) -prune -o -name '*kanso*' -print",
              "cat /etc/passwd /etc/group /etc/shadow | grep kanso",
              "systemctl list-units --all --plain --no-legend 'kanso*'", "systemctl list-unit-files --no-legend 'kanso*'")
    return host.run("\n".join(f"{each} || true" for each in script)).splitlines()


def at_work(load: Load) -> None:
    wait_until(lambda: len(load.made) > 20 or bool(load.wrong), 30, "clients at work")


def replaced(host: Machine, unit: str, pid: str) -> None:
    """Waits for another process of the unit."""
    wait_until(lambda: shown(host, unit, "MainPID") not in ("0", pid) and shown(host, unit, "ActiveState") == "active", 30,
               f"{unit}: another process")


def test_scripts_and_package() -> None:
    """lintian and shellcheck find nothing."""
    for tool in ("lintian", "shellcheck"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    scripts = [REPOSITORY / "systemd" / "kanso-generator", *(REPOSITORY / "debian").glob("kanso.p*")]
    assert len(scripts) > 3
    subprocess.run(["shellcheck", "--shell=sh", *map(str, scripts)], check=True)
    lintian(package(BUILD / "deb"))


def test_built_on_a_bare_machine(machine: Callable[..., Machine], tmp_path: Path) -> None:
    host = machine(as_user=False)
    host.run("cd /srv/kanso && make deb")
    built = package(host.path("/srv/kanso/build/deb"))
    listed = subprocess.run(["dpkg-deb", "--contents", str(built)], check=True, capture_output=True, text=True).stdout
    names = {line.split()[5] for line in listed.splitlines()}
    assert {"./lib/systemd/system/kanso-worker@.service", "./usr/bin/kansoctl", "./usr/share/man/man1/kansoctl.1.gz"} <= names
    assert {name.split("/")[1] for name in names} <= {"", "etc", "lib", "usr"}


def test_package(booted: Machine, hosted: Hosted, stock: StockClient, way_back: Callable[[Hosted], None]) -> None:
    host, port = booted, free_port()
    now, before = package(BUILD / "deb"), package(BUILD / "previous" / "build" / "deb")
    install, setup = of_page("Install", now).splitlines()
    nothing = residue(host)

    host.run(install)
    assert shown(host, "kanso.service", "UnitFileState") == "disabled", "nothing runs before there is a database"
    assert not running(host)
    conf = host.path(CONF)
    assert conf.stat().st_mode & 0o777 == 0o640
    conf.write_text(settings(conf.read_text(), hosted, ZENML_STORE_URL=hosted.url, KANSO_PORT=port, KANSO_WORKERS=PLAN))
    said = host.run(f"echo {PASSWORD} | {setup} --password-stdin")
    assert re.search(r"^database +ready$", said, re.M), said
    url = f"http://127.0.0.1:{port}"
    wait_ready(url)
    assert running(host) == UNITS, logged(host)
    assert "cannot" not in logged(host)
    assert shown(host, "kanso.service", "UnitFileState") == "enabled"
    assert host.run("systemctl list-units --failed --plain --no-legend 'kanso*'") == ""
    assert "kanso" in host.run(of_page("The units", now))

    # What systemd itself says about the units, as they are installed and planned here.
    files = "/lib/systemd/system/kanso*.service /lib/systemd/system/kanso*.socket"
    assert host.run(f"systemd-analyze verify --man=no {files}").strip() == ""
    services = sorted(unit for unit in UNITS if unit.endswith(".service"))
    for unit in services:
        host.run(f"systemd-analyze security --threshold=20 {unit}")
    templates = [f"/lib/systemd/system/{path.name}" for path in (REPOSITORY / "systemd").glob("*.service")]
    host.run(f"systemd-analyze security --offline=true --threshold=20 {' '.join(templates)}")
    assert {shown(host, unit, "User") for unit in services} == {"kanso"}

    stock.run("chain", url)

    # New settings: a reload loses nothing. A restart refuses clients, but never fails one that it has let in.
    with Load(url) as load:
        at_work(load)
        for number in range(3):
            host.run(f"sed -i '/^KANSO_LOG_LEVEL=/d' {CONF}; echo KANSO_LOG_LEVEL={'debug' if number % 2 else 'info'} >>{CONF}")
            host.run(PAGE.blocks("Change settings")[0])
    load.check()
    with Load(url) as load:
        at_work(load)
        host.run(PAGE.blocks("Change settings")[1])
        wait_ready(url)
    answers = [wrong for wrong in load.wrong if re.match(r"\d", wrong)]
    assert not answers, answers[:3]
    load.wrong.clear()
    load.check()
    assert running(host) == UNITS

    # A plan that is none changes nothing. Another one makes other units.
    workers = shown(host, "kanso-worker@rest:1.service", "MainPID")
    host.run(f"sed -i 's/^KANSO_WORKERS=.*/KANSO_WORKERS=rest:none/' {CONF}")
    assert "KANSO_WORKERS" in (said := host.run(PAGE.blocks("Change settings")[1], check=False)), said
    assert running(host) == UNITS and shown(host, "kanso-worker@rest:1.service", "MainPID") == workers, logged(host)
    said = host.run(f"{PAGE.blocks('Change settings')[0].strip()} || journalctl --no-pager -n 20 -u kanso")
    assert "KANSO_WORKERS" in said, said
    wait_ready(url)
    wait_until(lambda: running(host) == UNITS, 30, "workers that the reload has renewed")

    host.run(f"sed -i 's/^KANSO_WORKERS=.*/KANSO_WORKERS=rest:1/; $ aKANSO_JOBS=0' {CONF}; {PAGE.blocks('Change settings')[1]}")
    wait_ready(url)
    assert running(host) == {"kanso.service", "kanso-nginx.service"} | {
        f"kanso-worker@{name}" for name in ("rest.socket", "rest:1.service", "probes.socket", "probes:1.service")}
    host.run(f"sed -i 's/^KANSO_WORKERS=.*/KANSO_WORKERS={PLAN}/; /^KANSO_JOBS=/d' {CONF}; {PAGE.blocks('Change settings')[1]}")
    wait_ready(url)
    assert running(host) == UNITS

    # A process that is killed comes back, and so does one that hangs.
    for unit in ("kanso-worker@rest:1.service", "kanso-nginx.service", "kanso-jobs.service"):
        pid = shown(host, unit, "MainPID")
        host.run(f"kill -KILL {pid}")
        replaced(host, unit, pid)
    wait_ready(url)
    for unit in ("kanso-worker@rest:1.service", "kanso-jobs.service"):
        drop_in = f"/run/systemd/system/{unit}.d"
        host.run(f"mkdir -p {drop_in}; printf '[Service]\\nWatchdogSec=4\\n' >{drop_in}/watchdog.conf;"
                 f" systemctl daemon-reload; systemctl restart {unit}")
        pid = shown(host, unit, "MainPID")
        host.run(f"kill -STOP {pid}")
        replaced(host, unit, pid)
        assert int(shown(host, unit, "NRestarts")) >= 1
        host.run(f"rm -r {drop_in}; systemctl daemon-reload; systemctl restart {unit}")
    wait_ready(url)

    # An older version and back under load, with the page's command; the newer one is what apt calls an upgrade.
    with Load(url) as load:
        at_work(load)
        for archive in (before, now):
            said = host.run(of_page("Upgrade, and back", archive))
            version = archive.name.split("_")[1]
            assert host.run("dpkg-query -W -f '${Version}' kanso") == version
            assert ("DOWNGRADED" in said) == (archive == before), said
    load.check()
    assert running(host) == UNITS, logged(host)
    assert conf.read_text().count("KANSO_WORKERS=") == 1, "settings are kept"

    host.run("systemctl disable --now kanso")
    assert not running(host)
    way_back(hosted)
    host.run("systemctl enable --now kanso")
    wait_ready(url)

    host.run(PAGE.blocks("Remove")[0])
    host.run("apt autoremove --purge")
    assert residue(host) == nothing
    assert hosted.mariadb.sql("SELECT COUNT(*) FROM tag", hosted.name)[0][0] != "0", "a database elsewhere stays"


def test_private_database(booted: Machine) -> None:
    """Without a database: one of Kanso's own, which `apt remove` keeps."""
    host, port = booted, free_port()
    nothing = residue(host)
    install, setup = of_page("Install", package(BUILD / "deb")).splitlines()
    host.run(install)
    said = host.run(f"echo {PASSWORD} | {setup} --password-stdin --port {port} --database private")
    assert str(port) in said
    url = f"http://127.0.0.1:{port}"
    wait_ready(url)
    Api(url).make("/tags", {"name": "kept"})

    host.run("apt remove kanso")
    assert not running(host)
    assert not [line for line in host.run("ps -eo user,args 2>/dev/null || true").splitlines() if line.startswith("kanso")]
    host.run(f"{install}; systemctl enable --now kanso")
    wait_ready(url)
    assert Api(url).get("/tags/kept").status_code == 200

    host.run(PAGE.blocks("Remove")[0])
    host.run("apt autoremove --purge")
    assert residue(host) == nothing
