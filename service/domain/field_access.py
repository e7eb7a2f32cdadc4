"""Whether a value may be shown in full, by the class of its field."""

from service.domain.access import Principal


def may_see_field(principal: Principal, field_class: str, *, has_open_task: bool, is_revealed: bool = False) -> bool:
    """Whether a value of a field class may be shown in full.

    public: everybody; internal: members of any organisation; personal and health: while a task that
    needs them is open; child_critical: the same, and revealed on purpose. Everything else is masked.
    """
    if field_class == "public":
        return True
    if field_class == "internal":
        return bool(principal.memberships)
    if field_class in ("personal", "health"):
        return has_open_task
    return field_class == "child_critical" and has_open_task and is_revealed
