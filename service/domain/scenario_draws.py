"""What a trainer varies by seed: numbers and choices of a scenario that are drawn when a drill begins.

`varies` names them, each with `between: [least, most]` or `one_of: [...]`. In the document `{draw: name}` stands for
the value, `{first: name, of: [...]}` for that many items of a list, and `{{name}}` in a text for the value in words.
"""

import random
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from service.domain.errors import ScenarioFault, ScenarioRefused

MOST = 1000
_IN_TEXT = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def drawn(document: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """The document with everything drawn: the same seed gives the same. Raises ScenarioRefused."""
    return _with(document, {name: _choose(options, name, seed) for name, options in _choices(document).items()})


def variants(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Documents in which every choice of every name is drawn at least once. Raises ScenarioRefused."""
    choices = _choices(document)
    for number in range(max((len(options) for options in choices.values()), default=1)):
        yield _with(document, {name: options[number % len(options)] for name, options in choices.items()})


def _choices(document: Mapping[str, Any]) -> dict[str, list[Any]]:
    faults = []
    found: dict[str, list[Any]] = {}
    varies = document.get("varies") or {}
    for name, said in varies.items() if isinstance(varies, Mapping) else ():
        options = _options(said)
        if options:
            found[str(name)] = options
        else:
            zh, en = "须为 between: [小, 大] 或 one_of: [...]", "must be between: [least, most] or one_of: [...]"
            faults.append(ScenarioFault(f"varies.{name}", zh, en))
    if faults:
        raise ScenarioRefused(tuple(faults))
    return found


def _options(said: Any) -> list[Any]:
    if not isinstance(said, Mapping) or len(said) != 1:
        return []
    if "is" in said:
        return [said["is"]]
    between, one_of = said.get("between"), said.get("one_of")
    if isinstance(between, list) and len(between) == 2 and all(type(each) is int for each in between):
        least, most = between
        return list(range(least, most + 1)) if 0 <= most - least <= MOST else []
    return list(one_of) if isinstance(one_of, list) else []


def _choose(options: list[Any], name: str, seed: int) -> Any:
    chance = random.Random(zlib.crc32(f"{seed}:varies:{name}".encode()))  # noqa: S311 - not for secrets
    return options[chance.randrange(len(options))]


def _with(document: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    faults: list[ScenarioFault] = []
    made = {key: value if key == "varies" else _replaced(value, values, key, faults) for key, value in document.items()}
    if faults:
        raise ScenarioRefused(tuple(faults))
    if values:
        made["varies"] = {name: {"is": value} for name, value in values.items()}
    return made


def _replaced(value: Any, values: Mapping[str, Any], path: str, faults: list[ScenarioFault]) -> Any:
    if isinstance(value, str):
        return _IN_TEXT.sub(lambda found: str(_named(found[1], values, path, faults)), value)
    if isinstance(value, list):
        return [_replaced(each, values, f"{path}.{number}", faults) for number, each in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    if set(value) == {"draw"}:
        return _named(str(value["draw"]), values, path, faults)
    if set(value) == {"first", "of"} and isinstance(value["of"], list):
        count = _named(str(value["first"]), values, path, faults)
        return _replaced(value["of"][: count if isinstance(count, int) else 0], values, f"{path}.of", faults)
    return {key: _replaced(each, values, f"{path}.{key}", faults) for key, each in value.items()}


def _named(name: str, values: Mapping[str, Any], path: str, faults: list[ScenarioFault]) -> Any:
    if name not in values:
        near = (name, sorted(values))
        faults.append(ScenarioFault.near(path, f"varies 中没有 {name}", f"varies has no {name}", near))
    return values.get(name)
