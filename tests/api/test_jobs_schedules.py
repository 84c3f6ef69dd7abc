"""Schedules of triggers fire: when, how often, and over any number of hosts."""

from __future__ import annotations

import base64
import json
import subprocess
import time
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from kit.api import Api
from kit.factory import World
from kit.jobs import Jobs
from kit.mariadb import MariaDB
from kit.process import wait_until
from kit.servers import Kanso
from kit.workloads import Workloads

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


class Triggers(Jobs):
    """Jobs, and triggers with schedules to make some."""

    def __init__(self, mariadb: MariaDB, directory: Path) -> None:
        super().__init__(mariadb, directory)
        self.user, self.workspace = (self.sql(f"SELECT id FROM {table} LIMIT 1")[0][0] for table in ("user", "workspace"))
        self.action = uuid.uuid4().hex
        self.sql("INSERT INTO action (id, created, updated, name, workspace_id, user_id, service_account_id, auth_window, "
                 f"flavor, plugin_subtype, configuration) VALUES ('{self.action}', NOW(), NOW(), 'a', '{self.workspace}', "
                 f"'{self.user}', '{self.user}', 0, 'builtin', 'pipeline_run', '')")
        self.sql("INSERT INTO kanso_meta (name, value) VALUES ('schedules_fire_since', '0')")

    def now(self) -> datetime:
        """By the database."""
        return datetime.fromtimestamp(int(self.sql("SELECT UNIX_TIMESTAMP()")[0][0]), timezone.utc)

    def trigger(self, created: timedelta = timedelta(), active: bool = True, **schedule: Any) -> str:
        """A trigger that was made so long ago; its id."""
        made = uuid.uuid4().hex
        stored = base64.b64encode(json.dumps(schedule).encode()).decode()
        self.sql("INSERT INTO `trigger` (id, created, updated, name, workspace_id, user_id, action_id, event_filter, schedule, "
                 f"is_active) VALUES ('{made}', UTC_TIMESTAMP() - INTERVAL {int(created.total_seconds())} SECOND, NOW(), "
                 f"'t{made[:6]}', '{self.workspace}', '{self.user}', '{self.action}', '', '{stored}', {int(active)})")
        return made

    def firings(self, trigger: str) -> list[str]:
        """The times that a trigger has fired for."""
        rows = self.sql(f"SELECT CONVERT(payload USING utf8mb4) FROM kanso_job WHERE kind = 'firing' AND subject = '{trigger}' "
                        "ORDER BY kanso_order")
        return [json.loads(row[0])["scheduled_time"] for row in rows]

    def seen(self, trigger: str) -> bool:
        return bool(self.sql(f"SELECT 1 FROM kanso_trigger_schedule WHERE trigger_id = '{trigger}'"))

    def looked(self, *triggers: str) -> None:
        """Waits until all of them have been looked at."""
        wait_until(lambda: all(self.seen(trigger) for trigger in triggers), 60, "a look at the triggers")


@pytest.fixture
def triggers(mariadb: MariaDB, tmp_path: Path) -> Iterator[Triggers]:
    made = Triggers(mariadb, tmp_path)
    yield made
    made.end()


@pytest.mark.sanitize
def test_a_single_time(triggers: Triggers) -> None:
    """Not before it, and once."""
    at = triggers.now() + timedelta(seconds=4)
    trigger = triggers.trigger(run_once_start_time=stamp(at))
    triggers.start()
    triggers.looked(trigger)
    if triggers.now() < at:
        assert triggers.firings(trigger) == []
    wait_until(lambda: bool(triggers.firings(trigger)), 30, "the firing")
    assert triggers.now() >= at
    time.sleep(2.5)
    assert triggers.firings(trigger) == [stamp(at)]


def test_an_interval(triggers: Triggers) -> None:
    """Counted from its start, the start itself included; it ends at its end."""
    start = triggers.now() + timedelta(seconds=2)
    trigger = triggers.trigger(start_time=stamp(start), interval_second="PT3S", end_time=stamp(start + timedelta(seconds=7)),
                               catchup=True)
    triggers.start()
    expected = [stamp(start + timedelta(seconds=n)) for n in (0, 3, 6)]
    wait_until(lambda: triggers.firings(trigger) == expected, 60, "three firings")
    time.sleep(3.5)
    assert triggers.firings(trigger) == expected


def test_a_cron_line(triggers: Triggers) -> None:
    trigger = triggers.trigger(cron_expression="* * * * *")
    never = triggers.trigger(cron_expression="0 0 30 2 *")
    made = triggers.now()
    triggers.start()
    wait_until(lambda: bool(triggers.firings(trigger)), 90, "the next minute")
    assert triggers.firings(trigger)[0] == stamp(made.replace(second=0) + MINUTE)
    assert triggers.firings(never) == []


