"""What is decided about accounts holds when it is done: another connection holds the rows while requests that exclude each
other come up to the same point; then it lets go."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterator

import pytest
import requests

from kit.api import Api, ok
from kit.factory import World
from kit.servers import Kanso

pytestmark = pytest.mark.race

WORKERS = "auth:4;rest:4"
Call = Callable[[], requests.Response]


@pytest.fixture(scope="module")
def kanso(server, launch) -> Iterator[Kanso]:
    """With workers enough for all that wait."""
    if not server.mariadb:
        pytest.skip("needs a Kanso of its own")
    instance = launch(workers=WORKERS)
    yield instance
    instance.stop()


@pytest.fixture(scope="module")
def own(kanso: Kanso) -> World:
    return World(Api(kanso.url))


def hexes(*ids: str) -> str:
    return ", ".join(f"'{uuid.UUID(id).hex}'" for id in ids)


def meet(kanso: Kanso, table: str, ids: list[str], calls: list[Call], meanwhile: str = "DO 0") -> list[requests.Response]:
    """The answers to calls that all have come to the lock, which somebody holds who does something meanwhile. Who is
    let in first is up to the database."""
    lock = f"SELECT id FROM {table} WHERE id IN ({hexes(*ids)}) FOR UPDATE"
    with ThreadPoolExecutor(len(calls)) as pool:
        with kanso.mariadb.holding(kanso.database, f"{lock}; {meanwhile}"):
            waiting = [pool.submit(call) for call in calls]
            kanso.mariadb.wait_for_waiting(len(calls))
    return [future.result() for future in waiting]


def codes(answers: list[requests.Response]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def newcomer(own: World) -> tuple[str, str, str]:
    """Name, id and activation token of a user who has not been here yet."""
    made = own.api.make("/users", {"name": own.name("new"), "is_admin": False})
    return made["name"], made["id"], made["body"]["activation_token"]


def activation(kanso: Kanso, name: str, token: str, password: str) -> Call:
    return lambda: requests.put(f"{kanso.url}/api/v1/users/{name}/activate", timeout=60,
                                json={"activation_token": token, "password": password})


def test_an_activation_token_works_once(kanso: Kanso, own: World) -> None:
    name, id, token = newcomer(own)
    answers = meet(kanso, "user", [id], [activation(kanso, name, token, f"pw{number}") for number in range(3)])
    assert codes(answers) == [200, 422, 422]
    assert [requests.post(kanso.url + "/api/v1/login", data={"username": name, "password": f"pw{number}"}).status_code
            for number in range(3)] == [200 if answer.ok else 401 for answer in answers]


def test_a_deactivation_stands(kanso: Kanso, own: World) -> None:
    """An activation with the token of before, on its way, does not undo it; the new token does."""
    name, id, token = newcomer(own)
    other, _, fresh = newcomer(own)
    hashed = kanso.sql(f"SELECT activation_token FROM user WHERE name = '{other}'")[0][0]
    answers = meet(kanso, "user", [id], [activation(kanso, name, token, "stolen")],
                   f"UPDATE user SET active = 0, activation_token = '{hashed}' WHERE id IN ({hexes(id)})")
    assert codes(answers) == [401]
    assert not own.api.read("/users/" + name)["body"]["active"]
    assert activation(kanso, name, token, "stolen")().status_code == 401
    assert activation(kanso, name, fresh, "mine")().status_code == 200


def administrator(own: World) -> Any:
    name = own.name("admin")
    made = own.api.make("/users", {"name": name, "password": "p", "is_admin": True})
    api = Api(own.api.url, name, "p")
    api.id = made["id"]
    return api


REMOVALS: dict[str, Callable[[Any, Any], requests.Response]] = {
    "deactivate": lambda by, of: by.put(f"/users/{of.id}/deactivate"),
    "delete": lambda by, of: by.delete(f"/users/{of.id}"),
    "demote": lambda by, of: by.put(f"/users/{of.id}", {"is_admin": False}),
}


@pytest.mark.parametrize("second", REMOVALS)
@pytest.mark.parametrize("first", REMOVALS)
def test_two_administrators_at_each_other(kanso: Kanso, own: World, first: str, second: str) -> None:
    """The first takes the second's rights, who then has none to take the first's with."""
    one, two = administrator(own), administrator(own)
    answers = meet(kanso, "user", [one.id, two.id], [lambda: REMOVALS[first](one, two), lambda: REMOVALS[second](two, one)])
    winner = one if answers[0].ok else two
    assert codes(answers) == [200, 403 if (first if answers[0].ok else second) == "demote" else 401]
    left = kanso.sql(f"SELECT id FROM user WHERE is_admin = 1 AND active = 1 AND id IN ({hexes(one.id, two.id)})")
    assert left == [[uuid.UUID(winner.id).hex]]


@pytest.mark.parametrize("removal, status", [("is_admin = 0", 403), ("active = 0", 401)])
@pytest.mark.parametrize("act", [
    lambda api, id: api.put("/users/" + id, {"full_name": "x", "is_admin": True}),
    lambda api, id: api.put(f"/users/{id}/deactivate"), lambda api, id: api.delete("/users/" + id)],
    ids=["update", "deactivate", "delete"])
def test_rights_end_at_once(kanso: Kanso, own: World, act: Callable[[Any, str], requests.Response], removal: str,
                            status: int) -> None:
    """Whoever is no administrator any longer when the row is free does nothing to it."""
    one, id = administrator(own), newcomer(own)[1]
    before = own.api.read("/users/" + id)
    answers = meet(kanso, "user", [one.id, id], [lambda: act(one, id)],
                   f"UPDATE user SET {removal} WHERE id IN ({hexes(one.id)})")
    assert codes(answers) == [status]
    assert own.api.read("/users/" + id) == before


@pytest.mark.parametrize("path", ["/current-user", "/users/{id}"])
def test_an_old_password_changes_once(kanso: Kanso, own: World, path: str) -> None:
    name = own.name("eve")
    made = own.api.make("/users", {"name": name, "password": "old", "is_admin": False})
    eve = Api(kanso.url, name, "old")
    answers = meet(kanso, "user", [made["id"]], [
        lambda password=password: eve.put(path.format(id=made["id"]), {"password": password, "old_password": "old"})
        for password in ("new1", "new2")])
    assert codes(answers) == [200, 403]
    Api(kanso.url, name, "new1" if answers[0].ok else "new2")


def authorized(kanso: Kanso) -> tuple[str, str, dict[str, Any]]:
    client = str(uuid.uuid4())
    found = ok(requests.post(kanso.url + "/api/v1/device_authorization", data={"client_id": client}))
    return client, found["verification_uri_complete"].split("device_id=")[1].split("&")[0], found


def test_a_device_is_taken_over_once(kanso: Kanso, own: World) -> None:
    _, device, found = authorized(kanso)
    other = administrator(own)
    answers = meet(kanso, "auth_devices", [device], [
        lambda api=api: api.put(f"/devices/{device}/verify", {"user_code": found["user_code"]}) for api in (own.api, other)])
    assert codes(answers) == [200, 400]
    assert [device in api.ids("/devices", size=1000) for api in (own.api, other)] == [answer.ok for answer in answers]


def test_a_device_code_opens_once(kanso: Kanso, own: World) -> None:
    client, device, found = authorized(kanso)
    own.api.change(f"/devices/{device}/verify", {"user_code": found["user_code"]})
    form = {"client_id": client, "device_code": found["device_code"]}
    answers = meet(kanso, "auth_devices", [device],
                   [lambda: requests.post(kanso.url + "/api/v1/login", data=form)] * 2)
    assert codes(answers) == [200, 400]


def test_guesses_at_once_are_all_counted(kanso: Kanso, own: World) -> None:
    _, device, found = authorized(kanso)
    answers = meet(kanso, "auth_devices", [device],
                   [lambda: own.api.put(f"/devices/{device}/verify", {"user_code": "wrong"})] * 3)
    assert codes(answers) == [400] * 3 and sum("locked" in answer.text for answer in answers) == 1
    assert own.api.put(f"/devices/{device}/verify", {"user_code": found["user_code"]}).status_code == 400


def test_patches_of_one_secret_all_arrive(kanso: Kanso, own: World) -> None:
    secret = own.secret(values={"kept": "0"})["id"]
    answers = meet(kanso, "secret", [secret], [
        lambda key=key: own.api.put("/secrets/" + secret, {"values": {key: "1"}}, patch_values="true") for key in "abc"])
    assert codes(answers) == [200] * 3
    assert set(own.api.read("/secrets/" + secret)["body"]["values"]) == {"kept", "a", "b", "c"}


def test_rotations_at_once_leave_one_key(kanso: Kanso, own: World) -> None:
    account = own.api.make("/service_accounts", {"name": own.name("sa"), "active": True})
    path = f"/service_accounts/{account['id']}/api_keys"
    key = own.api.make(path, {"name": "k"})
    answers = meet(kanso, "api_key", [key["id"]], [lambda: own.api.put(path + "/k/rotate", {})] * 2)
    assert codes(answers) == [200, 200]
    opens = [requests.post(kanso.url + "/api/v1/login", data={"password": text}).status_code
             for text in (key["body"]["key"], *(answer.json()["body"]["key"] for answer in answers))]
    assert opens[0] == 401 and sorted(opens[1:]) == [200, 401]


def test_nobody_owns_something_after_he_is_gone(kanso: Kanso, own: World) -> None:
    """A user who makes something while he is being deleted: one of the two is refused."""
    name = own.name("own")
    made = own.api.make("/users", {"name": name, "password": "p", "is_admin": False})
    owner = World(Api(kanso.url, name, "p"))
    answers = meet(kanso, "user", [made["id"]], [
        lambda: own.api.delete("/users/" + made["id"]),
        lambda: owner.api.post(owner.ws + "/secrets", owner.owned | {"name": owner.name("s"), "values": {}})])
    assert codes(answers) in ([200, 400], [200, 403])
    gone = own.api.get("/users/" + made["id"]).status_code == 404
    assert gone == (answers[0].status_code == 200)
