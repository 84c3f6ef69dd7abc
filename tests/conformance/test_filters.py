"""Lists of ZenML 0.66.0 and of Kanso on the same database: the same queries, the same ids and totals.

The queries come from tests/contract/resources.json: first every filter field with every operator, and
every sort key, on every list endpoint; then random combinations, up to --queries in all. --seed
makes them again.
"""

from __future__ import annotations

import itertools
import random
import uuid
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterator
from urllib.parse import urlencode

import pytest
import requests

from kit import contract as zenml
from kit.api import Api
from kit.factory import World, step_spec
from kit.servers import Kanso, Reference

# Names that comparisons could stumble over: case, wildcards, colons, operators, blanks, accents.
NAMES = ["alpha", "Alpha two", "be%ta", "be_ta", "a:b", "equals:x", "Ünïcode", "ALPHAbet", "z' or 1=1"]
STATUSES = ["running", "completed", "failed", "cached", "initializing"]
OPERATORS = {"string": ["equals", "contains", "startswith", "endswith"],
             "uuid": ["equals", "contains", "startswith", "endswith"],
             "datetime": ["equals", "gt", "gte", "lt", "lte"],
             "int": ["equals", "gt", "gte", "lt", "lte"], "bool": ["equals"]}
# Lists that ZenML answers in whatever order its database has them, sort_by or not.
UNSORTED = {"service_connector"}
NOTHING = {"automation", "event_source", "action", "trigger", "trigger_execution", "plugin_flavor"}


def fill(api: Api) -> None:
    """Some of everything, related in different ways, by two users in two workspaces."""
    world = World(api)
    api.make("/users", {"name": "second", "password": "second-pw", "is_admin": True})
    side = api.make("/workspaces", {"name": "side", "description": "another"})
    other = World(Api(api.url, "second", "second-pw"))
    other.workspace, other.ws = side["id"], f"/workspaces/{side['id']}"
    for number, name in enumerate(NAMES):
        fill_round(world if number % 3 else other, number, name)
    for number in range(3):
        client = str(uuid.uuid4())
        code = requests.post(api.url + "/api/v1/device_authorization", data={"client_id": client},
                             timeout=60).json()
        device = code["verification_uri_complete"].split("device_id=")[1].split("&")[0]
        if number:
            api.change(f"/devices/{device}/verify",
                       {"user_code": code["user_code"], "trusted_device": number == 1})


