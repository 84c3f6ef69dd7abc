"""Data of any size: what belongs to the runs that are there, copied whole by SQL.

The rows of all runs are copied so many times, each time a day older, with everything that belongs to them: deployments,
steps and their parents, inputs and outputs, versions of artifacts and models, visualizations, metadata, logs, tags, links.
What runs share (pipelines, artifacts, models, stacks, tags) stays as it is: so it gets more and more of what hangs on it.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kit.mariadb import MariaDB  # noqa: E402

# Table -> the columns that name what is copied along: each copy names the copies.
COPIED = {
    "pipeline_deployment": ("id",),
    "model_version": ("id",),
    "pipeline_run": ("id", "orchestrator_run_id", "deployment_id", "model_version_id"),
    "step_run": ("id", "pipeline_run_id", "deployment_id", "original_step_run_id", "model_version_id"),
    "step_run_parents": ("parent_id", "child_id"),
    "artifact_version": ("id",),
    "artifact_visualization": ("id", "artifact_version_id"),
    "step_run_input_artifact": ("step_id", "artifact_id"),
    "step_run_output_artifact": ("step_id", "artifact_id"),
    "run_metadata": ("id", "resource_id"),
    "logs": ("id", "step_run_id", "pipeline_run_id"),
    "tag_resource": ("id", "resource_id"),
    "model_versions_artifacts": ("id", "model_version_id", "artifact_version_id"),
    "model_versions_runs": ("id", "model_version_id", "pipeline_run_id"),
}
# What has to differ between copies besides.
NAMED = {("pipeline_run", "name"), ("model_version", "name"), ("artifact_version", "version"), ("step_run", "cache_key")}
NUMBERED = {("model_version", "number"), ("artifact_version", "version_number")}
TIMES = ("created", "updated", "start_time", "end_time")
# Rows of these hang on all kinds; only those of what is copied are.
KINDS = "('pipeline_run', 'step_run', 'artifact_version', 'model_version')"
AT_ONCE = 5  # copies of a statement: one statement for all would want more locks than there is room for


def columns_of(mariadb: MariaDB, database: str, table: str) -> list[str]:
    """Of a table, without Kanso's order of creation: it is made anew for rows that are put in."""
    return [row[0] for row in mariadb.sql(
        f"SELECT column_name FROM information_schema.columns WHERE table_schema = '{database}' "
        f"AND table_name = '{table}' AND column_name <> 'kanso_order' ORDER BY ordinal_position")]


def copied_value(table: str, column: str) -> str:
    """What a copy holds: `o` is the original, `c` the number of the copy."""
    if column in COPIED[table]:
        return f"MD5(CONCAT(o.`{column}`, c.seq))"
    if column in TIMES:
        return f"o.`{column}` - INTERVAL c.seq DAY"
    if (table, column) in NAMED:
        return f"CONCAT(o.`{column}`, '-', c.seq)"
    if (table, column) in NUMBERED:
        return f"o.`{column}` + 100000 * c.seq"
    return f"o.`{column}`"


class Copier:
    """Grows one database, in as many goes as are wanted."""

    def __init__(self, mariadb: MariaDB, database: str) -> None:
        self.mariadb, self.database = mariadb, database
        self.originals = mariadb.new_database()
        self.times = 1
        self.names = {}
        for table in COPIED:
            self.names[table] = columns_of(mariadb, database, table)
            columns = ", ".join(f"`{name}`" for name in self.names[table])
            only = f" WHERE resource_type IN {KINDS}" if "resource_type" in self.names[table] else ""
            mariadb.sql(f"CREATE TABLE `{table}` AS SELECT {columns} FROM `{database}`.`{table}`{only}", self.originals)

    def grow(self, times: int) -> None:
        """Until there is so many times what there was at first."""
        numbers = " UNION ALL ".join(f"SELECT {number} AS seq" for number in range(AT_ONCE))
        for table in COPIED:
            columns = ", ".join(f"`{name}`" for name in self.names[table])
            values = ", ".join(copied_value(table, name) for name in self.names[table])
            statements = ["SET FOREIGN_KEY_CHECKS = 0"]
            for first in range(self.times, times, AT_ONCE):
                copies = f"(SELECT {first} + n.seq AS seq FROM ({numbers}) n WHERE {first} + n.seq < {times})"
                statements.append(f"INSERT INTO `{self.database}`.`{table}` ({columns}) "
                                  f"SELECT {values} FROM `{table}` o CROSS JOIN {copies} c")
            self.mariadb.sql(";\n".join(statements), self.originals)
        self.times = max(times, self.times)
        self.mariadb.sql("ANALYZE TABLE " + ", ".join(f"`{table}`" for table in COPIED), self.database)

    def newest(self, column: str) -> str:
        """Of the newest run that has a model version."""
        return self.mariadb.sql(f"SELECT {column} FROM pipeline_run WHERE model_version_id IS NOT NULL "
                                "ORDER BY created DESC, id LIMIT 1", self.database)[0][0]

    def crowd(self, links: int) -> None:
        """Links so many artifact versions to the model version of that run."""
        version = self.newest("model_version_id")
        self.mariadb.sql(
            "INSERT INTO model_versions_artifacts (id, created, updated, user_id, workspace_id, model_id, "
            "model_version_id, artifact_version_id, is_model_artifact, is_deployment_artifact) "
            f"SELECT MD5(CONCAT('crowd', a.id)), a.created, a.updated, m.user_id, m.workspace_id, m.model_id, m.id, a.id, 0, 0 "
            f"FROM artifact_version a JOIN model_version m ON m.id = '{version}' ORDER BY a.id LIMIT {links}", self.database)

    def close(self) -> None:
        self.mariadb.drop(self.originals)
