"""The newest run of a run template."""

from __future__ import annotations

from kit.api import Api
from kit.factory import World
from kit.servers import Kanso

OTHERS = 2000


def entries(server: Kanso) -> int:
    """How many entries the database has read so far."""
    return sum(int(number) for _, number in server.sql("SHOW GLOBAL STATUS LIKE 'Handler_read%'"))


def copy(server: Kanso, table: str, row: str, **values: str) -> None:
    """Older copies of a row, so many that the database's statistics are about them."""
    columns = [name for (name,) in server.sql(
        f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' "
        f"AND table_schema = '{server.database}' AND column_name <> 'kanso_order' ORDER BY ordinal_position")]
    values |= {"id": "CONCAT(LEFT(o.id, 24), LPAD(n.seq, 8, '0'))", "created": "o.created - INTERVAL n.seq MINUTE"}
    digits = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
    numbers = (f"SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 1 AS seq FROM ({digits}) a CROSS JOIN ({digits}) b "
               f"CROSS JOIN ({digits}) c CROSS JOIN ({digits}) e")
    server.sql(f"INSERT INTO `{table}` ({', '.join(f'`{name}`' for name in columns)}) "
               f"SELECT {', '.join(values.get(name, f'o.`{name}`') for name in columns)} "
               f"FROM `{table}` o CROSS JOIN ({numbers}) n WHERE o.id = '{row.replace('-', '')}' AND n.seq <= {OTHERS}; "
               f"ANALYZE TABLE `{table}`")


def test_other_runs_are_not_read(one_worker: Kanso) -> None:
    world = World(Api(one_worker.url))
    build = world.build(is_local=False, contains_code=True, stack=world.remote_stack)["id"]
    source = world.deployment(build=build, stack=world.remote_stack)["id"]  # of no pipeline: its newest run is another matter
    template, idle = (world.template(source_deployment_id=source)["id"] for _ in range(2))
    runs = [world.run(deployment=world.deployment(template=template)["id"], status=status)
            for status in ("completed", "failed", "running")]
    one_worker.sql(f"UPDATE pipeline_run SET created = created + INTERVAL 1 DAY WHERE id = '{runs[1]['id'].replace('-', '')}'")
    other = world.run()
    copy(one_worker, "pipeline_deployment", other["body"]["deployment_id"])
    copy(one_worker, "pipeline_run", other["id"], name="CONCAT(o.name, n.seq)", deployment_id="NULL", orchestrator_run_id="NULL")
    for _ in range(2):  # what is prepared and remembered is not counted
        before = entries(one_worker)
        listed = {item["id"]: item["body"] for item in world.api.items("/run_templates", size=10)}
        read = entries(one_worker) - before
    assert (listed[template]["latest_run_id"], listed[template]["latest_run_status"]) == (runs[1]["id"], "failed")
    assert (listed[idle]["latest_run_id"], listed[idle]["latest_run_status"]) == (None, None)
    assert read < OTHERS
