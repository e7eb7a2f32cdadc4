"""What one node does holds on the other at once, and what both do at once happens once. Real PostgreSQL."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pyotp
import pytest
from sqlalchemy import func, select

from service.application import access_tokens, accounts, definitions, second_factor
from service.application.live_instances import LiveInstances
from service.bench import reference
from service.domain.errors import DatabaseAway, RevisionChanged, SubjectErased
from service.engine import state
from service.persistence.chain import verify
from service.persistence.sealing import TRUSTED
from service.persistence.tables import sql
from service.persistence.unit_of_work import NewEvent, UnitOfWork
from service.persistence.working_set import WorkingSet
from tests.contract.nodes import at_once, two_nodes
from tests.contract.product import OPENING, Product
from tests.contract.test_events import heard, served

Nodes = tuple[Product, Product]
ROUNDS = 10


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with two_nodes(tmp_path_factory.mktemp("data")) as made:
        yield made


def events(node: Product, incident: str, type_: str) -> list[dict[str, Any]]:
    """Events of a type in the log of an incident."""
    log = sql.events
    with node.tocsin.read() as connection:
        rows = connection.execute(select(log).where(log.c.stream == incident, log.c.type == type_).order_by(log.c.seq))
        return [dict(row) for row in rows.mappings()]


def complete(node: Product, task: str, who: str = "coordinator", **headers: str) -> Any:
    """Complete a task that asks nothing."""
    return node.post(f"/tasks/{task}/complete", {"data": {}}, who, headers=headers)


def test_nodes_take_turns_on_an_incident(nodes: Nodes) -> None:
    a, b = nodes
    incident = a.opened()
    assert complete(b, b.task(incident, "t_office_accept")["id"]).status_code == 200
    assert complete(a, a.task(incident, "t_remind_protection")["id"], "teacher").status_code == 200
    assert complete(b, b.task(incident, "t_isolation_room", "nurse")["id"], "nurse").status_code == 200
    with a.tocsin.read() as connection:
        assert verify(connection, incident).ok


def test_what_the_other_did_to_one_process_is_known_after_a_turn_with_another(nodes: Nodes) -> None:
    """Rows read anew say nothing of the processes kept from before: each is compared with what is stored."""
    a, b = nodes
    content = definitions.folder_content(reference.DIAGRAMS, a.tocsin.settings.workflows_dir / "decisions")
    store = a.tocsin.services.definitions
    a.tocsin.run(lambda uow: definitions.deploy(uow, store, reference.PROCEDURE, content, actor="test"))
    incident = reference.open_incident(a.tocsin, contacts=1)

    def answered(node: Product, element: str) -> Any:
        with node.tocsin.read() as connection:
            (task,) = reference.open_tasks(connection, [incident])[incident][element]
        return node.post(f"/tasks/{task}/complete", {"data": reference.ANSWER}, "coordinator").status_code

    turns = [(a, reference.WATCH), (b, reference.WATCH), (a, reference.CALL), (a, reference.WATCH)]
    assert [answered(node, element) for node, element in turns] == [200] * 4


def test_what_one_node_erased_is_in_no_other_node_s_memory(nodes: Nodes) -> None:
    a, b = nodes
    incident, other = b.opened(), b.opened()
    complete(b, b.task(incident, "t_office_accept")["id"])
    live = b.tocsin.services.live
    assert {incident, other} <= live.sets().keys()
    a.tocsin.services.forget(incident)
    for _ in range(100):
        if incident not in live.sets():
            break
        time.sleep(0.05)
    assert incident not in live.sets()
    assert other in live.sets()
    assert b.task(incident, "t_isolation_room", "nurse")


def test_of_two_who_complete_a_task_at_once_one_wins_and_the_other_is_told_who_and_when(nodes: Nodes) -> None:
    a, _b = nodes
    for node in nodes:
        node.token("coordinator")
    for _ in range(ROUNDS):
        incident = a.opened()
        task = a.task(incident, "t_office_accept")["id"]
        answers = at_once(*[partial(complete, node, task) for node in nodes])
        won, lost = sorted(answers, key=lambda answer: answer.status_code)
        assert (won.status_code, lost.status_code, lost.json()["code"]) == (200, 409, "task_not_open"), lost.text
        assert "办公室丙，2026-03-09 10:2" in lost.json()["detail"]
        assert [row["data"]["task"] for row in events(a, incident, "task_completed")].count(task) == 1


def test_the_same_request_on_both_nodes_is_done_once(nodes: Nodes) -> None:
    a, b = nodes
    for node in nodes:
        node.token("teacher")
    for number in range(ROUNDS):
        key = {"Idempotency-Key": f"both-{number}"}
        answers = at_once(*[
            lambda node=node, key=key: node.post("/incidents", OPENING, "teacher", headers=key) for node in (a, b)
        ])  # fmt: skip
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()
        assert sorted("idempotent-replay" in answer.headers for answer in answers) == [False, True]


def test_incidents_opened_at_once_have_numbers_of_their_own(nodes: Nodes) -> None:
    a, b = nodes
    opened = [each for _ in range(ROUNDS) for each in at_once(a.opened, b.opened)]
    table = sql.incidents
    with a.tocsin.read() as connection:
        numbers = list(connection.execute(select(table.c.number).where(table.c.id.in_(opened))).scalars())
    assert len(set(numbers)) == 2 * ROUNDS


def test_guesses_of_a_password_are_counted_over_all_nodes(nodes: Nodes) -> None:
    wrong = {"username": "cleaner", "password": "guess"}
    codes = [nodes[number % 2].post("/auth/token", wrong).status_code for number in range(9)]
    assert codes == [401] * 8 + [429]


def test_who_signs_out_on_one_node_is_out_on_the_other(nodes: Nodes) -> None:
    a, b = nodes
    token = a.post("/auth/token", {"username": "principal", "password": "demo"}).json()["access_token"]
    header = {"Authorization": f"Bearer {token}"}
    assert b.call("GET", "/tasks", headers=header).status_code == 200
    assert a.tocsin.run(lambda uow: accounts.sign_out(uow, token))
    assert b.call("GET", "/tasks", headers=header).status_code == 401


def test_who_signs_out_on_one_node_completes_nothing_on_the_other(nodes: Nodes) -> None:
    """Also where that node has looked the session up a moment ago."""
    a, b = nodes
    token = a.post("/auth/token", {"username": "coordinator", "password": "demo"}).json()["access_token"]
    header = {"Authorization": f"Bearer {token}"}
    first, second = (b.task(b.opened(), "t_office_accept")["id"] for _ in range(2))
    done = b.call("POST", f"/tasks/{first}/complete", headers=header, json={"data": {}})
    assert done.status_code == 200
    assert a.tocsin.run(lambda uow: accounts.sign_out(uow, token))
    refused = b.call("POST", f"/tasks/{second}/complete", headers=header, json={"data": {}})
    assert (refused.status_code, refused.json()["code"]) == (401, "sign_in_needed")
    assert b.get(f"/tasks/{second}", "coordinator").json()["state"] == "open"


def test_a_policy_set_on_one_node_holds_for_incidents_of_the_other(nodes: Nodes) -> None:
    a, b = nodes
    body = {"organisation": "demo-school", "value": 37.0, "reason": "指引调整", "apply_to": []}
    assert a.call("PUT", "/policies/fever_threshold", who="admin", json=body).status_code == 200
    incident = b.opened()
    with b.tocsin.read() as connection:
        policies = connection.execute(select(sql.incidents.c.policies).where(sql.incidents.c.id == incident)).scalar()
    assert policies["fever_threshold"] == 37.0


def test_a_version_deployed_on_both_at_once_is_one_version_and_used_by_both(nodes: Nodes) -> None:
    a, b = nodes
    root = a.tocsin.settings.workflows_dir
    content = definitions.folder_content(root / "small_alarm", root / "decisions")
    changed = {
        name: text.replace("</bpmn:definitions>", "<!-- 2 --></bpmn:definitions>") for name, text in content.items()
    }

    def deploy(node: Product) -> definitions.Deployed:
        store = node.tocsin.services.definitions
        return node.tocsin.run(lambda uow: definitions.deploy(uow, store, "small_alarm", changed, actor="test"))

    found = at_once(lambda: deploy(a), lambda: deploy(b))
    assert sorted(each.is_new for each in found) == [False, True]
    assert {each.version for each in found} == {2}
    for node in nodes:
        with node.tocsin.read() as connection:
            assert definitions.active_version(connection, "small_alarm") == 2
            assert node.tocsin.services.definitions.get(connection, "small_alarm", 2).bundle.id == "small_alarm"


def test_a_person_erased_on_one_node_is_erased_on_the_other(nodes: Nodes) -> None:
    a, b = nodes

    def seal(uow: UnitOfWork) -> str:
        return uow.sealer.seal(uow.connection, "p-erased", {"name": "学生甲"})

    token = b.tocsin.run(seal)
    with b.tocsin.read() as connection:
        assert b.tocsin.sealer.open(connection, "p-erased", token) == {"name": "学生甲"}
    a.tocsin.run(lambda uow: uow.sealer.destroy(uow.connection, "p-erased"))
    with pytest.raises(SubjectErased):
        b.tocsin.run(seal)
    b.clock.advance(TRUSTED)
    b.clock.advance(timedelta(seconds=1))
    with b.tocsin.read() as connection:
        assert b.tocsin.sealer.open(connection, "p-erased", token) == {}


def test_drafts_typed_in_two_windows_at_once_leave_one(nodes: Nodes) -> None:
    a, b = nodes
    incident = a.opened()
    task = a.task(incident, "t_office_accept")["id"]
    b.token("coordinator")
    for _ in range(ROUNDS):
        answers = at_once(*[
            lambda node=node: node.post(f"/tasks/{task}/draft", {"data": {"note": "1"}}, "coordinator")
            for node in (a, b)
        ])  # fmt: skip
        assert {answer.status_code for answer in answers} <= {200, 204}, answers[0].text
    with a.tocsin.read() as connection:
        drafts = select(func.count()).select_from(sql.drafts).where(sql.drafts.c.task_id == task)
        assert connection.execute(drafts).scalar_one() == 1


def test_a_listener_of_one_node_hears_what_the_other_wrote(nodes: Nodes) -> None:
    a, b = nodes
    token = b.token("coordinator")
    opened: list[str] = []
    a.token("teacher")
    with served(b) as address:
        found = heard(address, token, lambda: opened.append(a.opened()), wanted=1)
    assert [each["incident"] for each in found] == opened


def test_nodes_that_start_together_go_one_after_the_other(nodes: Nodes) -> None:
    order: list[str] = []
    holds = threading.Event()

    def first() -> None:
        with nodes[0].tocsin.database.alone("start-test"):
            holds.set()
            time.sleep(0.5)
            order.append("first")

    def second() -> None:
        holds.wait(30)
        with nodes[1].tocsin.database.alone("start-test"):
            order.append("second")

    at_once(first, second)
    assert order == ["first", "second"]


def test_a_node_that_lost_its_lease_cannot_store(nodes: Nodes) -> None:
    """The fence: what was read under an older revision is refused, and the other node's state stands."""
    a, b = nodes
    incident = a.opened()
    live = LiveInstances()

    def read(uow: UnitOfWork) -> tuple[int, Any]:
        row = uow.connection.execute(select(sql.instances).where(sql.instances.c.incident_id == incident)).mappings()
        root = next(dict(each) for each in row if each["parent_id"] is None)
        assembly = a.tocsin.services.definitions.get(uow.connection, root["procedure"], root["version"])
        return live.load(uow, assembly, root["id"], beside=WorkingSet(incident))

    revision, instance = a.tocsin.run(read)  # and here the node falls asleep: its transaction is over
    assert complete(b, b.task(incident, "t_office_accept")["id"]).status_code == 200
    stored = state_of(a, instance.id)
    assert stored[0] > revision
    instance.is_dirty = True
    with pytest.raises(RevisionChanged):
        a.tocsin.run(lambda uow: live.store(uow, instance, revision=revision, beside=WorkingSet(incident)))
    assert state_of(a, instance.id) == stored
    assert state.dump(instance) != stored[1]


