"""Leaves of the branch Unauthenticated: why somebody is not let in. Import them from `errors`."""
# ruff: noqa: D415 - the messages are Chinese sentences, which end with a Chinese full stop

from dataclasses import dataclass
from typing import ClassVar

from service.domain.error_branches import Unauthenticated


@dataclass(eq=False)
class SecondFactorNeeded(Unauthenticated):
    """这个账号登录时还需要验证码；还没有设置的，请先在网页上登录一次。"""

    code: ClassVar[str] = "second_factor_needed"
    english: ClassVar[str] = (
        "This account needs a code as well when signing in; where none is set up yet, sign in on the web page once."
    )


@dataclass(eq=False)
class CodeRefused(Unauthenticated):
    """验证码不对或已经用过，请输入现在显示的那一个。"""

    code: ClassVar[str] = "code_refused"
    english: ClassVar[str] = "The code is wrong or was used already: enter the one shown now."


@dataclass(eq=False)
class IdentityRefused(Unauthenticated):
    """统一身份登录没有成功，请重试，或用本系统的账号登录。"""

    code: ClassVar[str] = "identity_refused"
    english: ClassVar[str] = "Signing in through the organisation did not work: try again, or use your account here."
