"""What is in a database, in a form that can be compared thousands of times."""

from __future__ import annotations

import subprocess

from kit.servers import Kanso

State = dict[str, tuple[int, str]]  # rows and checksum of each table

# Written beside what was asked for, and not part of it: the audit log has entries of refusals too.
BESIDE = {"kanso_audit", "kanso_meta"}
# Has a row that changes, or a new one if it is the first time.
COUNTS = "kanso_deletion"


class Database:
    """A client that stays connected: a process for each question would take longer than all the rest."""

    def __init__(self, kanso: Kanso) -> None:
        assert kanso.mariadb
        self.client = subprocess.Popen(
            ["mariadb", "--no-defaults", f"--socket={kanso.mariadb.socket}", "-uroot", "--batch", "--unbuffered",
             "--skip-column-names", kanso.database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.tables = sorted({row[0] for row in self.ask("SHOW TABLES")} - BESIDE)
        self.question = "SELECT {}; CHECKSUM TABLE {}".format(
            ", ".join(f"(SELECT COUNT(*) FROM `{table}`)" for table in self.tables),
            ", ".join(f"`{table}`" for table in self.tables))

    def ask(self, statement: str) -> list[list[str]]:
        assert self.client.stdin and self.client.stdout
        self.client.stdin.write(statement + "; SELECT 'that is all';\n")
        self.client.stdin.flush()
        rows = []
        while (line := self.client.stdout.readline()) != "that is all\n":
            assert line, "the client has ended"
            rows.append(line.rstrip("\n").split("\t"))
        return rows

    def state(self) -> State:
        counts, *sums = self.ask(self.question)
        return {table: (int(count), sum[1]) for table, count, sum in zip(self.tables, counts, sums)}

    def close(self) -> None:
        assert self.client.stdin and self.client.stdout
        self.client.stdin.close()
        self.client.stdout.read()
        self.client.wait()


def changes(before: State, after: State) -> dict[str, int]:
    """The tables that have changed, and by how many rows they have grown."""
    return {table: 0 if table == COUNTS else after[table][0] - count
            for table, (count, sum) in before.items() if after[table] != (count, sum)}
