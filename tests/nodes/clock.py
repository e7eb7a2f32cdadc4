"""A clock that several processes share: one sets it, all read it. The instant stands in a file of eight bytes."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from service.domain.clock import SettableClock

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class SharedClock(SettableClock):
    """Reads the file each time it is asked."""

    def __init__(self, path: Path, start: datetime | None = None) -> None:
        """With `start` the file is written, without it is there."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if start is not None:
            self._write(start)
        super().__init__(self.now())

    def now(self) -> datetime:
        """The instant it was last set to, by whichever process."""
        return EPOCH + int.from_bytes(os.pread(self._file, 8, 0), "big") * MICROSECOND

    def set(self, instant: datetime) -> datetime:
        """Move to an instant, for all processes."""
        moved = super().set(instant)
        self._write(moved)
        return moved

    def _write(self, instant: datetime) -> None:
        os.pwrite(self._file, ((instant - EPOCH) // MICROSECOND).to_bytes(8, "big"), 0)
