"""What other users and programs of the machine can do to Kanso, and through it: who owns what, what root opens and ends, who
sees keys and passwords, and what is left when parts of it break."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import subprocess
import time
import uuid
from pathlib import Path

import pytest
import requests

from kit.api import Api
from kit.mariadb import MariaDB
from kit.process import REPOSITORY, executable_of, kill_hard, wait_until
from kit.servers import JWT_KEY, PASSWORD, SECRETS_KEY, Kanso

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can lend its rights to others")
NOBODY = 65534


@pytest.fixture
def private(stopped: Kanso) -> Kanso:
    """One with a MariaDB of its own and nothing set but home, port and password."""
    stopped.environment = {name: value for name, value in stopped.environment.items()
                           if not name.startswith("ZENML_")} | {"ZENML_DEFAULT_USER_PASSWORD": PASSWORD}
    return stopped


def refusal(instance: Kanso) -> str:
    done = instance.run("start", check=False)
    assert done.returncode == 1 and not instance.processes(), done.stdout
    return done.stderr


def as_user(uid: int, *command: str) -> subprocess.CompletedProcess:
    return subprocess.run(["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--", *command],
                          capture_output=True, text=True)


def signed(instance: Kanso) -> dict[str, str]:
    """Headers of the first user."""
    return {"Authorization": "Bearer " + Api(instance.url).token}


def run_user(instance: Kanso) -> int:
    return (instance.home / "tmp").stat().st_uid


# Root and the user that it lends its programs to ---------------------------------------------------------------------


@needs_root
def test_root_keeps_its_directories(private: Kanso) -> None:
    """Everything but the database, temporary files and sockets is root's, and closed to the run user."""
    private.start()
    uid = run_user(private)
    assert uid not in (0, NOBODY)
    foreign = [path for path in private.home.rglob("*") if path.lstat().st_uid != 0
               and path.relative_to(private.home).parts[0] not in ("db", "tmp") and not path.is_socket()]
    assert not foreign
    for name in ("etc", "log", "run", "."):
        assert as_user(uid, "touch", str(private.home / name / "x")).returncode != 0, name
    for file in [*(private.home / "etc").glob("*-key"), *(private.home / "etc").glob("*-password"),
                 *(private.home / "log").iterdir(), *(private.home / "run").glob("*.pid")]:
        assert as_user(uid, "cat", str(file)).returncode != 0, file
        assert as_user(uid, "rm", str(file)).returncode != 0, file
    for pid in private.processes():
        if Path(f"/proc/{pid}").stat().st_uid == 0:
            assert as_user(uid, "kill", str(pid)).returncode != 0


@needs_root
def test_nothing_is_written_or_ended_through_what_another_put_there(stopped: Kanso) -> None:
    """An instance as earlier versions left it, with its directories in the hands of the run user, who uses that."""
    stopped.start()
    stopped.stop()
    victims = {name: stopped.home.parent / f"{stopped.home.name}-{name}" for name in
               ("log", "build", "conf", "up", "migrate", "pid", "hard", "lock", "new", "access")}
    for victim in victims.values():
        victim.write_text("root's own\n")
        victim.chmod(0o600)
    bystander = subprocess.Popen(["sleep", "300"], start_new_session=True)
    started = Path(f"/proc/{bystander.pid}/stat").read_text().rpartition(")")[2].split()[19]
    for name in ("db", "etc", "log", "run", "tmp"):
        os.chown(stopped.home / name, NOBODY, NOBODY)
    links = {"log/worker-auth.log": "log", "log/build.log": "build", "etc/nginx.conf.new": "conf", "run/up": "up",
             "run/migrate.err": "migrate", "run/worker-rest.pid": "pid", "run/lock": "lock", "tmp/migrate.err": "migrate",
             "etc/nginx.conf": "new", "etc/database.sql": "new", "run/nginx.state": "new", "log/access.log.1": "access"}
    for place, victim in links.items():
        (stopped.home / place).unlink(missing_ok=True)
        done = as_user(NOBODY, "ln", "-s", str(victims[victim]), str(stopped.home / place))
        assert done.returncode == 0, done.stderr
    (stopped.home / "log" / "nginx.log").unlink()
    os.link(victims["hard"], stopped.home / "log" / "nginx.log")
    assert as_user(NOBODY, "sh", "-c", f"echo '{bystander.pid} {started}' >{stopped.home}/run/worker-x.pid; "
                   f"echo '{bystander.pid} {started}' >{stopped.home}/run/nginx.pid").returncode == 0
    try:
        stopped.run("stop")
        for name in ("etc", "log", "run"):
            os.chown(stopped.home / name, NOBODY, NOBODY)
            as_user(NOBODY, "sh", "-c", f"echo '{bystander.pid} {started}' >{stopped.home}/run/mariadb.pid")
        stopped.start()
        stopped.run("restart")
        assert bystander.poll() is None
        for name, victim in victims.items():
            state = victim.stat()
            assert victim.read_text() == "root's own\n", name
            assert (state.st_uid, stat.S_IMODE(state.st_mode)) == (0, 0o600), name
    finally:
        bystander.kill()
        bystander.wait()
        for victim in victims.values():
            victim.unlink()


