"""The workbook of the directory: what it says is compared, faults are named, nothing or all of it is written."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import select

from service.application import accounts, directory_import, directory_log, directory_workbook, organisations
from service.application.directory_import import ConfirmImport, Importing, StartImport
from service.domain.access import Principal
from service.domain.errors import NoSuch, NotAllowed, RevisionChanged, ValueRefused
from service.persistence import chain
from service.persistence.tables import sql
from tests.contract.product import START, Product
from tests.paths.world import World
from tests.web.site import with_passwords

ORGS = ("编号*", "名称*", "类型*", "上级编号", "联系方式")
PEOPLE = ("用户名*", "姓名*", "单位编号*", "岗位*", "开始日期", "结束日期")
CLASSES = ("单位编号*", "名称*", "种类*", "固定座位")
ROSTER = ("单位编号*", "班级", "姓名*", "人员*", "座位", "性别", "年龄", "家长电话")

Rows = Sequence[Sequence[Any]]


def a_workbook(orgs: Rows = (), people: Rows = (), classes: Rows = (), roster: Rows = ()) -> bytes:
    book = Workbook()
    book.remove(book.active)
    for title, heading, rows in (
        ("单位", ORGS, orgs), ("班级", CLASSES, classes), ("人员", PEOPLE, people), ("名册", ROSTER, roster),
    ):  # fmt: skip
        sheet = book.create_sheet(title)
        sheet.append(heading)
        for row in rows:
            sheet.append(list(row))
    made = BytesIO()
    book.save(made)
    return made.getvalue()


GOOD = a_workbook(
    # the superior stands below what belongs to it: the order of rows does not matter
    orgs=[
        ("new-village", "示例村五", "村或社区", "new-town", ""),
        ("new-town", "示例乡", "乡镇街道", "demo-county", "0000-2000001"),
    ],
    people=[
        ("xiang1", "乡干部甲", "new-town", "镇领导", "", ""),
        ("xiang1", "乡干部甲", "new-town", "党政办（防控办）", "", "2027-01-31"),
        ("cun1", "村干部乙", "new-village", "村书记", "", ""),
        ("nurse", "校医丁", "demo-school", "校医", "", ""),
    ],
    classes=[("demo-school", "九年级1班", "班级", "是")],
    roster=[
        ("demo-school", "九年级1班", "学生一", "学生", "1-1", "男", 15, "0000-2000002"),
        ("demo-school", "九年级1班", "学生二", "学生", "1-2", "女", "15", ""),
    ],
)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Product]:
    world = World(tmp_path, START)
    with_passwords(world)
    try:
        yield Product(world.app, world.clock)
    finally:
        world.close()


def who(world: Product, username: str) -> Principal:
    with world.tocsin.read() as connection:
        account = accounts.account_named(connection, username)
        assert account is not None
        return accounts.principal_of_account(connection, account, now=world.clock.now())


def checked(world: Product, content: bytes, username: str = "admin", organisation: str = "") -> dict[str, Any]:
    tocsin, by = world.tocsin, who(world, username)
    command = StartImport(organisation, "单位.xlsx", content)
    made = tocsin.run(lambda uow: directory_import.start(uow, tocsin.services, by, command))
    directory_import.check(tocsin.database, tocsin.run, tocsin.services, tocsin.sealer, made, by=by)
    return row(world, made)


def row(world: Product, import_id: str) -> dict[str, Any]:
    table = sql.directory_imports
    with world.tocsin.read() as connection:
        return dict(connection.execute(select(table).where(table.c.id == import_id)).mappings().one())


def written(world: Product, import_id: str, username: str = "admin", *, remove: bool = False) -> list[tuple[int, int]]:
    tocsin, by = world.tocsin, who(world, username)
    command = ConfirmImport(import_id, remove=remove)
    tocsin.run(lambda uow: directory_import.confirm(uow, tocsin.services, by, command))
    said: list[tuple[int, int]] = []
    working = Importing(tocsin.database, tocsin.run, tocsin.services, tocsin.sealer)
    working.finish(import_id, lambda done, total: said.append((done, total)))
    return said


def faults(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each[0], each[2]) for each in found["summary"]["errors"]]


def test_a_workbook_is_compared_written_and_the_same_again(fresh: Product) -> None:
    found = checked(fresh, GOOD)
    assert found["state"] == "checked", faults(found)
    counts = found["summary"]["counts"]
    assert counts["organisations"] == {"new": 2, "changed": 0, "same": 0, "removed": 0}
    assert (counts["accounts"]["new"], counts["accounts"]["same"]) == (2, 1)
    assert (counts["people"]["new"], counts["people"]["same"]) == (3, 1)
    assert (counts["places"]["new"], counts["members"]["new"]) == (1, 2)
    with fresh.tocsin.read() as connection:
        assert "new-town" not in organisations.hierarchy(connection).parents  # nothing is written by looking
    assert written(fresh, found["id"])[-1] == (found["total"] - _removed(counts), found["total"] - _removed(counts))
    done = row(fresh, found["id"])
    assert (done["state"], done["sealed"]) == ("done", "")

    with fresh.tocsin.read() as connection:
        assert organisations.hierarchy(connection).ancestors("new-village") == ("new-town", "demo-county")
        assert [type(each.event).__name__ for each in directory_log.history(connection, "new-village")] == [
            "MembershipChanged", "AccountChanged", "OrganisationChanged",
        ]  # fmt: skip
        names = {each.name for each in organisations.members(connection, fresh.tocsin.sealer, "demo-school")}
        assert chain.verify(connection).ok
    assert {"学生一", "学生二"} <= names
    assert who(fresh, "xiang1").memberships == {"new-town": frozenset({"town_leader", "town_office"})}

    again = checked(fresh, GOOD)
    assert all(each["new"] == each["changed"] == 0 for each in again["summary"]["counts"].values())
    assert written(fresh, again["id"]) == [(0, 0)]


def _removed(counts: dict[str, dict[str, int]]) -> int:
    return sum(each["removed"] for each in counts.values())


def test_every_fault_is_named_and_nothing_is_imported(fresh: Product) -> None:
    found = checked(
        fresh,
        a_workbook(
            orgs=[
                ("good-town", "好乡", "乡镇街道", "demo-county"),
                ("Bad Code", "坏编号", "村或社区", "good-town"),
                ("orphan", "孤村", "村或社区", "nowhere"),
                ("wrong", "错位", "村或社区", "demo-school"),
                ("typed", "错类型", "什么", "demo-county"),
                ("", "没编号", "村或社区", "good-town"),
                ("round-a", "环甲", "银行网点", "round-b"),
                ("round-b", "环乙", "银行网点", "round-a"),
            ],
            people=[
                ("a", "甲", "nowhere", "村书记"),
                ("b", "乙", "demo-village", "没有的岗位"),
                ("c", "丙", "demo-village", "系统管理员"),
                ("d", "丁", "demo-village", "村书记", "2026-05-01", "2026-04-01"),
                ("e", "戊", "demo-village", "村书记", "明天"),
                ("f", "己", "demo-village", "村书记"),
                ("f", "庚", "demo-village", "网格员"),
            ],
            roster=[
                ("demo-school", "没有的班", "学生一", "学生"),
                ("demo-school", "七年级2班", "学生一", "学生", "第三排"),
                ("demo-school", "七年级2班", "学生二", "学生", "", "男", 200),
                ("demo-school", "七年级2班", "学生三", "学生"),
                ("demo-school", "七年级2班", "学生三", "学生"),
            ],
        ),
    )
    assert found["state"] == "refused"
    told = dict(faults(found))
    assert told["单位.3.编号"].startswith("只能用小写字母")
    assert told["单位.4.上级编号"].startswith("没有这个单位")
    assert told["单位.5.上级编号"] == "上级应为乡镇街道"
    assert told["单位.6.类型"].startswith("不在可选范围内")
    assert told["单位.7.编号"] == "必须填写"
    assert any("成环" in each for each in told.values())
    assert told["人员.2.单位编号"] == "没有这个单位"
    assert told["人员.3.岗位"].startswith("不在可选范围内")
    assert told["人员.4.岗位"].startswith("系统管理员不能从表格导入")
    assert told["人员.5.结束日期"] == "结束应在开始之后"
    assert told["人员.6.开始日期"].startswith("应为日期")
    assert told["人员.8.姓名"] == "同一用户名写了不同的姓名"
    assert told["名册.2.班级"].startswith("没有这个班级")
    assert told["名册.3.座位"].startswith("座位写成")
    assert told["名册.4.年龄"].startswith("请填 0 到 130")
    assert told["名册.6.姓名"].startswith("同班有同名的人")
    tocsin, admin = fresh.tocsin, who(fresh, "admin")
    with pytest.raises(RevisionChanged):
        tocsin.run(lambda uow: directory_import.confirm(uow, tocsin.services, admin, ConfirmImport(found["id"])))
    with tocsin.read() as connection:
        assert "good-town" not in organisations.hierarchy(connection).parents


def test_what_is_not_in_the_workbook_goes_only_if_that_is_asked_for(fresh: Product) -> None:
    content = a_workbook(people=[("nurse", "校医丁", "demo-school", "校医")])
    found = checked(fresh, content)
    removed = found["summary"]["counts"]["people"]["removed"]
    assert removed > 5
    written(fresh, found["id"])
    assert "epi_office" in who(fresh, "coordinator").memberships["demo-school"]
    found = checked(fresh, content)
    written(fresh, found["id"], remove=True)
    assert "demo-school" not in who(fresh, "coordinator").memberships
    assert who(fresh, "nurse").memberships["demo-school"] == frozenset({"school_doctor"})


def test_a_leader_imports_within_his_reach(fresh: Product) -> None:
    content = a_workbook(
        orgs=[("demo-village-3", "示例村三", "村或社区", "demo-town"), ("new-school", "示例校", "学校", "demo-office")],
        people=[
            ("v3", "村干部寅", "demo-village-3", "村书记"),
            ("v4", "村干部卯", "demo-village-3", "疾控机构"),
            ("v5", "教师辰", "demo-school", "任课教师"),
        ],
    )
    told = dict(faults(checked(fresh, content, "town", "demo-town")))
    assert told == {
        "单位.3.编号": "不在您管理的范围内",
        "人员.3.岗位": "这个岗位不属于这类单位，只有系统管理员能授予",
        "人员.4.单位编号": "不在您管理的范围内",
    }
    good = a_workbook(
        orgs=[("demo-village-3", "示例村三", "村或社区", "demo-town")],
        people=[("v3", "村干部寅", "demo-village-3", "村书记")],
    )
    found = checked(fresh, good, "town", "demo-town")
    written(fresh, found["id"], "town")
    assert who(fresh, "v3").memberships == {"demo-village-3": frozenset({"village_secretary"})}
    with pytest.raises(NotAllowed):
        checked(fresh, good, "teacher", "demo-school")
    tocsin, other = fresh.tocsin, who(fresh, "principal")
    with pytest.raises(NoSuch):  # another's import is none of his business
        tocsin.run(lambda uow: directory_import.confirm(uow, tocsin.services, other, ConfirmImport(found["id"])))


def test_an_import_goes_on_where_it_was(fresh: Product) -> None:
    people = [(f"p{number}", f"村民{number}", "demo-village", "志愿者") for number in range(600)]
    found = checked(fresh, a_workbook(people=people))
    tocsin, admin = fresh.tocsin, who(fresh, "admin")
    tocsin.run(lambda uow: directory_import.confirm(uow, tocsin.services, admin, ConfirmImport(found["id"])))
    first = Importing(tocsin.database, tocsin.run, tocsin.services, tocsin.sealer)
    assert first.advance(row(fresh, found["id"])) == directory_import.AT_ONCE
    stale = row(fresh, found["id"]) | {"done": 0}
    other = Importing(tocsin.database, tocsin.run, tocsin.services, tocsin.sealer)
    other.advance(stale)  # a node that has not heard of it writes nothing twice
    assert row(fresh, found["id"])["done"] == directory_import.AT_ONCE
    assert tocsin.worker.tick() >= 0  # the worker finishes what is left
    assert row(fresh, found["id"])["state"] == "done"
    with tocsin.read() as connection:
        held = select(sql.memberships).where(sql.memberships.c.role == "volunteer")
        assert len(connection.execute(held).all()) == 600


def test_no_workbook_and_an_empty_one_are_refused(fresh: Product) -> None:
    assert faults(checked(fresh, b"nonsense")) != []
    assert faults(checked(fresh, a_workbook()))[0][1].startswith("没有找到数据")
    with pytest.raises(ValueRefused):
        checked(fresh, b"")


def test_the_template_says_what_each_column_means(fresh: Product) -> None:
    for locale, front, first in (("zh_CN", "说明", "单位"), ("en", "read me", "organisations")):
        book = load_workbook(BytesIO(directory_workbook.template(fresh.tocsin.services.organisations, locale)))
        shown = [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]
        assert shown[:2] == [front, first]
        assert len(shown) == 5
        assert len(list(book[front].iter_rows())) == 28
        assert book[first].data_validations.dataValidation
    found = checked(fresh, directory_workbook.template(fresh.tocsin.services.organisations, "en"))
    assert faults(found)[0][1].startswith("没有找到数据")
