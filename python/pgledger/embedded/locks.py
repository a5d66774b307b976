"""Locks of a server's directory: who starts or stops it, and who owns it."""

import contextlib
import fcntl
import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import Final

from .errors import EmbeddedError
from .postmaster import POLL_SECONDS, START_SECONDS

STOP_SECONDS: Final = 60.0
LOCK_SECONDS: Final = START_SECONDS + STOP_SECONDS


def try_lock(descriptor: int) -> bool:
    """Takes the lock on an open file, unless another process has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def open_lock(directory: Path, name: str) -> int:
    """Opens a lock's file; the lock goes when that is closed."""
    path = directory / name
    try:
        # The directory may belong to the server's account, so root must not follow a link in it.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EmbeddedError(f"cannot open {path}: {error.strerror}") from None
    return descriptor


@contextlib.contextmanager
def start_lock(directory: Path) -> Generator[None]:
    """Lets only one process at a time start or stop the server of a directory."""
    descriptor = open_lock(directory, "start.lock")
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while not try_lock(descriptor):
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"another process has been starting or stopping the server in "
                    f"{directory} for {LOCK_SECONDS:.0f} seconds"
                )
            time.sleep(POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)
