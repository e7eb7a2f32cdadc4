"""Identity and telephone numbers as they are written in China."""

import re
from datetime import date

# GB 11643-1999: weights of the first 17 digits and the check character for each remainder modulo 11.
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"
_CITIZEN = re.compile(r"[1-9][0-9]{16}[0-9X]")
_PASSPORT = re.compile(r"[A-Z]{1,2}[0-9]{7,8}|[A-Z0-9]{6,9}")
# 11 digits, or a land line with or without area code and extension; as JSON Schema writes patterns.
PHONE_PATTERN = r"^(1[3-9][0-9]{9}|(0[0-9]{2,3}-?)?[2-9][0-9]{6,7}(-[0-9]{1,6})?)$"


def check_character(first_17: str) -> str:
    """The 18th character of a citizen identity number (GB 11643-1999, ISO 7064 MOD 11-2)."""
    return _CHECK_CHARACTERS[sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, first_17, strict=True)) % 11]


def is_citizen_number(text: str) -> bool:
    """Whether a text is an 18-character citizen number with a real birthday and the right check character."""
    if _CITIZEN.fullmatch(text) is None:
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    return text[17] == check_character(text[:17])


def is_identity_number(text: str) -> bool:
    """Whether a text is a citizen number or has the form of a passport number."""
    return is_citizen_number(text) or (len(text) < 15 and _PASSPORT.fullmatch(text) is not None)


def is_phone_number(text: str) -> bool:
    """Whether a text is an 11-digit mobile number or a land line with or without area code."""
    return re.fullmatch(PHONE_PATTERN, text) is not None
