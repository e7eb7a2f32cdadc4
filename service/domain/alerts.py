"""Messages that wake somebody outside the page: what they say, to whom, when they may come.

A text is a code and a link. It is made of the words below, an incident's number and an address of ours and
of nothing else, so no name and no health data can be in it.
"""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from service.domain.calendar import at_local, local

CHANNEL = "push"  # of a delivery
MESSAGE = "msg_wake"
ADDRESS = "address"  # of a channel, in what a gateway is given: it is no part of any body
STAFF = "staff"  # the outside party all channels of people count as
ACCOUNT, ORGANISATION = "account:", "organisation:"
PER_MINUTE = 20  # what the robots of chat groups take
SAME_AGAIN = timedelta(minutes=1)  # between two messages about one incident to one recipient, unless urgent

KINDS: dict[str, frozenset[str]] = {
    "wecombot": frozenset({"wecombot"}),
    "dingtalk": frozenset({"dingtalk"}),
    "feishu": frozenset({"feishu", "lark"}),
    "mail": frozenset({"mailto", "mailtos"}),
    "ntfy": frozenset({"ntfy", "ntfys"}),
    "other": frozenset({"schan", "pushplus", "bark", "barks", "gotify", "gotifys", "pushdeer", "pushdeers"}),
}
_SCHEME = re.compile(r"([a-z]{3,12})://\S{3,}")
LONGEST_ADDRESS = 500

DRILL = ("演练", "DRILL")
# What a message can say, before the link: Chinese, English.
WORDS: dict[str, tuple[str, str]] = {
    "duty": ("有待接单任务", "a task waits for you"),
    "role": ("有待接单任务", "a task waits for you"),
    "stand_in": ("请代为接单", "please stand in and accept a task"),
    "leader": ("无人接单，请带班领导处理", "nobody accepted; it is with the leader on duty"),
    "superior": ("下级逾时无人接单", "nobody accepted in an organisation below yours"),
    "delegate": ("有任务转给您", "a task was handed to you"),
    "shift_missed": ("值班无人签到", "nobody signed in for a shift"),
    "stand_in_called": ("请到岗代班", "please stand in on a shift"),
    "duty_gap": ("值班表有缺口", "the roster has a gap"),
    "swap": ("有换班申请", "a swap of shifts was asked for"),
    "test": ("测试消息，收到即可", "this is a test; nothing to do"),
}


def to_account(account: str) -> str:
    """A person as recipient of a delivery."""
    return f"{ACCOUNT}{account}"


def to_organisation(organisation: str) -> str:
    """An organisation's own channel as recipient of a delivery."""
    return f"{ORGANISATION}{organisation}"


def compose(kind: str, number: str, link: str, *, count: int, locale: str, is_drill: bool = False) -> str:
    """The text of a message: whether it is a drill, what it is about, the code of the incident (or none), the link."""
    is_english = locale.startswith("en")
    words = WORDS[kind][is_english]
    if count > 1:
        words = f"{words} ({count})" if is_english else f"{words}（{count}项）"
    said = " ".join(part for part in (DRILL[is_english] if is_drill else "", number, words) if part)
    return f"[Tocsin] {said}: {link}" if is_english else f"【警钟】{said}：{link}"


def kind_of(address: str) -> str | None:
    """The kind of channel an address belongs to, None for one we do not send to."""
    found = _SCHEME.fullmatch(address)
    if found is None or len(address) > LONGEST_ADDRESS:
        return None
    return next((kind for kind, schemes in KINDS.items() if found[1] in schemes), None)


@dataclass(frozen=True, slots=True)
class Quiet:
    """When a person is not to be woken, times of day in Shanghai; `urgent_anyway` lets urgent ones through."""

    begins: time
    ends: time
    urgent_anyway: bool = True

    def until(self, at: datetime) -> datetime | None:
        """When the quiet hours that run at an instant end; None outside of them."""
        here = local(at)
        clock = here.time()
        if self.begins <= self.ends:
            runs = self.begins <= clock < self.ends
        else:
            runs = clock >= self.begins or clock < self.ends
        if not runs:
            return None
        day = here.date() + timedelta(days=int(self.begins > self.ends and clock >= self.begins))
        return at_local(day, self.ends)

    def holds(self, at: datetime, *, is_urgent: bool) -> datetime | None:
        """Until when a message has to wait, None if it need not."""
        return None if is_urgent and self.urgent_anyway else self.until(at)