def test_missed_times_without_catchup(triggers: Triggers) -> None:
    """The latest only."""
    latest = triggers.now().replace(second=0) - 10 * MINUTE
    minutes = f"{latest.minute},{(latest - 25 * MINUTE).minute}"
    trigger = triggers.trigger(created=3 * HOUR, cron_expression=f"{minutes} * * * *")
    triggers.start()
    triggers.looked(trigger)
    assert triggers.firings(trigger) == [stamp(latest)]


@pytest.mark.sanitize
def test_missed_times_with_catchup(triggers: Triggers) -> None:
    """Each of them, oldest first; more than twenty in several rounds."""
    start = triggers.now() - timedelta(minutes=5 * 29, seconds=30)
    trigger = triggers.trigger(created=20 * MINUTE, start_time=stamp(start), interval_second="PT300S", catchup=True)
    triggers.start()
    expected = [stamp(start + timedelta(minutes=5 * n)) for n in range(30)]
    wait_until(lambda: len(triggers.firings(trigger)) >= 30, 60, "thirty firings")
    assert triggers.firings(trigger) == expected


def test_paused_and_active_again(triggers: Triggers) -> None:
    """An inactive trigger does not fire; active again, it makes up for what its schedule says."""
    now = triggers.now()
    start = now - timedelta(minutes=30, seconds=5)
    kept = dict(start_time=stamp(start), interval_second=600.0)
    paused, all_of_it = (triggers.trigger(created=HOUR, active=False, **kept, catchup=catchup) for catchup in (False, True))
    marker = triggers.trigger(cron_expression="0 0 1 1 *")
    triggers.start()
    triggers.looked(marker)
    assert not triggers.seen(paused) and triggers.firings(paused) == triggers.firings(all_of_it) == []
    triggers.sql("UPDATE `trigger` SET is_active = 1")
    triggers.looked(paused, all_of_it)
    assert triggers.firings(paused) == [stamp(start + timedelta(minutes=30))]
    assert triggers.firings(all_of_it) == [stamp(start + timedelta(minutes=n)) for n in (0, 10, 20, 30)]


def test_what_has_ended_does_not_fire(triggers: Triggers) -> None:
    now = triggers.now()
    ended = triggers.trigger(cron_expression="* * * * *", start_time=stamp(now - 48 * HOUR), end_time=stamp(now - 24 * HOUR),
                             catchup=True)
    triggers.start()
    triggers.looked(ended)
    assert triggers.firings(ended) == []


def test_triggers_of_an_older_database_fire_from_now_on(triggers: Triggers) -> None:
    """What ZenML has only stored does not make up for years."""
    triggers.sql("DELETE FROM kanso_meta WHERE name = 'schedules_fire_since'")
    now = triggers.now()
    old = triggers.trigger(created=5000 * HOUR, start_time=stamp(now - 5000 * HOUR), interval_second="PT3600S", catchup=True)
    once = triggers.trigger(created=5000 * HOUR, run_once_start_time=stamp(now - 400 * HOUR))
    cron = triggers.trigger(created=5000 * HOUR, cron_expression=f"{(now.minute - 2) % 60} * * * *")
    triggers.start()
    triggers.looked(old, once, cron)
    assert triggers.firings(old) == triggers.firings(once) == triggers.firings(cron) == []


@pytest.mark.sanitize
def test_schedules_that_cannot_be_read_are_told_of(triggers: Triggers) -> None:
    """Once; the others fire all the same."""
    bad = triggers.trigger(cron_expression="at noon")
    odd = triggers.trigger(start_time="2020-01-01T00:00:00")
    good = triggers.trigger(created=HOUR, cron_expression="* * * * *")
    triggers.sql(f"INSERT INTO `trigger` SELECT '{'f' * 32}', created, updated, 'broken', workspace_id, user_id, event_source_id, "
                 f"action_id, event_filter, '%%%', description, is_active FROM `trigger` WHERE id = '{good}'")
    triggers.start()
    wait_until(lambda: bool(triggers.firings(good)), 30, "the good one")
    assert "five fields" in triggers.log()
    for each in (bad, odd, "f" * 32):
        assert triggers.log().count(each) == 1


def test_off_keeps_the_old_way(triggers: Triggers) -> None:
    trigger = triggers.trigger(created=HOUR, cron_expression="* * * * *")
    triggers.start(KANSO_SCHEDULER="off")
    job = triggers.add("note:x")
    triggers.ends(job)
    time.sleep(2)
    assert not triggers.seen(trigger) and triggers.firings(trigger) == []


