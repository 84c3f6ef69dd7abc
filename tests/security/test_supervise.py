"""kanso-supervise: it never gives up, its logs have a ceiling, nothing is lost when it ends, and children get no more than
they should."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any, Iterator

import pytest

from kit.process import BUILD, alive, descendants, kill_hard, stop, wait_until

SUPERVISE = str(BUILD / "bin" / "kanso-supervise")


class Supervisor:
    """One that runs a shell script."""

    def __init__(self, directory: Path, script: str, *options: str, text: bytes = b"", **more: Any) -> None:
        self.log, self.note = directory / "x.log", directory / "note"
        self.process = subprocess.Popen(
            [SUPERVISE, "-o", str(self.log), "-f", str(self.note), *options, "--", "sh", "-c", script],
            stdin=subprocess.PIPE, start_new_session=True, **more)
        assert self.process.stdin
        self.process.stdin.write(text)
        self.process.stdin.close()

    def text(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def end(self) -> None:
        stop(self.process, 20)


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Any]:
    started: list[Supervisor] = []

    def start(script: str, *options: str, **more: Any) -> Supervisor:
        started.append(Supervisor(tmp_path, script, *options, **more))
        return started[-1]

    yield start
    for one in started:
        one.end()


def test_it_never_gives_up(supervise, tmp_path: Path) -> None:
    """A program that fails ten times and then works: pauses grow, a note says so, and goes when it is over."""
    one = supervise(f'cd {tmp_path}; echo >>count; [ "$(wc -l <count)" -le 10 ] && kill -9 $$; echo works; exec sleep 100')
    wait_until(one.note.exists, 20, "the note on a program that fails")
    assert re.match(r"sh was ended by signal 9 \(Killed\), \d+ times in a row", one.note.read_text())
    wait_until(lambda: "works" in one.text(), 60, "the eleventh try")
    pauses = [float(each) for each in re.findall(r"the next try is in ([0-9.]+) s", one.text())]
    assert len(pauses) == 9 and pauses == sorted(pauses) and pauses[0] <= 0.1 and pauses[-1] == 3
    assert one.process.poll() is None
    wait_until(lambda: not one.note.exists(), 20, "the end of the note")


def test_an_end_without_failure_is_none(supervise) -> None:
    one = supervise("echo once more")
    wait_until(lambda: one.text().count("once more") > 20, 20, "twenty starts")
    assert "failed" not in one.text() and not one.note.exists()


def test_logs_have_a_ceiling_and_lose_nothing(supervise, tmp_path: Path) -> None:
    """Two megabytes of lines, with 300 kB to keep: what is kept is whole and ends with the last line written."""
    limit = 300_000
    one = supervise('i=0; while [ $i -lt 20000 ]; do i=$((i+1)); '
                    f'echo "line $i {"x" * 90}"; [ $i != 15000 ] || echo "second $i" >&4; done; sleep 100',
                    "-b", str(limit), "-a", str(tmp_path / "second.log"))
    wait_until(lambda: "line 20000 " in one.text(), 60, "the last line")
    one.end()
    old = tmp_path / "x.log.1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["second.log", "x.log", "x.log.1"]
    for file in (one.log, old):
        assert file.stat().st_size <= limit + 65536
    lines = (old.read_text() + one.text()).splitlines()
    numbers = [int(line.split()[1]) for line in lines if line.startswith("line ")]
    assert numbers == list(range(numbers[0], 20001)) and numbers[0] > 10000
    assert (tmp_path / "second.log").read_text() == "second 15000\n"


def test_last_words_are_kept(supervise) -> None:
    """What a child says while it is told to end."""
    one = supervise('trap \'for i in 1 2 3; do echo "bye $i"; sleep 0.1; done; exit 0\' TERM; echo ready; '
                    'while :; do sleep 0.1; done')
    wait_until(lambda: "ready" in one.text(), 20, "the child")
    one.end()
    assert one.process.returncode == 0 and one.text().endswith("bye 1\nbye 2\nbye 3\n")


def test_a_full_disk_keeps_nobody_waiting(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "kanso-test", str(small)], capture_output=True).returncode:
        pytest.skip("cannot mount a small file system here")
    try:
        (small / "filler").write_bytes(b"x" * 40_000)
        one = Supervisor(small, f'cd {tmp_path}; i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo "a line of words, $i"; done; '
                         'echo >done; while [ ! -e go ]; do sleep 0.1; done; echo at last; exec sleep 100')
        wait_until((tmp_path / "done").exists, 30, "a program that writes more than the disk holds")
        (small / "filler").unlink()
        (tmp_path / "go").touch()
        wait_until(lambda: "at last" in one.text(), 20, "a line once there is space")
        assert re.search(r"^kanso: \d+ bytes of log were lost here: the disk was full$", one.text(), re.M)
    finally:
        one.end()
        subprocess.run(["umount", str(small)], check=True)


def test_what_has_the_name_of_a_log_is_not_written_to(supervise, tmp_path: Path) -> None:
    """A link, a second name of another file, a pipe: a log is a file of one's own with one name."""
    for put in (lambda log, victim: log.symlink_to(victim), lambda log, victim: os.link(victim, log),
                lambda log, victim: os.mkfifo(log)):
        directory = tmp_path / f"d{len(list(tmp_path.iterdir()))}"
        directory.mkdir()
        victim, log = directory / "victim", directory / "x.log"
        victim.write_text("precious\n")
        put(log, victim)
        one = Supervisor(directory, "echo hello; exec sleep 100")
        wait_until(lambda: one.text() == "hello\n", 20, "the log")
        one.end()
        assert victim.read_text() == "precious\n" and not log.is_symlink() and log.is_file()