@needs_root
def test_a_key_that_another_put_there_is_not_believed(private: Kanso) -> None:
    private.start()
    private.stop()
    key = private.home / "etc" / "jwt-key"
    os.chown(private.home / "etc", NOBODY, NOBODY)
    os.chown(key, NOBODY, NOBODY)
    assert "jwt-key belongs to nobody, who may have made it up" in refusal(private)
    os.chown(key, 0, 0)
    private.start()


def grants(instance: Kanso) -> list[str]:
    """The rights of the one whom workers are in the private database."""
    password = (instance.home / "etc" / "database-password").read_text().strip()
    done = subprocess.run(["mariadb", f"--socket={instance.home}/db/mariadb.sock", "--user=kanso", "-N",
                           "-e", "SHOW GRANTS"], env=os.environ | {"MYSQL_PWD": password},
                          capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_workers_have_rights_on_their_database_only(private: Kanso) -> None:
    private.start()
    mine = grants(private)
    assert mine[0].startswith("GRANT USAGE ON *.* ") and "WITH GRANT OPTION" not in "".join(mine), mine
    assert [line for line in mine[1:] if not line.endswith(" ON `zenml`.* TO `kanso`@`localhost`")] == []


@needs_root
def test_the_database_goes_over_to_the_new_user(private: Kanso) -> None:
    private.start()
    headers = signed(private)
    assert requests.post(private.url + "/api/v1/tags", headers=headers, timeout=20,
                         json={"name": "kept", "color": "red"}).status_code == 200
    private.stop()
    subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(private.home / "db")], check=True)
    for name in ("etc", "log", "run", "tmp"):
        os.chown(private.home / name, NOBODY, NOBODY)
    victim = private.home.parent / "hard"
    victim.write_text("root's own\n")
    os.link(victim, private.home / "db" / "hard")
    private.start()
    assert requests.get(private.url + "/api/v1/tags/kept", headers=signed(private), timeout=20).status_code == 200
    assert victim.stat().st_uid == 0 and not (private.home / "db.old").exists()
    assert {path.lstat().st_uid for path in (private.home / "db").rglob("*")} == {run_user(private)}
    victim.unlink()


@needs_root
def test_running_as_root_is_refused_unless_asked_for(stopped: Kanso, tmp_path: Path) -> None:
    closed = stopped.home.parent / f"{stopped.home.name}-closed"
    closed.mkdir(mode=0o700)
    home, stopped.home = stopped.home, closed / "home"
    stopped.environment["KANSO_HOME"] = str(stopped.home)
    said = refusal(stopped)
    assert f"cannot enter {closed}" in said and "KANSO_USER=root" in said and "/var/lib/kanso" in said
    stopped.environment["KANSO_USER"] = "root"
    stopped.start()
    assert {Path(f"/proc/{pid}").stat().st_uid for pid in stopped.processes()} == {0}
    stopped.stop()
    shutil.rmtree(closed)
    stopped.home = home
    stopped.environment["KANSO_HOME"] = str(home)


@needs_root
@pytest.mark.parametrize("user", ["mysql", "nobody", "there-is-no-such-user"])
def test_users_who_are_not_for_this(stopped: Kanso, user: str) -> None:
    stopped.environment["KANSO_USER"] = user
    said = refusal(stopped)
    stopped.environment.pop("KANSO_USER")
    assert f"KANSO_USER is '{user}'" in said


