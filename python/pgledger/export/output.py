"""Where an export goes: to standard output, or into a file that is there whole or not at all."""

import contextlib
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from types import FrameType
from typing import Any


@contextlib.contextmanager
def opened(path: Path | None) -> Generator[Callable[[str], Any]]:
    """Hands out what takes the text.

    A file appears, or is replaced, when the block has ended well and everything is on the disk.
    Until then all is in a file of another name beside it, which an error takes away.
    """
    if path is None:
        # The bytes that other systems are told, whatever the locale is.
        with os.fdopen(
            sys.stdout.fileno(), "w", encoding="utf-8", newline="", closefd=False
        ) as stream:
            yield stream.write
        return
    # A link stays a link: what it leads to is replaced.
    target = Path(os.path.realpath(path))
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:50]}.")
    unfinished = Path(name)
    try:
        with (
            _ending_by_exceptions(),
            os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream,
        ):
            yield stream.write
            stream.flush()
            os.fchmod(descriptor, _mode(target))
            os.fsync(descriptor)
        unfinished.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise


@contextlib.contextmanager
def _ending_by_exceptions() -> Generator[None]:
    """Lets SIGTERM run what tidies up; a program that handles it itself is left to do so."""
    is_ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    )
    if is_ours:
        signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        if is_ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _exit(number: int, frame: FrameType | None) -> None:
    del frame
    raise SystemExit(128 + number)


def _mode(target: Path) -> int:
    with contextlib.suppress(OSError):
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