def test_input_reaches_every_child_and_no_file(supervise, tmp_path: Path) -> None:
    one = supervise("cat /dev/fd/3; echo; exec sleep 100", "-i", "-n", "3", text=b"A=secret\0B=c\0")
    wait_until(lambda: one.text().count("A=secret\0B=c\0") == 3, 20, "three children's input")
    wait_until(lambda: len(descendants(one.process.pid)) == 3, 20, "three children that sleep")  # their cats have ended
    children = descendants(one.process.pid)
    kill_hard(children[:1])
    wait_until(lambda: one.text().count("A=secret\0B=c\0") == 4, 20, "the input of a fourth")
    for pid in (one.process.pid, *children[1:]):
        assert "secret" not in _environment(pid) + Path(f"/proc/{pid}/cmdline").read_text()


def test_children_end_with_their_supervisor(supervise) -> None:
    one = supervise("echo here; exec sleep 100")
    wait_until(lambda: "here" in one.text(), 20, "the child")
    children = descendants(one.process.pid)
    one.process.send_signal(signal.SIGKILL)
    one.process.wait()
    wait_until(lambda: not [pid for pid in children if alive(pid)], 10, "the end of the children")


def test_children_can_never_become_root_again(supervise, tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root has something to give up")
    one = supervise("exec 3>&- 4>&-; cat /proc/self/status; ls -l /proc/self/fd; cat /proc/self/limits; exec sleep 100",
                    "-u", "nobody", "-l", str(tmp_path / "x.sock"))
    wait_until(lambda: "Max core file size" in one.text(), 20, "the child")
    said = one.text()
    assert re.search(r"^Uid:\s+(\d+)\s+\1\s+\1\s+\1$", said, re.M) and "Uid:\t0" not in said and "Gid:\t0" not in said
    assert re.search(r"^Groups:\s*$", said, re.M) and re.search(r"^NoNewPrivs:\s+1$", said, re.M)
    assert re.search(r"^CapEff:\s+0+$", said, re.M) and re.search(r"^Max core file size\s+0\s+0", said, re.M)
    descriptors = set(re.findall(r" (\d+) -> ", said))
    assert descriptors <= {"0", "1", "2", "3"}, said  # 3 is that of ls, on the directory
    socket = (tmp_path / "x.sock").stat()
    assert socket.st_uid != 0 and socket.st_mode & 0o777 == 0o660


def _environment(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_text()
    except PermissionError:  # not even shown to the same user
        return ""


@pytest.mark.parametrize("options", [(), ("-j",)])
def test_logs_that_were_moved_away(supervise, tmp_path: Path, options: tuple[str, ...]) -> None:
    """SIGUSR1: what comes goes to a new file; the program runs on, and nothing is lost."""
    one = supervise(f'for i in 1 2 3; do echo line $i; while [ ! -e {tmp_path}/go$i ]; do sleep 0.02; done; done; exec sleep 100',
                    *options)
    wait_until(lambda: "line 1\n" in one.text(), 20, "the first line")
    child = descendants(one.process.pid)
    moved = one.log.rename(tmp_path / "moved")
    (tmp_path / "go1").touch()
    wait_until(lambda: "line 2\n" in moved.read_text(), 20, "the second, in the old file")
    os.kill(one.process.pid, signal.SIGUSR1)
    wait_until(one.log.exists, 20, "a new file")
    (tmp_path / "go2").touch()
    wait_until(lambda: one.text() == "line 3\n", 20, "the third, in the new file")
    assert moved.read_text() == "line 1\nline 2\n" and child[0] in descendants(one.process.pid)
    assert one.log.stat().st_mode & 0o777 == 0o600


def test_its_own_lines_as_json(supervise) -> None:
    one = supervise("sleep 0.1; exit 3", "-j")
    wait_until(lambda: one.text().count("\n") > 2, 20, "its lines")
    for line in one.text().splitlines()[:3]:
        said = json.loads(line)
        assert said["process"] == "kanso-supervise" and said["message"], line