@needs_root
def test_a_home_that_others_can_exchange(stopped: Kanso) -> None:
    """Below a directory of somebody else's; one that is somebody else's, with settings that root is to load."""
    open_to_all = stopped.home.parent / f"{stopped.home.name}-open"
    open_to_all.mkdir()
    os.chown(open_to_all, NOBODY, NOBODY)
    home = stopped.environment["KANSO_HOME"]
    stopped.environment["KANSO_HOME"] = str(open_to_all / "home")
    assert f"{open_to_all}, on the way" in refusal(stopped)
    stopped.environment["KANSO_HOME"] = str(open_to_all)
    (open_to_all / "kanso.conf").write_text(f"BASH_ENV={open_to_all}/evil\nKANSO_PORT=1\n")
    (open_to_all / "evil").write_text(f"touch {open_to_all}/was-here\n")
    for command in ("start", "stop", "status", "run"):
        done = stopped.run(command, check=False)
        assert done.returncode == 1 and "belongs to nobody" in done.stderr
    assert not (open_to_all / "was-here").exists()
    os.chown(open_to_all, 0, 0)
    open_to_all.chmod(0o1777)  # where others may put an etc/ of theirs, as in /tmp
    assert "can be written by others" in refusal(stopped)
    link = open_to_all / "link"
    assert as_user(NOBODY, "ln", "-s", home, str(link)).returncode == 0
    stopped.environment["KANSO_HOME"] = str(link)
    assert f"{link}, on the way" in refusal(stopped)
    stopped.environment["KANSO_HOME"] = home


@needs_root
def test_a_clone_that_others_cannot_enter(private: Kanso) -> None:
    """As in /root: programs and pages are copied to where the run user can read them."""
    clone = private.home.parent / f"{private.home.name}-closed" / "kanso"
    clone.mkdir(parents=True)
    clone.parent.chmod(0o700)
    for name in ("scripts", "nginx", "sql"):
        shutil.copytree(REPOSITORY / name, clone / name)
    for name in ("bin", "cgi-bin", "lib"):
        shutil.copytree(private.build / name, clone / "build" / name)
    environment = {name: value for name, value in private.environment.items() if name != "KANSO_BUILD"}

    def default_home(**more: str) -> str:
        return subprocess.run(["bash", "-c", f'root={clone}; . {clone}/scripts/lib/home.sh; home_default'], check=True,
                              capture_output=True, text=True, env={"PATH": os.environ["PATH"]} | more).stdout.strip()

    assert default_home() == "/var/lib/kanso" and default_home(KANSO_USER="root") == f"{clone}/var"
    clone.parent.chmod(0o755)
    assert default_home() == f"{clone}/var"
    clone.parent.chmod(0o777)
    assert default_home() == "/var/lib/kanso"
    clone.parent.chmod(0o700)
    try:
        done = subprocess.run([str(clone / "scripts" / "kanso"), "start"], env=environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=120)
        assert done.returncode == 0, done.stderr
        page = requests.get(private.url + "/", timeout=10)
        assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
        Api(private.url)
        assert [path for pid in private.workers() for path in [executable_of(pid)]
                if not path.startswith(str(private.home / "programs"))] == []
        (clone / "var" / "etc").mkdir(parents=True)
        assert default_home() == f"{clone}/var"
        environment.pop("KANSO_HOME")
        done = subprocess.run([str(clone / "scripts" / "kanso"), "start"], env=environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=120)
        assert done.returncode == 1 and f"mv {clone}/var /var/lib/kanso" in done.stderr
    finally:
        private.stop()
        shutil.rmtree(clone.parent)


# Keys and passwords --------------------------------------------------------------------------------------------------


