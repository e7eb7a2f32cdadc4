"""Overrides of policies down the tree of organisations: whoever stands below may only be stricter."""

from collections.abc import Mapping, Sequence

from service.domain.policies import (
    PolicyCatalogue,
    PolicyEntry,
    PolicyError,
    Raw,
    Value,
    is_less,
    parse_value,
    raw_value,
)
from service.domain.policy_words import limit_in_words


def check_override(entry: PolicyEntry, inherited: object, value: object) -> Value:
    """The typed value of an override, if the organisation may set it.

    Args:
        entry: The policy.
        inherited: Raw value the organisation has without the override.
        value: Raw value it wants.

    Raises:
        PolicyError: Not allowed at all, or looser than what is inherited.
    """
    wanted, given = parse_value(entry, value), parse_value(entry, inherited)
    if is_looser(entry, given, wanted):
        zh, en = (limit_in_words(entry, raw_value(given), locale) for locale in ("zh_CN", "en"))
        raise PolicyError(entry.key, f"只能比上级从严，即{zh}", f"it may only be stricter than the superior's, {en}")
    return wanted


def is_looser(entry: PolicyEntry, inherited: Value, value: Value) -> bool:
    """Whether a value is less strict than the inherited one; never for a policy without direction."""
    if entry.stricter == "none":
        return False
    return is_less(inherited, value) if entry.stricter == "lower" else is_less(value, inherited)


def snapshot(
    catalogue: PolicyCatalogue, org_type: str, overrides_down_the_tree: Sequence[Mapping[str, object]]
) -> dict[str, Raw]:
    """The raw values an organisation has: defaults of its type, then each level's overrides.

    Args:
        catalogue: All policies.
        org_type: Type of the organisation itself.
        overrides_down_the_tree: Valid overrides, topmost organisation first, its own last. One that
            has become looser than what stands above it (the superior tightened later) is not used.

    Raises:
        PolicyError: An override of an unknown key or with a value that is not allowed.
    """
    values = {key: parse_value(entry, entry.default_for(org_type)) for key, entry in catalogue.items()}
    for level in overrides_down_the_tree:
        for key, raw in level.items():
            entry = catalogue.entry(key)
            value = parse_value(entry, raw)
            if not is_looser(entry, values[key], value):
                values[key] = value
    return {key: raw_value(value) for key, value in values.items()}
