"""What a workbook of the directory would change: each row compared with what is there, every fault named.

Nothing is written here. A plan is a list of steps in the order they can be done; what is not in the workbook is
listed as removed, and removed only where somebody asks for that.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, select

from service.application import accounts, organisations
from service.application.directory_steps import ACCOUNTS, CHANGED, CHANGES, NEW, REMOVED, SAME, Plan, Step
from service.application.directory_workbook import MEMBERS, ORGANISATIONS, PEOPLE, PLACES, Line, day_text, wrong
from service.application.organisation_changes import CODE, LONGEST_NAME, SYSTEM
from service.application.roster_changes import checked_values
from service.application.services import Services
from service.domain.access import ADMINISTRATOR, Action, OrganisationSubject, Principal, may
from service.domain.errors import FieldError, ValueRefused
from service.persistence.sealing import Sealer
from service.persistence.tables import sql

AT_ONCE = 500
_MEMBER_VALUES = ("name", "sex", "age", "guardian_name", "guardian_phone", "phone")


def plan(
    connection: Connection, sealer: Sealer, services: Services, principal: Principal, lines: Iterable[Line]
) -> Plan:
    """Compare the rows of a workbook with the directory, within what the principal may change."""
    planner = _Planner(connection, sealer, services, principal)
    by_kind: dict[str, list[Line]] = {ORGANISATIONS: [], PLACES: [], PEOPLE: [], MEMBERS: []}
    for line in lines:
        by_kind[line.kind].append(line)
    planner.organisations(by_kind[ORGANISATIONS])
    planner.places(by_kind[PLACES])
    planner.people(by_kind[PEOPLE])
    planner.members(by_kind[MEMBERS])
    return planner.made()


class _Planner:
    def __init__(self, connection: Connection, sealer: Sealer, services: Services, principal: Principal) -> None:
        self.connection, self.sealer, self.services, self.principal = connection, sealer, services, principal
        table = sql.organisations
        rows = connection.execute(select(table)).mappings()
        self.known: dict[str, dict[str, Any]] = {row["id"]: dict(row) for row in rows}
        self.there = set(self.known)
        self.place_names: set[tuple[str, str]] = set()
        self.steps: list[Step] = []
        self.errors: list[FieldError] = []
        self.counts = Counter[tuple[str, str]]()
        self._rights: dict[tuple[str, Action], bool] = {}

    def made(self) -> Plan:
        """What came out."""
        kinds = dict.fromkeys(kind for kind, _change in self.counts)
        counts = {kind: {change: self.counts[kind, change] for change in CHANGES} for kind in kinds}
        order = (PLACES, ACCOUNTS, PEOPLE, MEMBERS)  # organisations stand in theirs, superiors first
        first = [step for step in self.steps if step.kind == ORGANISATIONS]
        rest = sorted(
            (step for step in self.steps if step.kind != ORGANISATIONS),
            key=lambda step: (order.index(step.kind), step.organisation),
        )
        return Plan((*first, *rest), counts, tuple(self.errors))

    # --- organisations ------------------------------------------------------------------------

    def organisations(self, lines: list[Line]) -> None:
        """Superiors first, whatever the order of the rows."""
        wanted = {line.values.get("id"): line for line in lines}
        seen = Counter(line.values.get("id") for line in lines)
        twice = [line for line in lines if seen[line.values.get("id")] > 1]
        self.errors += [wrong(line, "编号", "编号重复", "The id stands here twice") for line in twice]
        done: set[str] = set()
        for line in lines:
            for each in self._upwards(line, wanted, done):
                self._organisation(each)

    def _upwards(self, line: Line, wanted: Mapping[Any, Line], done: set[str]) -> list[Line]:
        """The rows that must be done before this one and the row itself, superiors first."""
        chain: list[Line] = []
        at: Line | None = line
        while at is not None and str(at.values.get("id")) not in done:
            if at in chain:
                self.errors.append(wrong(line, "上级编号", "上级关系成环", "The superiors form a circle"))
                break
            chain.append(at)
            at = wanted.get(at.values.get("parent"))
        done |= {str(each.values.get("id")) for each in chain}
        return chain[::-1]

    def _organisation(self, line: Line) -> None:
        values = line.values
        code, parent, kind = str(values.get("id") or ""), str(values.get("parent") or ""), values.get("type")
        if not code or not kind or not values.get("name"):
            return  # said when it was read
        before = self.known.get(code)
        fault = self._organisation_fault(code, parent, kind, values, before)
        if fault is not None:
            self.errors.append(wrong(line, *fault))
            self.known.setdefault(code, {"type": kind, "parent_id": parent or None, "is_active": True, "name": ""})
            return
        names = ("name", "name_en", "contact", "address")
        after = {name: str(values.get(name) or "") for name in names} | {"type": kind, "parent_id": parent or None}
        if before is not None:  # what the workbook leaves empty stays as it is
            after |= {name: before[name] for name in names if not after[name]}
        self.known[code] = {**(before or {}), **after, "is_active": before["is_active"] if before else True}
        self._compare(ORGANISATIONS, code, code, before, after)

    def _organisation_fault(
        self, code: str, parent: str, kind: str, values: Mapping[str, Any], before: Mapping[str, Any] | None
    ) -> tuple[str, str, str] | None:
        if not CODE.fullmatch(code):
            return "编号", "只能用小写字母、数字和连字符，最多 40 个", "Small letters, digits and hyphens, at most 40"
        if len(str(values["name"])) > LONGEST_NAME:
            return "名称", f"最多 {LONGEST_NAME} 个字", f"At most {LONGEST_NAME} characters"
        if parent and parent not in self.known:
            return "上级编号", "没有这个单位：先在“单位”表中写出上级", "No such organisation: write the superior first"
        above = self.known[parent]["type"] if parent else ""
        catalogue = self.services.organisations
        if not catalogue.may_stand_below(kind, above):
            allowed = [catalogue.types[each] for each in catalogue.types[kind].superiors if each]
            zh, en = "、".join(each.zh for each in allowed) or "无", ", ".join(each.en for each in allowed) or "none"
            return "上级编号", f"上级应为{zh}", f"Its superior is one of: {en}"
        places = [parent, *([code, before["parent_id"] or ""] if before else [])]
        if not all(self._may(Action.ORGANISATION_CHANGE, each) for each in places):
            return "编号", "不在您管理的范围内", "It is not within your reach"
        return self._same_name(code, parent, str(values["name"]))

    def _same_name(self, code: str, parent: str, name: str) -> tuple[str, str, str] | None:
        if not hasattr(self, "_names"):
            self._names = {(row["parent_id"] or "", row["name"]): each for each, row in self.known.items()}
        if self._names.setdefault((parent, name), code) != code:
            return "名称", "同一上级之下已有同名单位", "One of this name stands below the same superior"
        return None

    # --- places -------------------------------------------------------------------------------

    def places(self, lines: list[Line]) -> None:
        """Classes and rooms by organisation and name."""
        table = sql.places
        found = self._of_organisations(table, lines)
        there = {(row["organisation_id"], row["name"]): row for row in found}
        self.place_names |= set(there)
        seen: set[tuple[str, str]] = set()
        for line in lines:
            organisation, name = self._organisation_of(line, Action.ORGANISATION_CHANGE), line.values.get("name")
            if not organisation or not name or not line.values.get("kind"):
                continue
            if (organisation, name) in seen:
                self.errors.append(wrong(line, "名称", "重复", "It stands here twice"))
                continue
            seen.add((organisation, name))
            self.place_names.add((organisation, name))
            before = there.get((organisation, name))
            after: dict[str, Any] = {"kind": line.values["kind"], "is_active": True}
            if "positions_fixed" in line.values or before is None:
                after["positions_fixed"] = bool(line.values.get("positions_fixed", line.values["kind"] == "class"))
            self._compare(PLACES, organisation, str(name), before, after)

    # --- people -------------------------------------------------------------------------------

    def people(self, lines: list[Line]) -> None:
        """Accounts by user name, roles by account, organisation and role."""
        names = {accounts.normal_username(str(line.values.get("username") or "")) for line in lines} - {""}
        people = self._accounts(names)
        held = self._held(lines)
        given: set[tuple[str, str, str]] = set()
        named: dict[str, str] = {}
        for line in lines:
            username = accounts.normal_username(str(line.values.get("username") or ""))
            organisation, role = self._organisation_of(line, Action.STAFF_CHANGE), line.values.get("role")
            if not username or not organisation or not role or not line.values.get("name"):
                continue
            fault = self._person_fault(line, (username, organisation, role), given, named, people)
            given.add((username, organisation, role))
            if fault is not None:
                self.errors.append(wrong(line, *fault))
                continue
            self._account(username, organisation, str(line.values["name"]), named, people)
            since, until = day_text(line.values.get("valid_from")), day_text(line.values.get("valid_until"))
            before, after = held.get((username, organisation, role)), {"from": since, "until": until}
            self._compare(PEOPLE, organisation, f"{username} {role}", before, after)
        mine = self.principal.account_id
        for (username, organisation, role), limits in held.items():
            if (username, organisation, role) not in given and limits["account"] != mine and role != ADMINISTRATOR:
                self._removed(
                    PEOPLE, organisation, f"{username} {role}", {name: limits[name] for name in ("from", "until")}
                )

    def _account(
        self, username: str, organisation: str, name: str, named: dict[str, str], people: Mapping[str, Any]
    ) -> None:
        """The account of a row, once: a new one, or another name."""
        if username in named:
            return
        named[username] = name
        before = {"name": people[username]["name"]} if username in people else None
        self._compare(ACCOUNTS, organisation, username, before, {"name": name})

    def _person_fault(
        self, line: Line, key: tuple[str, str, str], given: set[tuple[str, str, str]], named: Mapping[str, str],
        people: Mapping[str, Any],
    ) -> tuple[str, str, str] | None:  # fmt: skip
        username, organisation, role = key
        name, kind = str(line.values["name"]), self.known[organisation]["type"]
        if key in given:
            return "岗位", "重复：同一人同一单位同一岗位", "Twice: the same person, organisation and role"
        if named.get(username, name) != name:
            return "姓名", "同一用户名写了不同的姓名", "One user name with two names"
        if role == ADMINISTRATOR or kind == SYSTEM:
            return (
                "岗位",
                "系统管理员不能从表格导入，请在页面上指定",
                "Administrators are appointed on the page, not here",
            )
        if not self.principal.is_admin and not self.services.organisations.roles[role].fits(kind):
            return (
                "岗位",
                "这个岗位不属于这类单位，只有系统管理员能授予",
                "Not a role of this type: only administrators give it",
            )
        if username in people and people[username]["name"] != name and not self.principal.is_admin:
            return (
                "姓名",
                "与系统中的姓名不同，请在人员页上改",
                "Another name than in the system: change it on the person's page",
            )
        since, until = line.values.get("valid_from"), line.values.get("valid_until")
        if since and until and until <= since:
            return "结束日期", "结束应在开始之后", "The end must come after the beginning"
        return None

    def _accounts(self, names: set[str]) -> dict[str, Any]:
        table, found = sql.accounts, {}
        for chunk in _chunks(sorted(names)):
            rows = self.connection.execute(select(table.c.username, table.c.name).where(table.c.username.in_(chunk)))
            found.update({row.username: {"name": row.name} for row in rows})
        return found

    def _held(self, lines: list[Line]) -> dict[tuple[str, str, str], dict[str, Any]]:
        held, people = sql.memberships, sql.accounts
        columns = (people.c.username, held.c.account_id, held.c.organisation_id, held.c.role)
        joined = select(*columns, held.c.valid_from, held.c.valid_until).join(people, people.c.id == held.c.account_id)
        found: dict[tuple[str, str, str], dict[str, Any]] = {}
        for chunk in _chunks(self._named(lines)):
            for row in self.connection.execute(joined.where(held.c.organisation_id.in_(chunk))):
                limits = {
                    "from": day_text(row.valid_from),
                    "until": day_text(row.valid_until),
                    "account": row.account_id,
                }
                found[row.username, row.organisation_id, row.role] = limits
        return found

    # --- the roster ---------------------------------------------------------------------------

    def members(self, lines: list[Line]) -> None:
        """People on rosters by organisation, class, name and kind."""
        there = self._members(lines)
        places = self._of_organisations(sql.places, lines)
        self.place_names |= {(row["organisation_id"], row["name"]) for row in places}
        seen: set[tuple[str, str, str, str]] = set()
        seats: set[tuple[str, str, str]] = set()
        for line in lines:
            organisation = self._organisation_of(line, Action.ROSTER_CHANGE)
            if not organisation or not line.values.get("name") or not line.values.get("person_type"):
                continue
            place, seat = str(line.values.get("place") or ""), str(line.values.get("seat_no") or "")
            key = (organisation, place, str(line.values["name"]), str(line.values["person_type"]))
            fault = self._member_fault(line, key in seen, bool(seat) and (organisation, place, seat) in seats)
            seen.add(key)
            seats.add((organisation, place, seat))
            if fault is not None:
                self.errors.append(wrong(line, *fault))
                continue
            values = {name: line.values[name] for name in _MEMBER_VALUES if line.values.get(name) not in (None, "")}
            before = there.get(key)
            if before is not None:
                values = {**before["values"], **values}
            after = {"place": place, "person_type": key[3], "seat_no": seat, "values": values}
            self._compare(MEMBERS, organisation, before["id"] if before else "", before, after)
        for key, row in there.items():
            if key not in seen:
                self._removed(MEMBERS, key[0], row["id"], {"person_type": key[3], "seat_no": row["seat_no"]})

    def _member_fault(self, line: Line, is_twice: bool, is_taken: bool) -> tuple[str, str, str] | None:
        values = line.values
        place = str(values.get("place") or "")
        if place and (str(values["organisation"]), place) not in self.place_names:
            return "班级", "没有这个班级：先在“班级”表中写出", "No such class: write it on the sheet of classes first"
        if is_twice:
            return "姓名", "同班有同名的人，请在姓名后加区别", "Two of one name in one class: mark them"
        if is_taken:
            return "座位", "这个座位写了两个人", "Two people on one seat"
        try:
            given = {name: values.get(name) for name in _MEMBER_VALUES}
            checked_values(str(values["person_type"]), given, str(values.get("seat_no") or ""))
        except ValueRefused as refused:
            headings = {"seat_no": "座位", "age": "年龄", "sex": "性别"}
            return headings.get(refused.name, "姓名"), refused.reason, refused.reason_en
        return None

    def _members(self, lines: list[Line]) -> dict[tuple[str, str, str, str], dict[str, Any]]:
        names = {row["id"]: row["name"] for row in self._of_organisations(sql.places, lines)}
        found = {}
        for organisation in self._named(lines):
            if organisation in self.there and self._may(Action.ROSTER_CHANGE, organisation):
                for view in organisations.members(self.connection, self.sealer, organisation):
                    place = names.get(view.place_id or "", "")
                    values = {name: value for name, value in view.values.items() if name in _MEMBER_VALUES}
                    key = (organisation, place, view.name, view.person_type)
                    found[key] = {
                        "id": view.id, "place": place, "person_type": view.person_type, "seat_no": view.seat_no,
                        "values": values,
                    }  # fmt: skip
        return found

    # --- for all ------------------------------------------------------------------------------

    def _compare(
        self, kind: str, organisation: str, key: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]
    ) -> None:
        if before is None:
            self.counts[kind, NEW] += 1
            self.steps.append(Step(kind, NEW, organisation, key, after))
            return
        names = [name for name in after if before.get(name) != after[name]]
        self.counts[kind, CHANGED if names else SAME] += 1
        if names:
            old = {name: before.get(name) for name in names}
            self.steps.append(Step(kind, CHANGED, organisation, key, after, old))

    def _removed(self, kind: str, organisation: str, key: str, before: Mapping[str, Any]) -> None:
        self.counts[kind, REMOVED] += 1
        self.steps.append(Step(kind, REMOVED, organisation, key, {}, before))

    def _organisation_of(self, line: Line, action: Action) -> str:
        """The organisation a row belongs to, "" where it says none that may be changed."""
        code = str(line.values.get("organisation") or "")
        if not code:
            return ""
        if code not in self.known:
            self.errors.append(wrong(line, "单位编号", "没有这个单位", "There is no such organisation"))
            return ""
        if not self._may(action, code):
            self.errors.append(wrong(line, "单位编号", "不在您管理的范围内", "It is not within your reach"))
            return ""
        return code

    def _may(self, action: Action, organisation: str) -> bool:
        key = (organisation, action)
        if key not in self._rights:
            above: list[str] = []
            at = self.known.get(organisation, {}).get("parent_id")
            while at and at not in above:
                above.append(at)
                at = self.known.get(at, {}).get("parent_id")
            self._rights[key] = may(self.principal, action, OrganisationSubject(organisation, tuple(above)))
        return self._rights[key]

    def _named(self, lines: list[Line]) -> list[str]:
        return sorted({str(line.values["organisation"]) for line in lines if line.values.get("organisation")})

    def _of_organisations(self, table: Any, lines: list[Line]) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for chunk in _chunks(self._named(lines)):
            found += [dict(row) for row in self.connection.execute(
                select(table).where(table.c.organisation_id.in_(chunk))).mappings()]  # fmt: skip
        return found


def _chunks(values: list[str]) -> Iterable[list[str]]:
    return (values[at : at + AT_ONCE] for at in range(0, len(values), AT_ONCE))
