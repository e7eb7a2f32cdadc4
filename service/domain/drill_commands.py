"""Commands of the control room of a drill; part of `commands`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BranchDrill:
    """Begin another drill with everything as it stood in one after its event `seq`."""

    drill: str
    seq: int


@dataclass(frozen=True, slots=True)
class NoteDrill:
    """Write into the diary of a drill; `is_private`: for its trainers alone."""

    drill: str
    text: str
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class NameObserver:
    """Let an account, by its user name, look at the control room of a drill, or not any more."""

    drill: str
    username: str
    is_observer: bool = True


@dataclass(frozen=True, slots=True)
class OpenDoor:
    """Let people without an account ask to take part in a drill; or no more (`is_open` false)."""

    drill: str
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class DecideGuest:
    """Give somebody who asked a role in a drill; "" refuses him, or sends him out."""

    drill: str
    guest: str
    role: str = ""