def test_a_node_that_falls_asleep_in_a_transaction_is_cut_off_and_the_other_goes_on(nodes: Nodes) -> None:
    """The lease: the server takes the incident away from it, and what it still tries to store is refused."""
    a, b = nodes
    incident = a.opened()
    task = b.task(incident, "t_office_accept")["id"]
    holds, may_wake = threading.Event(), threading.Event()

    def sleep(uow: UnitOfWork) -> None:
        uow.lock(incident)
        uow.connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '300ms'")
        holds.set()
        may_wake.wait(30)
        uow.append(incident, [NewEvent("note_added", uow.now, {"text": "too late"})])

    sleeping = a.tocsin.writer.submit(sleep)
    assert holds.wait(30)
    assert complete(b, task).status_code == 200  # it had to wait for the incident, and got it
    may_wake.set()
    with pytest.raises(DatabaseAway):
        sleeping.result(30)
    assert events(a, incident, "note_added") == []
    assert complete(a, a.task(incident, "t_isolation_room", "nurse")["id"], "nurse").status_code == 200
    with a.tocsin.read() as connection:
        assert verify(connection, incident).ok


def state_of(node: Product, instance: str) -> tuple[int, str]:
    """Revision and stored form of an instance."""
    table = sql.instance_states
    with node.tocsin.read() as connection:
        row = connection.execute(select(table.c.revision, table.c.state).where(table.c.instance_id == instance)).one()
    return row.revision, row.state