def test_no_environment_holds_a_secret(private: Kanso) -> None:
    """Neither that of workers, nor of the database, nginx and what supervises them; nor do their command lines."""
    private.environment |= {"ZENML_SERVER_JWT_SECRET_KEY": JWT_KEY, "ZENML_SECRETS_STORE_ENCRYPTION_KEY": SECRETS_KEY,
                            "ZENML_DEFAULT_USER_PASSWORD": "first-password", "AWS_SECRET_ACCESS_KEY": "of-somebody-else", "KANSO_WORKLOAD_REGISTRY_PASSWORD": "of-the-registry",
                            "https_proxy": "http://user:proxy-password@192.0.2.1:1"}
    private.start()
    secrets = [JWT_KEY, SECRETS_KEY, "first-password", "of-somebody-else", "of-the-registry", "proxy-password",
               (private.home / "etc" / "database-password").read_text()]
    programs = set()
    for pid in private.processes():
        programs.add(Path(executable_of(pid)).name)
        for file in ("environ", "cmdline"):
            try:
                text = Path(f"/proc/{pid}/{file}").read_text(errors="replace")
            except PermissionError:
                continue  # an ordinary user is not shown even its own
            assert not [secret for secret in secrets if secret in text], (executable_of(pid), file)
        assert re.search(r"^Max core file size +0 +0 ", Path(f"/proc/{pid}/limits").read_text(), re.M)
    assert {"kanso-supervise", "mariadbd", "nginx", "auth"} <= programs
    Api(private.url, password="first-password")


@needs_root
def test_nobody_of_the_same_user_looks_into_a_worker(stopped: Kanso) -> None:
    stopped.start()
    uid = run_user(stopped)
    for pid in stopped.workers():
        for file in ("environ", "mem", "maps", "auxv"):
            assert as_user(uid, "cat", f"/proc/{pid}/{file}").returncode != 0, file
        assert as_user(uid, "ls", f"/proc/{pid}/fd/").returncode != 0


@needs_root
def test_a_worker_erases_what_its_environment_holds(mariadb: MariaDB, workspace_directory: Path) -> None:
    """Hosted without scripts/kanso, by a web server that starts it with the settings in the environment."""
    instance = Kanso(workspace_directory / "h-plain", mariadb)
    secrets = {"ZENML_SERVER_JWT_SECRET_KEY": "j" * 40, "ZENML_SECRETS_STORE_ENCRYPTION_KEY": "e" * 40,
               "ZENML_DEFAULT_USER_PASSWORD": "p" * 40, "ZENML_CLOUD_OAUTH2_CLIENT_SECRET": "c" * 40,
               "ZENML_STORE_URL": mariadb.socket_url(instance.database), "ZENML_STORE_PASSWORD": "s" * 40}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(workspace_directory / "plain.sock"))
        listener.listen()
        worker = subprocess.Popen([str(instance.build / "cgi-bin" / "tags")], stdin=listener,
                                  env=instance.environment | secrets)
        try:
            wait_until(lambda: "ZENML_" in (text := Path(f"/proc/{worker.pid}/environ").read_text())
                       and not [value for value in (*secrets.values(), mariadb.password) if value in text], 20,
                       "an environment without secrets")
            assert worker.poll() is None
        finally:
            worker.terminate()
            worker.wait()


