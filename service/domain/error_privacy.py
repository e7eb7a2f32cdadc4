"""What is refused for the sake of persons' data. Import from `errors`, which draws the tree."""
# ruff: noqa: D415 - the messages are Chinese sentences, which end with a Chinese full stop

from dataclasses import dataclass
from typing import ClassVar

from service.domain.error_branches import Conflict, Forbidden


@dataclass(eq=False)
class NoGround(Forbidden):
    """没有需要该人信息的在办任务，不能显示；确有急需请用紧急调阅。"""

    code: ClassVar[str] = "no_ground"
    english: ClassVar[str] = "No open task of yours needs this person; in an emergency open emergency access."


@dataclass(eq=False)
class ApprovalNeeded(Forbidden):
    """一次导出超过{most}人，须经另一名负责人同意。"""

    code: ClassVar[str] = "approval_needed"
    english: ClassVar[str] = "An export of more than {most} persons needs the approval of another person who leads."
    most: int


@dataclass(eq=False)
class MasterKeyWrong(Conflict):
    """主密钥与数据不符：有密钥用它打不开。什么都没有改动，请把原来的主密钥放在新的后面。"""

    code: ClassVar[str] = "master_key_wrong"
    english: ClassVar[str] = (
        "The master key does not fit the data: a key cannot be opened with it. "
        "Nothing was changed; put the former master key behind the new one."
    )
