"""Field classes and masking: what a value is, and what of it may be seen in a list.

Every field of every form has a class. Personal, health and child-critical values are sealed: they
never stand in clear in an event or in process data. In the catalogue "–" is internal (or public
where the document that carries it is published), P personal, H health; contact data and identity
numbers (C, I) of the sick and of children are child-critical, the class with the strongest mask.
"""

import re
from collections.abc import Callable
from enum import StrEnum


class FieldClass(StrEnum):
    """How much harm a value does in the wrong hands, from none to most."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PERSONAL = "personal"
    HEALTH = "health"
    CHILD_CRITICAL = "child_critical"

    @property
    def is_sealed(self) -> bool:
        """Whether values of this class are stored only under the key of their person."""
        return self in {FieldClass.PERSONAL, FieldClass.HEALTH, FieldClass.CHILD_CRITICAL}


class Mask(StrEnum):
    """How a value is shown where it may not be shown whole."""

    NAME = "name"
    PHONE = "phone"
    ID_NO = "id_no"
    ADDRESS = "address"
    HIDDEN = "hidden"


# The compound surnames in use, two characters each; a list entry shows the whole surname.
_COMPOUND_NAMES = (
    "欧阳太史端木上官司马东方独孤南宫万俟闻人夏侯诸葛尉迟公羊赫连澹台皇甫宗政濮阳公冶太叔申屠"
    "公孙慕容仲孙钟离长孙宇文司徒鲜于司空闾丘子车亓官司寇巫马公西颛孙壤驷公良漆雕乐正宰父谷梁"
    "拓跋夹谷轩辕令狐段干百里呼延东郭南门羊舌微生梁丘左丘东门西门"
)
_COMPOUND_SURNAMES = frozenset(map("".join, zip(_COMPOUND_NAMES[::2], _COMPOUND_NAMES[1::2], strict=True)))
_HIDDEN = "***"


def surname(name: str) -> str:
    """The family name alone: one character, two for compound surnames, an initial for other scripts."""
    name = name.strip()
    if not name:
        return ""
    if name[0].isascii():
        return name.split()[-1][0].upper() + "."
    return name[:2] if len(name) > 2 and name[:2] in _COMPOUND_SURNAMES else name[:1]


def mask_name(name: str) -> str:
    """A name for lists: the surname and two stars whatever the length, so that the length tells nothing."""
    family = surname(name)
    return f"{family}**" if family else ""


def list_name(name: str, org_unit: str, code: str) -> str:
    """What lists show of a person: surname, class or unit, code; absent parts are left out."""
    return " · ".join(part for part in (mask_name(name), org_unit.strip(), code.strip()) if part)


def mask_phone(phone: str) -> str:
    """A mobile number keeps its first three and last four digits, any other number its last two."""
    digits = re.sub(r"\D", "", phone)
    if len(digits) == 11 and digits.startswith("1"):
        return f"{digits[:3]}****{digits[-4:]}"
    return f"****{digits[-2:]}" if len(digits) > 4 else _HIDDEN


def mask_id_no(number: str) -> str:
    """Only the last two characters: region and birthday are in front, and they are what identifies."""
    number = number.strip()
    return "*" * (len(number) - 2) + number[-2:] if len(number) > 4 else _HIDDEN


def mask_address(address: str) -> str:
    """Nothing of an address is shown; that there is one is."""
    return _HIDDEN if address.strip() else ""


_MASKS: dict[Mask, Callable[[str], str]] = {
    Mask.NAME: mask_name,
    Mask.PHONE: mask_phone,
    Mask.ID_NO: mask_id_no,
    Mask.ADDRESS: mask_address,
    Mask.HIDDEN: mask_address,
}


def mask_value(value: object, mask: Mask | None) -> object:
    """A sealed value as a reader without the right to it may see it; empty values stay empty.

    Texts with a mask of their own keep what that mask leaves; every other value becomes stars, and
    so do numbers and yes/no answers, whose mere value would be the secret.
    """
    if value is None or value in ("", [], {}):
        return value
    if isinstance(value, str):
        return _MASKS[mask or Mask.HIDDEN](value)
    return _HIDDEN