def fill_round(world: World, number: int, name: str) -> None:
    api, odd = world.api, bool(number % 2)
    tags = [f"tag {number % 4}", "all"] if odd else None
    api.make("/users", {"name": f"{name}-u", "full_name": name, "password": "pw", "is_admin": odd})
    account = api.make("/service_accounts", {"name": f"{name}-s", "description": name,
                                             "active": odd})
    api.make(f"/service_accounts/{account['id']}/api_keys", {"name": name, "description": name})
    mine = {"user": world.user, "workspace": world.workspace}
    flavor = world.flavor(name=name, integration=name if odd else None, **mine)
    component = world.component(name=name, flavor="kubernetes")
    store = world.component(name=name, flavor="s3", type="artifact_store",
                            configuration={"path": f"s3://bucket-{number}"})
    stack = world.stack(name=name, components={"orchestrator": [component["id"]],
                                               "artifact_store": [store["id"]]})
    world.component(name=f"{name} unused", flavor="local")
    pipeline = world.pipeline(name=name, tags=tags, description=name)
    build = world.build(pipeline=pipeline["id"], stack=stack["id"], is_local=odd,
                        contains_code=number % 3 == 0, zenml_version="0.66.0",
                        python_version=f"3.{number}.1", checksum=name, images={"o": {"image": "i"}})
    schedule = world.schedule(name=name, active=odd, catchup=not odd, pipeline_id=pipeline["id"],
                              interval_second=60.0 * number, start_time="2024-05-06T07:08:09",
                              orchestrator_id=component["id"] if odd else None)
    repository = world.code_repository(name=name)
    reference = {"commit": "c", "subdirectory": "d", "code_repository": repository["id"]}
    steps = {"load": step_spec("load"), "train": step_spec("train", ["load"])}
    deployment = world.deployment(steps, pipeline=pipeline["id"], stack=stack["id"],
                                  build=build["id"], schedule=schedule["id"] if odd else None,
                                  code_reference=reference if number % 3 else None)
    model = world.model(name=name, tags=tags or [], license=name)
    version = world.model_version(model["id"], name=name, tags=tags)
    world.model_version(model["id"], name=f"{name} next")
    template = api.make(f"{world.ws}/run_templates", world.owned | {
        "name": name, "source_deployment_id": deployment["id"], "tags": tags})
    again = world.deployment(steps, template=template["id"], pipeline=pipeline["id"] if odd
                             else None, stack=stack["id"])
    for turn, chosen in enumerate((deployment, again)):
        run = world.run(deployment=chosen["id"], name=f"{name} {turn}",
                        pipeline=pipeline["id"] if odd or turn == 0 else None,
                        status=STATUSES[(number + turn) % len(STATUSES)],
                        orchestrator_run_id=f"{name}-{turn}",
                        model_version_id=version["id"] if turn else None)
        artifact = world.artifact(name=f"{name} {turn}", tags=tags, has_custom_name=bool(turn))
        made = world.artifact_version(artifact["id"], version=str(number) if turn else name,
                                      type="DataArtifact" if turn else "ModelArtifact",
                                      uri=f"/{name}/{turn}", tags=tags,
                                      artifact_store_id=world.artifact_store if odd else None)
        unused = world.artifact_version(artifact["id"], version=f"{number}.9")
        step = world.step(run, "load", cache_key=name, code_hash=name,
                          outputs={"output": made["id"]} if odd else {})
        world.step(run, "train", parent_step_ids=[step["id"]], status="completed",
                   cache_key=None, inputs={"in": made["id"]} if odd else {})
        world.metadata("pipeline_run", run["id"], **{"accuracy": 0.5, "words": name})
        world.metadata("artifact_version", made["id"], **{"size": number})
        world.artifact_link(version, made["id"], is_model_artifact=bool(turn))
        world.artifact_link(version, unused["id"], is_deployment_artifact=odd)
        world.run_link(version, run["id"])
        world.service(name=f"{name} {turn}", model_version_id=version["id"] if odd else None,
                      pipeline_run_id=run["id"] if turn else None)
    world.secret(name=name, scope="user" if odd else "workspace")
    api.make(f"{world.ws}/service_connectors", world.owned | {
        "name": name, "connector_type": "docker", "auth_method": "password",
        "configuration": {"username": name, "password": "p"},
        "labels": {"team": name} if odd else {}, "resource_id": None})
    assert flavor["id"]


def spread_times(kanso: Kanso) -> None:
    """Times of creation with ties and gaps, so that orders and comparisons have something to do. ZenML breaks ties by id,
    Kanso by the order of creation: that of the ids here."""
    tables = kanso.sql("SELECT table_name FROM information_schema.columns WHERE column_name IN "
                       "('id', 'created', 'updated') AND table_schema = DATABASE() "
                       "GROUP BY table_name HAVING COUNT(*) = 3")
    assert len(tables) > 25
    for (table,) in tables:
        kanso.sql(f"UPDATE `{table}` t JOIN (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS number FROM `{table}`) n "
                  "ON n.id = t.id SET t.kanso_order = n.number")
        kanso.sql(f"UPDATE `{table}` SET created = TIMESTAMP('2024-03-01') + INTERVAL (kanso_order DIV 4 * 2) DAY, "
                  "updated = created + INTERVAL (CRC32(id) % 3) HOUR")


class Values:
    """What the fields of shown things hold: by endpoint and field, and by field alone."""

    def __init__(self) -> None:
        self.own: dict[tuple[str, str], list[Any]] = defaultdict(list)
        self.all: dict[str, list[Any]] = defaultdict(list)

    def learn(self, entity: str, value: Any, depth: int = 0) -> None:
        if isinstance(value, list):
            for item in value:
                self.learn(entity, item, depth + 1)
        if not isinstance(value, dict):
            return
        for key, item in value.items():
            if isinstance(item, dict) and "id" in item:
                self.note(entity, key + "_id", item["id"])
            elif isinstance(item, (str, int, float)):
                self.note(entity, key, item)
            if depth < 4:
                self.learn(entity, item, depth + 1)

    def note(self, entity: str, key: str, value: Any) -> None:
        for known in (self.own[entity, key], self.all[key]):
            if value not in known and len(known) < 200:
                known.append(value)


