"""The shell around a page: navigation, who is signed in, the clock, what was just done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from service.application.accounts import CurrentSession
from service.application.queries import Reader, directory, drill_bands
from service.application.queries.drill_bands import DrillBand
from service.application.queries.grounds import active_grants
from service.domain.access import ADMINISTRATOR, TRAINER, Action, OrganisationSubject, Principal, may
from service.domain.standing import OUTSIDE_PARTIES, OVERSEERS
from service.web.translations import translations

# Roles by which people are known, the most telling first.
KNOWN_BY = (
    "school_leader", "inst_leader", "town_leader", "county_hq", "epi_office", "inst_safety", "school_doctor",
    "isolation_lead", "place_lead", "head_teacher", "cleaner", "town_office", "village_committee", "village_doctor",
    "town_clinic", "sys_admin",
)  # fmt: skip
# Too seldom needed for the five places at the bottom of a phone.
_MOST_TABS = 5
ON_DESK = frozenset({"/organisations", "/policies", "/duty", "/engine-incidents", "/audit", "/retention"})


@dataclass(frozen=True, slots=True)
class Link:
    """A place to go."""

    path: str
    icon: str
    label: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Glass:
    """Emergency access the reader has open, shown on every page until it ends."""

    grant: str
    incident: str
    number: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Shell:
    """What every page after the door shows around itself."""

    account: str
    avatar: str
    organisation: str
    role: str
    csrf: str
    now: datetime
    links: tuple[Link, ...]
    tabs: tuple[Link, ...]
    may_report: bool
    said: str
    glasses: tuple[Glass, ...]
    ask: tuple[str, ...]  # of somebody without a role: who can give him one
    band: DrillBand | None


def shell_of(reader: Reader, path: str, session: CurrentSession, said: str, *, incident: str = "") -> Shell:
    """The shell of a page at a path; `said` is the code of what was just done, `incident` what the query names."""
    principal = session.principal
    home = home_of(principal)
    links = _links(reader, path)
    return Shell(
        account=principal.name,
        avatar=principal.name[-1:],
        organisation=directory.names_of(reader, [home]).get(home, "") if home else "",
        role=_role(reader, home),
        csrf=session.csrf,
        now=reader.now,
        links=links,
        tabs=_tabs(links),
        may_report=may_report(reader),
        said=_said(reader.locale).get(said, ""),
        glasses=tuple(
            Glass(row["id"], row["incident_id"], row["number"], row["until"]) for row in active_grants(reader)
        ),
        ask=() if principal.memberships or path == "/inbox" else directory.whom_to_ask(reader),
        band=drill_bands.of_path(reader, path, incident=incident),
    )


def _tabs(links: tuple[Link, ...]) -> tuple[Link, ...]:
    """What stands at the bottom of a phone: five at most, the library gives way first."""
    found = tuple(link for link in links if link.path not in ON_DESK)
    return found if len(found) <= _MOST_TABS else tuple(link for link in found if link.path != "/procedures")


def may_report(reader: Reader) -> bool:
    """Whether this person works where cases are found: not only above or outside."""
    return any(
        roles - OVERSEERS - OUTSIDE_PARTIES - {TRAINER, ADMINISTRATOR}
        for roles in reader.principal.memberships.values()
    )


def may_audit(reader: Reader) -> bool:
    """Whether the audit log of some organisation is open to this person."""
    homes = [OrganisationSubject(each) for each in reader.principal.memberships]
    return any(may(reader.principal, Action.AUDIT_READ, each) for each in homes)


def serves_somewhere(reader: Reader) -> bool:
    """Whether this person belongs to an organisation that can keep a roster."""
    return any(roles - {TRAINER, ADMINISTRATOR} for roles in reader.principal.memberships.values())


def home_of(principal: Principal) -> str:
    """The organisation somebody works in most: where most roles are held."""
    held = principal.memberships
    return max(held, key=lambda each: (len(held[each]), each), default="")


def _role(reader: Reader, home: str) -> str:
    """The role by which others know this person: the leading one, else the first of the usual order."""
    held = reader.principal.memberships.get(home, frozenset())
    known = [role for role in KNOWN_BY if role in held]
    role = next(iter([*known, *sorted(held)]), "")
    return reader.label("role", role) if role else ""


def _links(reader: Reader, path: str) -> tuple[Link, ...]:
    words = translations(reader.locale)
    found = [("/inbox", "inbox", words.gettext("待办")), ("/incidents", "pulse", words.gettext("事件"))]
    if may(reader.principal, Action.PARTNER_DESK):
        found.append(("/partner", "phone", words.gettext("外部方")))
    if TRAINER in reader.principal.roles:
        found.append(("/drills", "half", words.gettext("演练")))
    found.append(("/procedures", "flow", words.gettext("预案库")))
    if reader.visible:
        found.append(("/organisations", "users", words.gettext("单位")))
    if serves_somewhere(reader):
        found.append(("/duty", "clock", words.gettext("值班")))
    found.append(("/policies", "table", words.gettext("参数")))
    if may_audit(reader):
        found.append(("/audit", "eye", words.gettext("审计")))
        found.append(("/retention", "trash", words.gettext("保存与删除")))
    if reader.principal.is_admin:
        found.append(("/engine-incidents", "gear", words.gettext("停住的流程")))
    found.append(("/me", "user", words.gettext("我的")))
    return tuple(Link(to, icon, label, path == to or path.startswith(f"{to}/")) for to, icon, label in found)


def _said(locale: str) -> Mapping[str, str]:
    words = translations(locale)
    return {
        "completed": words.gettext("已提交。"),
        "claimed": words.gettext("已认领，任务在“我的”中。"),
        "released": words.gettext("已退回，其他人可以认领。"),
        "delegated": words.gettext("已转给他人。"),
        "held": words.gettext("已开始留存。"),
        "lifted": words.gettext("已解除留存。"),
        "draft": words.gettext("草稿已保存。"),
        "refused": words.gettext("已记录无法执行，负责人已收到通知，任务仍开放。"),
        "clock": words.gettext("演练时钟已调整。"),
        "drill_settings": words.gettext("演练设置已保存。"),
        "cast": words.gettext("角色已交接。"),
        "scenario_kept": words.gettext("情景已保存。"),
        "scenario_dropped": words.gettext("情景已删除。"),
        "drill_ended": words.gettext("演练已结束。"),
        "answered": words.gettext("问卷已提交，谢谢。"),
        "rated": words.gettext("评级已保存。"),
        "stopped": words.gettext("本单位的演练已全部叫停。"),
        "reported": words.gettext("已上报，任务已派出。"),
        "case_added": words.gettext("已登记为同一事件的又一人。"),
        "acted": words.gettext("已记录。"),
        "revealed": words.gettext("已显示，并记入日志。"),
        "glass_opened": words.gettext("紧急调阅已开启，个人信息保护负责人已收到通知。"),
        "glass_ended": words.gettext("紧急调阅已结束。"),
        "export_asked": words.gettext("已提交，另一名负责人同意后可以导出。"),
        "export_decided": words.gettext("已记录。"),
        "noted": words.gettext("已记入时间线。"),
        "delivered": words.gettext("消息已送达，流程已继续。"),
        "buffered": words.gettext("消息已收下，目前没有流程在等它，已暂存。"),
        "duplicate": words.gettext("这条消息已经收到过，没有重复处理。"),
        "policy": words.gettext("参数已修改。"),
        "activated": words.gettext("已启用，新的事件用这一版。"),
        "retired": words.gettext("已停用，不再启动新的事件。"),
        "retried": words.gettext("已重试。"),
        "skipped": words.gettext("已跳过，流程可以继续。"),
        "cancelled": words.gettext("已取消。"),
        "resumed": words.gettext("已重新登录，您填写的内容还在，尚未提交；文件请重新选择。"),
        "pass_revoked": words.gettext("二维码已停用。"),
        "password": words.gettext("密码已修改，其他设备都已退出。"),
        "factor_removed": words.gettext("登录验证码已停用。"),
        "shut_out": words.gettext("已办理，本人须重新登录。"),
        "session_ended": words.gettext("已退出。"),
        "token_revoked": words.gettext("令牌已停用。"),
        "saved": words.gettext("已保存。"),
        "undone": words.gettext("已撤销。"),
        "handed_over": words.gettext("已交接。"),
        "language": words.gettext("语言已切换。"),
        "planned": words.gettext("已按模板生成班次，尚未发布。"),
        "published": words.gettext("值班表已发布，从现在起按它派单。"),
        "staffed": words.gettext("值班人员已保存。"),
        "removed": words.gettext("班次已取消。"),
        "signed_in": words.gettext("已签到。"),
        "handed": words.gettext("已签字。"),
        "swap": words.gettext("换班申请已更新。"),
        "absent": words.gettext("外出已报备。"),
        "tested": words.gettext("测试消息已排队，几秒后刷新看结果。"),
    }
