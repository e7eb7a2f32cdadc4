"""What a failure of the storage says, in the words of our error tree."""

import errno
import sqlite3

from sqlalchemy.exc import DBAPIError

from service.domain.errors import CommitLost, DiskFull, TocsinError

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
POSTGRES_NO_ROOM = "53100"
PRIMARY = 0xFF  # SQLite: the lowest byte of an extended error code is the code itself


def named(error: BaseException) -> TocsinError | None:
    """The error to tell: the disk is full, or the file cannot be written; None where it is something else."""
    if _has_no_room(error):
        return DiskFull()
    return CommitLost() if _sqlite_code(error) == sqlite3.SQLITE_IOERR else None


def _has_no_room(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in NO_ROOM
    return _sqlite_code(error) == sqlite3.SQLITE_FULL or _sqlstate(error) == POSTGRES_NO_ROOM


def _sqlite_code(error: BaseException) -> int:
    original = error.orig if isinstance(error, DBAPIError) else error
    return getattr(original, "sqlite_errorcode", 0) & PRIMARY


def _sqlstate(error: BaseException) -> str:
    return str(getattr(error.orig, "sqlstate", "")) if isinstance(error, DBAPIError) else ""