class Queries:
    """Makes the queries of one list endpoint."""

    def __init__(self, path: str, name: str, entity: dict[str, Any], values: Values,
                 chance: random.Random) -> None:
        self.path, self.name, self.values, self.chance = path, name, values, chance
        self.fields: dict[str, dict[str, Any]] = entity["fields"]
        self.sortable: list[str] = entity["sortable"]

    def value(self, field: str, kind: str) -> str:
        """A value of that field somewhere, or of its kind."""
        pool = self.values.own.get((self.name, field)) or self.values.all.get(field)
        if not pool and field.endswith("_id"):
            pool = self.values.all.get("id")
        if not pool or self.chance.random() < 0.08:
            pool = {"uuid": [str(uuid.UUID(int=7))], "int": [0, 1, 3], "bool": ["true", "no"],
                    "datetime": ["2024-03-03T00:00:00"]}.get(kind, NAMES)
        return str(self.chance.choice(pool))

    def operand(self, field: str, kind: str, operator: str) -> str:
        text = self.value(field, kind)
        if kind == "datetime":
            return text[:19].replace("T", " " if operator else "T")
        if kind == "uuid" and operator not in ("", "equals"):
            text = text.replace("-", "")[:self.chance.choice((2, 4, 8, 32))]
        elif operator in ("contains", "startswith", "endswith") and text:
            start = self.chance.randrange(len(text))
            text = {"contains": text[start:start + 3], "startswith": text[:start + 1],
                    "endswith": text[start:]}[operator]
        return text

    def condition(self, field: str, operator: str | None = None) -> str:
        """A value for the parameter, with or without an operator."""
        said = self.fields[field]
        free, kind = said.get("param") == "free", said.get("class", "string")
        if kind not in OPERATORS:
            kind = "uuid" if field.endswith("_id") else "string"
        if not free:
            kind = said.get("type", "").split()[0] if "uuid" in said["param"] else kind
            return self.value(field, kind if kind in OPERATORS else
                              "bool" if "bool" in said["param"] else "string")
        if operator is None:
            operator = self.chance.choice(["", *OPERATORS[kind]])
        return (operator + ":" if operator else "") + self.operand(field, kind, operator)

    def each(self) -> Iterator[dict[str, str]]:
        """Every field with every operator; every sort key both ways."""
        for field, said in self.fields.items():
            kind = said.get("class", "string")
            known = OPERATORS.get(kind, OPERATORS["string"]) if said.get("param") == "free" else []
            for operator in ["", *known]:
                yield {field: self.condition(field, operator), "size": "1000"}
        for key, prefix in itertools.product(self.sortable, ("", "asc:", "desc:")):
            yield {"sort_by": prefix + key, "size": "1000"}

    def random(self) -> dict[str, str]:
        """Some conditions together, sorted and paged."""
        count = self.chance.choice((1, 1, 2, 2, 3))
        query = {field: self.condition(field)
                 for field in self.chance.sample(list(self.fields), min(count, len(self.fields)))}
        if self.chance.random() < 0.4:
            query["logical_operator"] = self.chance.choice(("or", "or", "and"))
        if self.chance.random() < 0.5:
            query["sort_by"] = self.chance.choice(("", "asc:", "desc:")) \
                + self.chance.choice(self.sortable)
        query["size"] = self.chance.choice(("1", "2", "3", "5", "20", "1000"))
        if self.chance.random() < 0.3:
            query["page"] = self.chance.choice(("1", "1", "2", "3"))
        return self.whole(query) if self.multiplies(query) or self.name in UNSORTED or descending(query) else query

    @staticmethod
    def whole(query: dict[str, str]) -> dict[str, str]:
        """The same, all on one page."""
        return {key: value for key, value in query.items() if key != "page"} | {"size": "10000"}

    def multiplies(self, query: dict[str, str]) -> bool:
        """Whether ZenML answers rows several times: it joins tables to an `or` without a word
        on how their rows belong together."""
        return query.get("logical_operator") == "or" and any(
            "repeats" in self.fields[field] for field in query if field in self.fields)


def descending(query: dict[str, str]) -> bool:
    return query.get("sort_by", "").startswith("desc:")


def ascending(query: dict[str, str]) -> dict[str, str]:
    """The query whose answer of ZenML, turned round, is Kanso's to a descending one: there ties are turned round too."""
    return query | {"sort_by": query["sort_by"].replace("desc:", "asc:")} if descending(query) else query


