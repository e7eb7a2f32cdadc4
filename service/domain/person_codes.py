"""Codes of persons as people say them: stored in Chinese, 病例1; in English case 1."""

KINDS = {"病例": "case", "密接": "contact", "在场": "on site"}


def said_code(code: str, locale: str) -> str:
    """The code in a locale; one that is not ours stands as it is."""
    kind = code.rstrip("0123456789")
    is_ours = locale.startswith("en") and kind in KINDS
    return f"{KINDS[kind]} {code.removeprefix(kind)}" if is_ours else code