def test_who_is_shut_out_on_one_node_is_out_on_the_other_with_the_next_request(nodes: Nodes) -> None:
    a, b = nodes
    secret = a.post("/auth/token", {"username": "clinic", "password": "demo"}).json()["access_token"]
    with a.tocsin.read() as connection:
        account = str(accounts.account_named(connection, "clinic"))
    made = a.tocsin.run(lambda uow: access_tokens.create(uow, account, name="对接", scopes=["read"], days=1))
    for each in (secret, made):
        assert b.call("GET", "/tasks", headers={"Authorization": f"Bearer {each}"}).status_code == 200
    done = a.post(f"/accounts/{account}/sessions/revoke", {"reason": "手机丢失"}, "admin")
    assert (done.status_code, done.json()) == (200, {"sessions": 1, "tokens": 1})
    for each in (secret, made):
        assert b.call("GET", "/tasks", headers={"Authorization": f"Bearer {each}"}).status_code == 401
    assert b.post(f"/accounts/{account}/sessions/revoke", {"reason": "x"}, "principal").status_code == 403


def test_of_two_nodes_that_get_the_same_code_at_once_one_takes_it(nodes: Nodes) -> None:
    a, b = nodes
    with a.tocsin.read() as connection:
        account = str(accounts.account_named(connection, "doctor"))
    secret = a.tocsin.run(lambda uow: second_factor.propose(uow, account))
    now = a.clock.now()
    second_factor.answer(a.tocsin.writer, account, str(pyotp.TOTP(secret).at(now)), is_new=True)
    following = str(pyotp.TOTP(secret).at(now + timedelta(seconds=second_factor.STEP_SECONDS)))
    body = {"username": "doctor", "password": "demo", "code": following}
    answers = at_once(lambda: a.post("/auth/token", body), lambda: b.post("/auth/token", body))
    assert sorted(answer.status_code for answer in answers) == [200, 401]