def judge(wanted: requests.Response, given: requests.Response, as_set: bool, turned: bool) -> str | None:
    """What is wrong with Kanso's answer; None when nothing is."""
    if wanted.status_code >= 500:
        return f"{given.status_code} where ZenML crashes" if given.status_code >= 500 else None
    if wanted.status_code != given.status_code:
        return f"{given.status_code} {given.text[:300]}; ZenML {wanted.status_code} " \
               f"{wanted.text[:300]}"
    if wanted.status_code != 200:
        return None
    theirs, ours = wanted.json(), given.json()
    ids = [[item["id"] for item in page["items"]] for page in (theirs, ours)]
    if turned:
        ids[0].reverse()
    if as_set:
        return None if len(ids[1]) == len(set(ids[1])) and set(ids[0]) == set(ids[1]) else \
            f"set of ids: ZenML has {set(ids[0]) - set(ids[1])} and lacks {set(ids[1]) - set(ids[0])}"
    if ids[0] != ids[1]:
        return f"ids: {ids[1][:5]} of {len(ids[1])}, ZenML {ids[0][:5]} of {len(ids[0])}"
    numbers = [[page[key] for key in ("total", "total_pages", "index", "max_size")]
               for page in (theirs, ours)]
    return None if numbers[0] == numbers[1] else f"numbers: {numbers[1]}, ZenML {numbers[0]}"


@pytest.fixture(scope="module")
def pair(launch, mariadb, zenml_venv, workspace_directory) -> Iterator[tuple[Api, Api]]:
    kanso = launch()
    ours = Api(kanso.url)
    fill(ours)
    spread_times(kanso)
    reference = Reference(zenml_venv, workspace_directory / "filters", mariadb, kanso.database)
    try:
        reference.start()
        theirs = Api(reference.url)
        theirs.session.headers["Connection"] = "close"
        yield theirs, ours
    finally:
        reference.stop()


def endpoints(api: Api) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, name and facts of every list: those of the facts, and those below something else."""
    by_path = {entity["path"].removeprefix("/api/v1"): (name, entity)
               for name, entity in zenml.table("resources").items() if name not in NOTHING}
    first = {name: (api.items(path, size=3) or [{}])[-1].get("id", "")
             for name, path in (("{pipeline_id}", "/pipelines"), ("{run_id}", "/runs"),
                                ("{service_account_id}", "/service_accounts"),
                                ("{model_name_or_id}", "/models"))}
    first["{workspace_name_or_id}"] = "default"
    for path, methods in zenml.table("openapi")["paths"].items():
        if "page" not in {p["name"] for p in methods.get("get", {}).get("parameters", [])}:
            continue
        short = path.removeprefix("/api/v1")
        last = "/" + short.rsplit("/", 1)[1]
        name, entity = by_path.get(short) or by_path.get(last) \
            or by_path.get("/service_accounts/{sa_id}" + last) or ("", {})
        if not entity:
            continue
        for parameter, value in first.items():
            short = short.replace(parameter, value)
        yield short, name, entity


def test_same_ids_and_totals(pair: tuple[Api, Api], request: pytest.FixtureRequest) -> None:
    theirs, ours = pair
    seed, limit = request.config.getoption("--seed"), request.config.getoption("--queries")
    chance, values = random.Random(seed), Values()
    lists = list(endpoints(ours))
    assert len(lists) > 35
    for path, name, _ in lists:
        for item in ours.items(path, size=50, hydrate="true"):
            values.learn(name, item)
    makers = [Queries(path, name, entity, values, chance) for path, name, entity in lists]
    work = [(maker, query) for maker in makers for query in maker.each()]
    if len(work) > limit:
        work = chance.sample(work, limit * 2 // 3)
    while len(work) < limit:
        maker = chance.choice(makers)
        work.append((maker, maker.random()))

    def compare(job: tuple[Queries, dict[str, str]]) -> str | None:
        maker, query = job
        address = f"{maker.path}?{urlencode(query)}"
        wrong = judge(theirs.get(f"{maker.path}?{urlencode(ascending(query))}"), ours.get(address),
                      maker.multiplies(query) or maker.name in UNSORTED, descending(query))
        return f"GET {address}\n    {wrong}" if wrong else None

    with ThreadPoolExecutor(2) as pool:
        wrong = [text for text in pool.map(compare, work) if text]
    print(f"{len(work)} queries on {len(lists)} lists, --seed {seed}")
    assert not wrong, f"{len(wrong)} of {len(work)} queries (--seed {seed}):\n" + \
        "\n".join(wrong[:60])
