"""The shape of a random diagram: blocks inside blocks, each with one way in and at most one way out.

Blocks are values, so that shrinking can take parts away and compare what is left.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Shape(StrEnum):
    """What a block is drawn as."""

    TASK = "task"  # `how`: user, manual, receive, send, phone, service, script, sets, asks, reads
    CATCH = "catch"  # `how`: a trigger
    THROW = "throw"  # `how`: none, message, signal
    SEQUENCE = "sequence"  # parts one after the other
    CHOICE = "choice"  # exclusive gateway, branches merge again
    FORK = "fork"  # parallel gateway, branches join again
    SOME = "some"  # inclusive gateway, branches join again
    RACE = "race"  # event-based gateway, one trigger per branch in `triggers`
    LOOP = "loop"  # the part is done `how` times at most
    PAGE = "page"  # a call of a page of the same bundle
    CHILD = "child"  # a call of another procedure
    SUB = "sub"  # an embedded sub-process; further parts are its event sub-processes, one trigger each
    TURNS = "turns"  # a marker `how` on the part, a task, page or sub-process: loop, par, seq
    JUMP = "jump"  # a link thrown and caught
    RAISE = "raise"  # an escalation thrown on the way
    GUARDED = "guarded"  # a host and the handlers of its boundary events; `merge`: interrupting ones go on behind it
    STOP = "stop"  # an end event inside: `how` is none, terminate, error, escalation


@dataclass(frozen=True)
class Block:
    """One block. `triggers` belong to a race and to the boundary events of a guarded block."""

    shape: Shape
    parts: tuple["Block", ...] = ()
    how: str = ""
    triggers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Model:
    """A whole diagram: the main flow and its event sub-processes as (trigger, handler).

    A trigger with the ending `!` interrupts, one without does not.
    """

    main: Block
    events: tuple[tuple[str, Block], ...] = field(default=())


def has_exit(block: Block) -> bool:
    """Whether a token can come out behind a block."""
    if block.shape is Shape.STOP:
        return False
    if block.shape is Shape.SEQUENCE:
        return all(has_exit(part) for part in block.parts)
    if block.shape in {Shape.CHOICE, Shape.RACE}:
        return any(has_exit(part) for part in block.parts)
    if block.shape is Shape.GUARDED:
        return has_exit(block.parts[0])
    return True
