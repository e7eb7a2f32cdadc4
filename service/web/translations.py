"""Texts in the reader's language: the Chinese source text is the key, the catalogue has the English.

The catalogue is read from the .po file itself, so no compile step can be forgotten.
"""

import gettext
from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = ("zh_CN", "en")
FOLDER = Path(__file__).parent / "locale"

NAMES: Mapping[str, str] = {"zh_CN": "中文", "en": "English"}


@cache
def translations(locale: str) -> gettext.NullTranslations:
    """The texts of a locale; Chinese, whose texts are the keys, needs none."""
    path = FOLDER / locale / "LC_MESSAGES" / "tocsin.po"
    if locale not in LOCALES or not path.exists():
        return gettext.NullTranslations()
    compiled = BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, locale=locale))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def chosen_locale(wish: str, accept_language: str, default: str) -> str:
    """The locale to show: what was chosen, else the browser's first language we have, else the default."""
    if wish in LOCALES:
        return wish
    for part in accept_language.split(","):
        language = part.split(";")[0].strip().lower()
        if language.startswith("en"):
            return "en"
        if language.startswith("zh"):
            return "zh_CN"
    return default if default in LOCALES else "zh_CN"


def html_lang(locale: str) -> str:
    """The `lang` attribute of a locale."""
    return "en" if locale.startswith("en") else "zh-CN"