def test_a_new_schedule_does_not_fire_for_what_is_past(triggers: Triggers) -> None:
    start = triggers.now() - 3 * HOUR
    trigger = triggers.trigger(created=4 * HOUR, start_time=stamp(start), interval_second="PT86400S")
    triggers.start()
    triggers.looked(trigger)
    assert triggers.firings(trigger) == [stamp(start)]
    earlier = triggers.now() - 20 * MINUTE
    changed = {"start_time": stamp(start), "cron_expression": f"{earlier.minute} {earlier.hour} * * *"}
    stored = base64.b64encode(json.dumps(changed).encode()).decode()
    triggers.sql(f"UPDATE `trigger` SET schedule = '{stored}' WHERE id = '{trigger}'")
    marker = triggers.trigger(cron_expression="0 0 1 1 *")
    triggers.looked(marker)
    assert triggers.firings(trigger) == [stamp(start)]


@pytest.mark.engine
@pytest.mark.race
def test_several_hosts_fire_once(triggers: Triggers) -> None:
    start = triggers.now() + timedelta(seconds=3)
    made = [triggers.trigger(start_time=stamp(start), interval_second="PT1S", end_time=stamp(start + timedelta(seconds=8)),
                             catchup=True) for _ in range(20)]
    for _ in range(3):
        triggers.start()
    expected = [stamp(start + timedelta(seconds=n)) for n in range(9)]
    wait_until(lambda: all(len(triggers.firings(trigger)) >= 9 for trigger in made), 90, "all firings")
    time.sleep(1.5)
    assert [triggers.firings(trigger) for trigger in made] == [expected] * len(made)


# From the API to the run ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def workloads(workspace_directory: Path) -> Workloads:
    return Workloads(workspace_directory / "schedule-workloads")


@pytest.fixture(scope="module")
def kanso(launch: Callable[..., Kanso], workloads: Workloads) -> Kanso:
    return launch(ZENML_SERVER_SERVER_URL="http://kanso.test:8080",
                  ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE="kanso.command",
                  KANSO_WORKLOAD_COMMAND=str(workloads.program))


def test_a_schedule_runs_a_template(kanso: Kanso) -> None:
    """A trigger that was made by the API: its execution, its action, and a run that belongs to the service account."""
    world = World(Api(kanso.url))
    at = datetime.now(timezone.utc) + timedelta(seconds=2)
    trigger = world.trigger(schedule={"run_once_start_time": stamp(at)})
    subject = trigger["id"].replace("-", "")

    def outcome(kind: str) -> str:
        rows = kanso.sql(f"SELECT state, outcome FROM kanso_job WHERE kind = '{kind}' AND subject = '{subject}'")
        assert not rows or rows[0][0] != "failed", rows
        return rows[0][1] if rows and rows[0][0] == "done" else ""

    wait_until(lambda: bool(outcome("firing")), 60, "the firing")
    assert outcome("firing") == stamp(at)
    wait_until(lambda: bool(outcome("action")), 60, "the action")
    run = world.api.read("/runs/" + outcome("action").removeprefix("run "))
    assert run["body"]["user"]["body"]["is_service_account"]
    executions = world.api.read("/triggers/" + trigger["id"])["resources"]["executions"]
    assert executions["total"] == 1
    event = kanso.sql(f"SELECT event_metadata FROM trigger_execution WHERE trigger_id = '{subject}'")[0][0]
    assert json.loads(base64.b64decode(event.replace("\\n", ""))) == {"scheduled_time": stamp(at)}
    listed = subprocess.run([str(kanso.build / "bin" / "kansoctl"), "events", "--json"], check=True, capture_output=True,
                            text=True, env=kanso.environment)
    assert [(row["subject"], row["outcome"]) for row in json.loads(listed.stdout)] == [(trigger["id"], stamp(at))]


def test_a_trigger_that_was_switched_off_meanwhile(kanso: Kanso) -> None:
    """The firing was there already: nothing is executed."""
    world = World(Api(kanso.url))
    trigger = world.trigger(schedule={"cron_expression": "0 0 1 1 *"})
    subject = trigger["id"].replace("-", "")
    world.api.change("/triggers/" + trigger["id"], {"is_active": False})
    kanso.sql("INSERT INTO kanso_job (id, created, updated, kind, subject, state, due, payload) VALUES "
              f"('{uuid.uuid4().hex}', UTC_TIMESTAMP(), UTC_TIMESTAMP(), 'firing', '{subject}', 'waiting', 0, '{{}}')")
    wait_until(lambda: kanso.sql(f"SELECT state FROM kanso_job WHERE subject = '{subject}'") == [["failed"]], 60, "its end")
    assert "not active" in kanso.sql(f"SELECT outcome FROM kanso_job WHERE subject = '{subject}'")[0][0]
    assert kanso.sql(f"SELECT COUNT(*) FROM trigger_execution WHERE trigger_id = '{subject}'") == [["0"]]
