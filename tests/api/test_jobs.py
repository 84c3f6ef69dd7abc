"""Background work: the queue, leases, and the process that runs jobs; with the one kind of jobs that tests/jobs makes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import uuid
from pathlib import Path
from typing import Callable, Iterator

import pytest

from kit.jobs import Jobs
from kit.mariadb import MariaDB
from kit.mysql_proxy import MySQLProxy
from kit.process import alive, descendants, executable_of, memory_of, wait_until
from kit.servers import Kanso

MB = 1024 * 1024


@pytest.fixture
def jobs(mariadb: MariaDB, tmp_path: Path) -> Iterator[Jobs]:
    made = Jobs(mariadb, tmp_path)
    yield made
    made.end()


@pytest.mark.sanitize
@pytest.mark.engine
def test_a_job_is_run_and_leaves_its_effects(jobs: Jobs) -> None:
    job = jobs.add("note:here done:there")
    jobs.start()
    jobs.ends(job)
    assert jobs.notes(job) == ["here", "there"]
    assert jobs.job(job, "CONCAT(outcome, ' ', LENGTH(payload), ' ', attempt, ' ', ISNULL(owner))") == "there 0 1 1"


def test_a_job_that_says_nothing_is_done(jobs: Jobs) -> None:
    job = jobs.add("note:here")
    jobs.start()
    jobs.ends(job)
    assert jobs.notes(job) == ["here"]


def test_one_turn_does_what_is_due_and_ends(jobs: Jobs, tmp_path: Path) -> None:
    """--once: jobs whose turn it is, also those that they make or that were added meanwhile; not those of later. cron, which
    starts it with no settings, has them in kanso.conf."""
    due, refused, later = jobs.add("note:a done:x"), jobs.add("refuse"), jobs.add("note:b", later=600)
    turn = [str(jobs.build / "unit" / "kanso-jobs"), "--once"]
    run = {"env": jobs.environment | {"KANSO_JOBS": "0"}, "capture_output": True, "text": True, "timeout": 60}
    done = subprocess.run(turn, **run)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert [jobs.job(each) for each in (due, refused, later)] == ["done", "failed", "waiting"]
    assert subprocess.run(turn, **run).returncode == 0, "nothing is due"
    assert jobs.notes(due) == ["a", "x"]
    by_cron = jobs.add("note:c")
    settings = {name: value for name, value in run["env"].items() if name.startswith(("KANSO_", "ZENML_"))}
    (tmp_path / "kanso.conf").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    bare = {"PATH": run["env"]["PATH"], "KANSO_CONF": str(tmp_path / "kanso.conf")}
    assert subprocess.run(turn, **run | {"env": bare}).returncode == 0
    assert jobs.notes(by_cron) == ["c"]
    run["env"]["ZENML_STORE_URL"] = "mysql://kanso:no@127.0.0.1:9/none"
    assert subprocess.run(turn, **run).returncode == 1, "no database"


# What goes wrong in a job ---------------------------------------------------------------------------------------------


@pytest.mark.sanitize
def test_what_may_pass_is_tried_again_and_given_up(jobs: Jobs) -> None:
    job = jobs.add("note:try unavailable")
    jobs.start()
    for tries in (1, 2):
        wait_until(lambda: jobs.job(job, "CONCAT(state, attempt)") == f"waiting{tries}", 30, f"the end of attempt {tries}")
        pause = int(jobs.job(job, "due - UNIX_TIMESTAMP(updated)"))
        assert pause == 2 ** tries, "the pauses grow"
        jobs.due_now(job)
    jobs.ends(job, "failed")
    assert jobs.notes(job) == ["try"] * 3 + ["gave-up This is not possible now"]
    assert jobs.job(job, "outcome") == "This is not possible now"
    assert jobs.job(job, "payload") == "note:try unavailable", "an operator may try again"


@pytest.mark.sanitize
def test_what_is_refused_is_final(jobs: Jobs) -> None:
    job = jobs.add("note:try refuse")
    jobs.start()
    jobs.ends(job, "failed")
    assert jobs.notes(job) == ["try", "gave-up This is refused"]


@pytest.mark.parametrize("end, why", [("die", "Its process was ended by signal 9 (Killed)"),
                                      ("exit:7", "Its process ended with status 7"),
                                      ("eat:4000", "Its process ended with status 1")])
def test_a_process_that_ends_is_an_attempt(jobs: Jobs, end: str, why: str) -> None:
    job = jobs.add(f"note:try {end} done:never")
    jobs.start(KANSO_WORKER_MEMORY=str(300 * MB))
    for tries in (1, 2):
        wait_until(lambda: jobs.job(job, "CONCAT(state, attempt)") == f"waiting{tries}", 30, f"the end of attempt {tries}")
        assert jobs.job(job, "outcome") == why
        jobs.due_now(job)
    jobs.ends(job, "failed")
    assert jobs.notes(job) == ["try"] * 3 + [f"gave-up {why}"]


def test_time_is_limited(jobs: Jobs) -> None:
    """The job, and the program that it has started, end; others go on."""
    job = jobs.add("spawn sleep:60000")
    other = jobs.add("sleep:100 done:other")
    jobs.start()
    wait_until(lambda: jobs.job(job, "CONCAT(state, attempt)") == "waiting1", 60, "the end of the first attempt")
    assert jobs.job(job, "outcome") == "It took longer than it may"
    spawned = int(jobs.notes(job)[0].split()[1])
    wait_until(lambda: not alive(spawned), 10, "the end of what it has started")
    jobs.ends(other)


def test_what_jobs_start_inherits_nothing(jobs: Jobs) -> None:
    """No connection to the database, no descriptor of kanso-jobs, no secret in the environment."""
    job = jobs.add("note:connected spawn sleep:60000")
    process = jobs.start()
    wait_until(lambda: len(jobs.notes(job)) == 2, 30, "what it starts")
    spawned = int(jobs.notes(job)[1].split()[1])
    wait_until(lambda: "sleep" in executable_of(spawned), 10, "its program")
    opened = {int(fd.name): os.readlink(fd) for fd in Path(f"/proc/{spawned}/fd").iterdir()}
    assert set(opened) <= {0, 1, 2}, opened
    environment = Path(f"/proc/{spawned}/environ").read_text()
    assert jobs.mariadb.password not in environment
    assert process.poll() is None


def test_nothing_of_a_transaction_stays_that_did_not_end(jobs: Jobs) -> None:
    """Killed between its effects and the commit: neither effects nor end are there, and it is run once more."""
    job = jobs.add("note:try open:effect die commit")
    jobs.start()
    wait_until(lambda: jobs.job(job, "CONCAT(state, attempt)") == "waiting1", 30, "the end of the first attempt")
    assert jobs.notes(job) == ["try"]
    jobs.sql(f"UPDATE kanso_job SET payload = 'open:effect commit die', due = 0 WHERE id = '{job}'")
    jobs.ends(job)
    assert jobs.notes(job) == ["try", "effect"], "killed behind the commit: it is done"


@pytest.mark.sanitize
def test_jobs_are_added_once_for_a_key(jobs: Jobs) -> None:
    first, second = jobs.add("add:k"), jobs.add("add:k")
    other = jobs.add("add:l")
    jobs.start()
    for job in (first, second, other):
        jobs.ends(job)
    wait_until(lambda: jobs.notes() == ["added", "added"], 30, "two jobs")
    assert jobs.sql("SELECT unique_key, COUNT(*) FROM kanso_job WHERE unique_key IS NOT NULL GROUP BY unique_key ORDER BY 1") \
        == [["k", "1"], ["l", "1"]]


def test_looked_at_until_it_ends(jobs: Jobs) -> None:
    """A job that comes up again uses up no attempts."""
    job = jobs.add("note:look again:0")
    jobs.start()
    wait_until(lambda: jobs.notes(job).count("look") > 5, 60, "six looks")
    jobs.sql(f"UPDATE kanso_job SET payload = 'done:seen' WHERE id = '{job}'")
    jobs.ends(job)


def test_later_jobs_wait(jobs: Jobs) -> None:
    later, now = jobs.add("note:later", later=3600), jobs.add("note:now")
    jobs.start()
    jobs.ends(now)
    assert jobs.job(later) == "waiting"


def test_kinds_that_are_not_known_are_left_to_others(jobs: Jobs) -> None:
    """Hosts of two versions: the older one does not touch what it cannot do."""
    strange, known = jobs.add("", kind="of-tomorrow"), jobs.add("note:here")
    jobs.start()
    jobs.ends(known)
    assert jobs.job(strange, "CONCAT(state, attempt)") == "waiting0"


@pytest.mark.sanitize
def test_caller_of_a_job(jobs: Jobs) -> None:
    """An account that is there and active, and no other."""
    user = jobs.sql("SELECT id FROM user WHERE name = 'default'")[0][0]
    good, gone = jobs.add(f"as:{user}"), jobs.add(f"as:{uuid.uuid4().hex}")
    jobs.start()
    jobs.ends(good)
    assert jobs.notes(good) == ["default"]
    jobs.ends(gone, "failed")
    jobs.sql(f"UPDATE user SET active = 0 WHERE id = '{user}'")
    inactive = jobs.add(f"as:{user}")
    jobs.ends(inactive, "failed")
    assert "not active" in jobs.job(inactive, "outcome")


# Hosts ----------------------------------------------------------------------------------------------------------------


def test_the_clock_is_set_back(jobs: Jobs) -> None:
    """What the clock of before has put off for an hour is done now: who waits, and who is left behind by a process that has
    gone. What was put off on purpose stays put off."""
    waits, left, later = jobs.add("note:a"), jobs.add("note:b"), jobs.add("note:c", later=3600)
    jobs.sql("UPDATE kanso_job SET updated = UTC_TIMESTAMP() + INTERVAL 1 HOUR, due = UNIX_TIMESTAMP() + 3600 "
             f"WHERE id IN ('{waits}', '{left}')")
    jobs.sql(f"UPDATE kanso_job SET state = 'running', owner = 'gone 1 x', attempt = 1 WHERE id = '{left}'")
    jobs.start(KANSO_JOBS_LEASE="4")
    jobs.ends(waits)
    jobs.ends(left)
    assert (jobs.job(left, "attempt"), jobs.job(later)) == ("2", "waiting")


def test_so_many_at_a_time(jobs: Jobs) -> None:
    waiting = [jobs.add("sleep:700") for _ in range(6)]
    process = jobs.start(KANSO_JOBS="2")
    most = 0
    while any(jobs.job(job) != "done" for job in waiting):
        most = max(most, len(descendants(process.pid)))
    assert most == 2


def test_stopping_lets_jobs_end(jobs: Jobs) -> None:
    job, next_one = jobs.add("note:begun sleep:2000 done:ended"), jobs.add("note:next", later=2)
    process = jobs.start(KANSO_JOBS="1", KANSO_JOBS_GRACE="20")
    jobs.noted(job, "begun")
    for _ in range(5):  # as scripts/kanso does until it ends
        process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert jobs.job(job) == "done" and jobs.job(next_one) == "waiting"


@pytest.mark.sanitize
def test_stopping_gives_back_what_does_not_end(jobs: Jobs) -> None:
    job = jobs.add("note:begun spawn sleep:6000 done:ended")
    process = jobs.start(KANSO_JOBS_GRACE="1")
    jobs.noted(job, "begun")
    wait_until(lambda: len(jobs.notes(job)) == 2, 10, "what it starts")
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert time.monotonic() - began < 5.5, "it was not waited for"
    assert jobs.job(job, "CONCAT(state, attempt, ISNULL(owner))") == "waiting01", "as if it had not been begun"
    assert not alive(int(jobs.notes(job)[1].split()[1]))


@pytest.mark.engine
def test_a_host_that_is_gone(jobs: Jobs) -> None:
    """Its children end with it, and another takes up the jobs when the lease has run out, not before."""
    job = jobs.add("note:begun sleep:3000 done:ended")
    first = jobs.start(KANSO_JOBS_LEASE="8")
    jobs.noted(job, "begun")
    children = descendants(first.pid)
    first.kill()
    first.wait()
    wait_until(lambda: not any(alive(pid) for pid in children), 10, "the end of its children")
    runs_out = int(jobs.job(job, "due"))
    jobs.start(KANSO_JOBS_LEASE="8")
    wait_until(lambda: jobs.notes(job) == ["begun", "begun"], 30, "somebody who takes it up")
    assert int(jobs.sql("SELECT UNIX_TIMESTAMP(MAX(at)) FROM kanso_test_note")[0][0].split(".")[0]) >= runs_out
    jobs.ends(job)
    assert jobs.notes(job) == ["begun", "begun", "ended"]
    assert jobs.job(job, "attempt") == "2"


def test_leases_of_long_jobs_are_renewed(jobs: Jobs) -> None:
    job = jobs.add("note:begun sleep:7500 done:ended")
    jobs.start(KANSO_JOBS_LEASE="6")
    jobs.start(KANSO_JOBS_LEASE="6")
    jobs.ends(job)
    assert jobs.notes(job) == ["begun", "ended"]


def test_a_host_that_slept_through_its_lease(jobs: Jobs) -> None:
    """It wakes up when another has done the job: its transaction changes nothing."""
    job = jobs.add("note:begun sleep:1500 done:effect")
    first = jobs.start()
    jobs.noted(job, "begun")
    sleepers = [first.pid, *descendants(first.pid)]
    for pid in sleepers:
        os.kill(pid, signal.SIGSTOP)
    jobs.sql(f"UPDATE kanso_job SET due = UNIX_TIMESTAMP() - 1 WHERE id = '{job}'")
    jobs.start()
    jobs.ends(job)
    for pid in reversed(sleepers):
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: not descendants(first.pid), 30, "the end of the sleeper's child")
    assert jobs.notes(job) == ["begun", "begun", "effect"]
    assert jobs.job(job, "CONCAT(state, attempt)") == "done2"


def test_who_does_not_reach_the_database_lets_go_in_time(mariadb: MariaDB, jobs: Jobs) -> None:
    """The lease cannot be renewed: the child is ended before another host may take its job."""
    job = jobs.add("note:begun spawn sleep:60000")
    with MySQLProxy(mariadb.port) as proxy:
        first = jobs.start(KANSO_JOBS_LEASE="8", ZENML_STORE_URL=mariadb.tcp_url(jobs.database).replace(
            f":{mariadb.port}/", f":{proxy.port}/"))
        wait_until(lambda: len(jobs.notes(job)) == 2, 30, "what it starts")
        child = descendants(first.pid)[0]
        proxy.delay(60, "kanso_job", times=None)
        wait_until(lambda: not alive(child), 30, "the end of the child")
        assert int(jobs.job(job, "due - UNIX_TIMESTAMP()")) >= 0, "the lease holds still"
        assert not alive(int(jobs.notes(job)[1].split()[1]))
        first.kill()


@pytest.mark.engine
@pytest.mark.race
def test_two_hosts_and_a_thousand_jobs(jobs: Jobs) -> None:
    """Each is started exactly once, though both hosts want all of them, and has its effects once."""
    values = ", ".join(f"(REPLACE(UUID(), '-', ''), UTC_TIMESTAMP(), UTC_TIMESTAMP(), 'script', '{n:032x}', 'waiting', 0, "
                       "'note:begun done:once')" for n in range(1000))
    jobs.sql("INSERT INTO kanso_job (id, created, updated, kind, subject, state, due, payload) VALUES " + values)
    for _ in range(2):
        jobs.start(KANSO_JOBS="8")
    wait_until(lambda: jobs.sql("SELECT COUNT(*) FROM kanso_job WHERE state <> 'done'") == [["0"]], 240, "all jobs")
    assert jobs.sql("SELECT word, COUNT(*), COUNT(DISTINCT job), MAX(attempt) FROM kanso_test_note GROUP BY word ORDER BY word") \
        == [["begun", "1000", "1000", "1"], ["once", "1000", "1000", "1"]]


@pytest.fixture
def restarted(tmp_path: Path, workspace_directory: Path) -> Iterator[Jobs]:
    """Jobs in a database of their own, which a test may stop."""
    database = MariaDB(workspace_directory / f"r{uuid.uuid4().hex[:6]}")
    database.create()
    made = Jobs(database, tmp_path)
    yield made
    made.end()
    database.stop()


@pytest.mark.race
def test_the_database_is_restarted_meanwhile(restarted: Jobs) -> None:
    """Nothing is lost and nothing done twice; who finds no database waits for it."""
    jobs = restarted
    waiting = [jobs.add("sleep:200 done:once") for _ in range(60)]
    for _ in range(2):
        jobs.start(KANSO_JOBS_LEASE="8")
    wait_until(lambda: len(jobs.notes()) > 10, 60, "ten jobs")
    jobs.mariadb.stop()
    time.sleep(2)
    jobs.mariadb.start()
    for job in waiting:
        jobs.ends(job, seconds=120)
    assert jobs.sql("SELECT COUNT(*), COUNT(DISTINCT job) FROM kanso_test_note") == [["60", "60"]]
    assert jobs.log().count("the database answers again") <= 4
    assert all(process.poll() is None for process in jobs.running)


def test_ended_jobs_are_swept(jobs: Jobs) -> None:
    old_done, old_failed, new, waiting = (jobs.add("note:x", later=7 * 86400) for _ in range(4))
    jobs.sql(f"UPDATE kanso_job SET state = 'done', due = UNIX_TIMESTAMP() - 3 * 86400 WHERE id = '{old_done}'")
    jobs.sql(f"UPDATE kanso_job SET state = 'failed', due = UNIX_TIMESTAMP() - 3 * 86400 WHERE id = '{old_failed}'")
    jobs.sql(f"UPDATE kanso_job SET state = 'done', due = UNIX_TIMESTAMP() - 86400 WHERE id = '{new}'")
    jobs.start(KANSO_JOBS_KEEP="2")
    wait_until(lambda: [jobs.job(job) for job in (old_done, old_failed)] == ["gone", "gone"], 30, "the old ones' end")
    assert (jobs.job(new), jobs.job(waiting)) == ("done", "waiting")


def test_it_is_part_of_every_plan(launch: Callable[..., Kanso]) -> None:
    """Started with the others, seen in their status, ended with them; KANSO_JOBS=0 leaves it out."""
    for workers in ("", "all"):
        kanso = launch(workers=workers)
        assert "\njobs " in kanso.run("status").stdout
        assert len(kanso.background()) == 1
        os.kill(kanso.background()[0], signal.SIGKILL)
        wait_until(lambda: len(kanso.background()) == 1, 30, "its supervisor to start it again")
        kanso.stop()
        assert not kanso.processes()
    kanso = launch(KANSO_JOBS="0")
    assert "jobs" not in kanso.run("status").stdout and not kanso.background()
    kanso.stop()


@pytest.mark.skipif(os.getuid() != 0, reason="only root sees the memory of others")
def test_it_takes_little_while_it_waits(launch: Callable[..., Kanso]) -> None:
    kanso = launch(workers="all")
    wait_until(lambda: len(kanso.background()) == 1, 30, "kanso-jobs")
    time.sleep(2.5)
    assert memory_of(kanso.background()[0]) < 4 * MB
    kanso.stop()


def test_bad_settings_are_refused(jobs: Jobs) -> None:
    for setting, words in ((("KANSO_JOBS", "0"), "no background work"), (("KANSO_JOBS", "many"), "whole number"),
                           (("KANSO_JOBS_LEASE", "1"), "from 4 to 3600"), (("ZENML_STORE_URL", "nonsense"), "mysql://")):
        process = jobs.start(**dict([setting]))
        assert process.wait(30) == 2
        assert words in jobs.log() and setting[0] in jobs.log()


# What an operator sees and does ------------------------------------------------------------------------------------------


def dashed(job: str) -> str:
    return str(uuid.UUID(job))


@pytest.mark.sanitize
def test_command_lists_and_shows(jobs: Jobs) -> None:
    failed, subject = jobs.add("refuse", key="k"), uuid.uuid4().hex
    jobs.start()
    jobs.ends(failed, "failed")
    waiting = jobs.add("note:x", subject=subject, later=3600)
    listed = json.loads(jobs.ctl("jobs", "list", "--json").stdout)
    assert [(row["id"], row["state"]) for row in listed] == [(dashed(waiting), "waiting"), (dashed(failed), "failed")]
    assert [row["id"] for row in json.loads(jobs.ctl("jobs", "list", "--json", "--state", "failed").stdout)] == [dashed(failed)]
    assert [row["id"] for row in json.loads(jobs.ctl("jobs", "list", "--json", "--subject", subject).stdout)] == [dashed(waiting)]
    assert json.loads(jobs.ctl("jobs", "list", "--json", "--kind", "other").stdout) == []
    assert len(json.loads(jobs.ctl("jobs", "list", "--json", "--limit", "1").stdout)) == 1
    lines = jobs.ctl("jobs", "list").stdout.splitlines()
    assert len(lines) == 3 and lines[1].split()[:3] == [dashed(waiting), "script", "waiting"]
    shown = json.loads(jobs.ctl("jobs", "show", failed, "--json").stdout)
    assert {name: shown[name] for name in ("kind", "key", "state", "attempt", "outcome", "owner", "payload_bytes", "cancelled")} == {
        "kind": "script", "key": "k", "state": "failed", "attempt": 1, "outcome": "This is refused", "owner": None,
        "payload_bytes": 6, "cancelled": False}
    assert "This is refused" in jobs.ctl("jobs", "show", dashed(failed)).stdout


def test_what_is_shown_moves_no_cursor(jobs: Jobs) -> None:
    job = jobs.add("note:x", later=3600)
    jobs.sql(f"UPDATE kanso_job SET outcome = CONCAT('a', CHAR(27), '[2Jb', CHAR(10), 'c') WHERE id = '{job}'")
    assert "outcome        a [2Jb c\n" in jobs.ctl("jobs", "show", job).stdout


def test_command_retries_what_has_failed(jobs: Jobs) -> None:
    job = jobs.add("note:try refuse")
    jobs.start()
    jobs.ends(job, "failed")
    jobs.sql(f"UPDATE kanso_job SET payload = 'done:good' WHERE id = '{job}'")
    assert jobs.ctl("jobs", "retry", job).returncode == 0
    jobs.ends(job)
    again = jobs.ctl("jobs", "retry", job, check=False)
    assert again.returncode == 1 and "the job is done" in again.stderr


@pytest.mark.sanitize
def test_command_cancels_what_waits_and_what_runs(jobs: Jobs) -> None:
    """Both are failures that are told like others; what runs is stopped."""
    runs, waits = jobs.add("note:begun spawn sleep:60000"), jobs.add("note:never", later=3600)
    jobs.start()
    wait_until(lambda: len(jobs.notes(runs)) == 2, 30, "a job that runs")
    began = time.monotonic()
    for job in (runs, waits):
        jobs.ctl("jobs", "cancel", job)
    for job in (runs, waits):
        jobs.ends(job, "failed")
        assert jobs.notes(job)[-1] == "gave-up cancelled"
    assert time.monotonic() - began < 7.5, "it was not waited for"
    assert jobs.notes(waits) == ["gave-up cancelled"]
    assert not alive(int(jobs.notes(runs)[1].split()[1]))
    again = jobs.ctl("jobs", "cancel", waits, check=False)
    assert again.returncode == 1 and "the job is failed" in again.stderr


@pytest.mark.engine
def test_command_shows_events(jobs: Jobs) -> None:
    """Deliveries and firings, by the name of where they come from, and nothing else."""
    user, workspace = (jobs.sql(f"SELECT id FROM {table} LIMIT 1")[0][0] for table in ("user", "workspace"))
    source = uuid.uuid4().hex
    jobs.sql("INSERT INTO event_source (id, created, updated, name, workspace_id, user_id, flavor, plugin_subtype, "
             f"description, configuration, is_active) VALUES ('{source}', NOW(), NOW(), 'from-github', '{workspace}', '{user}', "
             "'github', 'webhook', '', '', 1)")
    jobs.add("note:x", later=3600)
    delivery = jobs.add("", kind="delivery", subject=source, later=3600)
    jobs.sql(f"UPDATE kanso_job SET state = 'done', outcome = '2 triggers' WHERE id = '{delivery}'")
    firing = jobs.add("", kind="firing", later=3600)
    events = json.loads(jobs.ctl("events", "--json").stdout)
    assert [(event["id"], event["kind"]) for event in events] == [(dashed(firing), "firing"), (dashed(delivery), "delivery")]
    assert (events[1]["subject_name"], events[1]["outcome"]) == ("from-github", "2 triggers")
    lines = jobs.ctl("events").stdout.splitlines()
    assert len(lines) == 3 and lines[2].split()[-3:] == ["from-github", "2", "triggers"]
    assert json.loads(jobs.ctl("events", "--json", "--subject", dashed(source)).stdout)[0]["id"] == dashed(delivery)


@pytest.mark.parametrize("arguments, words", [
    (("jobs", "show", "x"), "is a UUID"), (("jobs", "list", "--limit", "0"), "--limit"),
    (("jobs", "list", "--state", "odd"), "--state"), (("jobs", "list", "--subject", "x"), "--subject")])
def test_command_line_is_checked(jobs: Jobs, arguments: tuple[str, ...], words: str) -> None:
    """What is the command's own; test_kansoctl.py has what all commands share."""
    done = jobs.ctl(*arguments, check=False)
    assert done.returncode == 2 and words in done.stderr and "--help" in done.stderr


def test_no_such_job(jobs: Jobs) -> None:
    for command in ("show", "retry", "cancel"):
        done = jobs.ctl("jobs", command, uuid.uuid4().hex, check=False)
        assert done.returncode == 4 and "there is no job" in done.stderr