@pytest.mark.parametrize("program", ["start", "worker"])
def test_short_signing_keys_are_refused(stopped: Kanso, program: str) -> None:
    key = "k" * 31
    stopped.environment["ZENML_SERVER_JWT_SECRET_KEY"] = key
    if program == "start":
        said = refusal(stopped)
    else:
        done = subprocess.run([str(stopped.build / "cgi-bin" / "tags")], env=stopped.environment | {"REQUEST_METHOD": "GET"},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 2 and not done.stdout
        said = done.stderr
    assert "ZENML_SERVER_JWT_SECRET_KEY has 31 bytes; at least 32 are needed" in said and "openssl rand -hex 32" in said
    assert key not in said
    stopped.environment["ZENML_SERVER_JWT_SECRET_KEY"] = "é" * 16  # bytes count, not characters
    stopped.start()


# When parts break ----------------------------------------------------------------------------------------------------


def test_a_database_that_dies_again_and_again_comes_back(private: Kanso) -> None:
    private.start()
    headers = signed(private)
    for _ in range(8):
        wait_until(lambda: bool(databases(private)), 30, "the database's next try")
        killed = databases(private)
        kill_hard(killed)
        wait_until(lambda: not set(killed) & set(databases(private)), 10, "its end")  # the next one may be there already
    assert re.search(r"mariadbd was ended by signal 9 \(Killed\), \d+ times in a row", private.run("status", check=False).stdout)

    def answers() -> bool:
        return requests.get(private.url + "/api/v1/tags", headers=headers, timeout=30).status_code == 200

    wait_until(answers, 60, "an answer after eight crashes in a row")
    wait_until(lambda: "in a row" not in private.run("status", check=False).stdout, 30, "the end of the note")


def test_workers_that_die_again_and_again_come_back(stopped: Kanso) -> None:
    stopped.start()
    headers = signed(stopped)
    for _ in range(10):
        kill_hard(stopped.workers())
    wait_until(lambda: requests.get(stopped.url + "/api/v1/tags", headers=headers, timeout=30).status_code == 200, 60,
               "an answer")
    assert stopped.run("status").returncode == 0


def test_logs_have_a_ceiling_while_it_runs(stopped: Kanso) -> None:
    """The log of requests, and that of a worker that complains of each: no process is started anew for it."""
    stopped.environment |= {"KANSO_LOG_SIZE": "20000", "KANSO_ACCESS_LOG": "on", "KANSO_LOG_LEVEL": "debug"}
    stopped.start()
    before = sorted(stopped.processes())
    with requests.Session() as session:
        for number in range(1500):
            assert session.get(f"{stopped.url}/api/v1/info?number={number}", timeout=20).status_code == 200
        session.get(f"{stopped.url}/api/v1/the-last-one", timeout=20)
    log = stopped.home / "log"
    wait_until(lambda: "/api/v1/the-last-one" in (log / "access.log").read_text(), 20, "the last line")
    assert (log / "access.log.1").exists() and (log / "worker-rest.log.1").exists()
    assert all(path.stat().st_size <= 20000 + 65536 for path in log.iterdir())
    assert sorted(stopped.processes()) == before


def test_a_full_disk(private: Kanso) -> None:
    """With 50 MB left it works; with none it reads, refuses what needs room, and recovers when there is some again."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=260m,mode=755", "kanso-test", str(private.home)],
                             capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("cannot mount a small file system here")
    try:
        private.start()
        headers = signed(private)
        user, = requests.get(private.url + "/api/v1/users?name=default", headers=headers, timeout=20).json()["items"]
        place = f"{private.url}/api/v1/workspaces/default/secrets"
        workspace = requests.get(private.url + "/api/v1/workspaces/default", headers=headers, timeout=20).json()["id"]

        def write() -> requests.Response:
            return requests.post(place, headers=headers, timeout=60, json={
                "name": uuid.uuid4().hex, "scope": "workspace", "values": {"a": "x" * 40_000}, "user": user["id"],
                "workspace": workspace})

        def reads() -> bool:
            return [requests.get(private.url + path, headers=headers, timeout=60).status_code
                    for path in ("/", "/health", "/api/v1/info", "/api/v1/current-user", "/api/v1/workspaces")] == [200] * 5

        fill(private.home, 50 << 20)
        assert write().status_code == 200 and reads()
        fill(private.home, 0)
        deadline = time.monotonic() + 120
        while (answer := write()).status_code == 200:
            assert time.monotonic() < deadline, "a database that grows on a full disk"
        assert answer.status_code == 503 and "no space" in answer.json()["detail"][1] and reads()
        # One that nginx has to put down somewhere before a worker gets it.
        answer = requests.post(place, headers=headers, timeout=60, json={"name": "x" * 3_000_000})
        assert answer.status_code in (500, 503) and answer.json()["detail"][0] == "RuntimeError"
        (private.home / "filler").unlink()
        assert write().status_code == 200 and reads()
    finally:
        (private.home / "filler").unlink(missing_ok=True)
        private.stop()
        subprocess.run(["umount", str(private.home)], check=True)


def databases(instance: Kanso) -> list[int]:
    return [pid for pid in instance.processes() if executable_of(pid).endswith("/mariadbd")]


def fill(directory: Path, left: int) -> None:
    """Take the space of the file system but so many bytes."""
    space = os.statvfs(directory)
    with open(directory / "filler", "ab") as filler:
        for _ in range((space.f_bavail * space.f_frsize - left) // 4096):
            try:
                filler.write(b"x" * 4096)
                filler.flush()
            except OSError:
                break
