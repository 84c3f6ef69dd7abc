"""ZenML 0.66.0 as tables: what the tests read of it lies in tests/contract.

The tables are taken from the full ones, which may lie in ../shared/contract. Where they do,
`python tests/kit/contract.py` makes tests/contract anew, and a test holds the two together.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1] / "contract"
FULL = HERE.parents[2] / "shared" / "contract"
NAMES = ("openapi", "resources", "schema")


def table(name: str) -> dict[str, Any]:
    """One of NAMES, as the tests have it."""
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


def openapi(full: dict[str, Any]) -> dict[str, Any]:
    """The document without the operations' ids; refusals are their statuses alone, having one body."""
    for methods in full["paths"].values():
        for operation in methods.values():
            operation.pop("operationId", None)
            operation["responses"] = {status: said if status == "200" else {}
                                      for status, said in operation["responses"].items()}
    return full


def resources(full: dict[str, Any]) -> dict[str, Any]:
    """The lists: path, filters, sort keys. `repeats` marks filters by which ZenML joins a table
    without saying how its rows belong to the others."""
    lists = {}
    for name, entity in full["entities"].items():
        path = entity.get("api", {}).get("list", "").split()[1:2]
        if path and entity.get("filter"):
            lists[name] = {"path": path[0], "sortable": entity["filter"]["sortable"],
                           "fields": {field: filter_of(said) for field, said
                                      in entity["filter"]["fields"].items()}}
    return lists


def filter_of(said: dict[str, Any]) -> dict[str, Any]:
    kept = {key: said[key] for key in ("param", "type", "class") if key in said}
    return kept | ({"repeats": True} if "cross product" in said.get("rule", "") else {})


def schema(full: dict[str, Any]) -> dict[str, Any]:
    """Per table: columns (name, type, NULL allowed, default), keys, indexes, and foreign keys (column, table,
    column, on delete, on update)."""
    return {name: {
        "columns": [[c["name"], c["type"], c["null"], c["default"]] for c in said["columns"]],
        "primary_key": said["primary_key"],
        "unique": {key["name"]: key["columns"] for key in said["unique"]},
        "indexes": {key["name"]: key["columns"] for key in said["indexes"]},
        "foreign_keys": {key["name"]: [key["column"], key["ref_table"], key["ref_column"],
                                       key["on_delete"], key["on_update"]]
                         for key in said["foreign_keys"]},
    } for name, said in full["tables"].items()}


def reduced(name: str) -> dict[str, Any]:
    """What of a full table belongs into tests/contract."""
    return globals()[name](json.loads((FULL / f"{name}.json").read_text(encoding="utf-8")))


def text(value: Any, depth: int) -> str:
    """JSON with a line per entry down to `depth`, so that a difference can be read."""
    if not depth or not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "{\n" + ",\n".join(f"{json.dumps(key)}:{text(item, depth - 1)}"
                              for key, item in value.items()) + "\n}"


def main() -> None:
    if not FULL.exists():
        sys.exit(f"there is no {FULL}")
    for name in NAMES:
        depth = 3 if name == "openapi" else 1
        (HERE / f"{name}.json").write_text(text(reduced(name), depth) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
