"""What a running migration shows: a bar for who watches it, few lines for all others."""

import os
import shutil
import sys
from typing import Final, Self

from pgledger.migrate import MigrationResult, Progress

from .printing import SHOWN, complain, say

BAR_CELLS: Final = 30
# Clears the line, for terminals: what is written next begins where the bar did.
CLEAR: Final = "\r\x1b[K"


class MigrationProgress:
    """Shows how far a migration is.

    A bar goes to standard error, and only if that is a terminal. So a log gets neither the bar nor
    a line for each file.

    Args:
        verbose: Whether to print each file instead.
    """

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose
        self._has_bar = not verbose and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def show(self, progress: Progress) -> None:
        """Shows one thing that was done, or is waited for."""
        if progress.event == "applied":
            if self._verbose:
                say(f"  {progress.name}  {progress.seconds * 1000:,.0f} ms")
            elif self._has_bar:
                self._draw(progress)
            return
        self.clear()
        if progress.event == "waiting":
            say(f"  waiting: {progress.name}")
        elif progress.event == "note":
            say(f"  note: {progress.name}")
        elif progress.event == "warning":
            complain(f"pgledger: warning: {progress.name}")
        # The rest is said when it is committed.

    def _draw(self, progress: Progress) -> None:
        total = max(progress.total, progress.done, 1)
        full = BAR_CELLS * progress.done // total
        bar = "#" * full + "." * (BAR_CELLS - full)
        line = f"  [{bar}] {progress.done}/{total}  {progress.name}"
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"{CLEAR}{line[:width]}")
        sys.stderr.flush()

    def __enter__(self) -> Self:
        """Returns itself; the end of the block takes the bar away."""
        return self

    def __exit__(self, *_: object) -> None:
        """Takes the bar away, so that what is said next has the line."""
        self.clear()

    def clear(self) -> None:
        """Takes the bar away."""
        if self._has_bar:
            sys.stderr.write(CLEAR)
            sys.stderr.flush()


class StepProgress:
    """Shows how far a work of several steps is, in the same way as a migration."""

    def __init__(self) -> None:
        self._has_bar = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def show(self, step: str, done: float) -> None:
        """Shows what is being done, and how much of all is, from 0 to 1."""
        if self._has_bar:
            full = int(BAR_CELLS * done)
            bar = "#" * full + "." * (BAR_CELLS - full)
            line = f"  [{bar}] {done:4.0%}  {step}"
            sys.stderr.write(f"{CLEAR}{line[: shutil.get_terminal_size().columns - 1]}")
            sys.stderr.flush()

    def __enter__(self) -> Self:
        """Returns itself; the end of the block takes the bar away."""
        return self

    def __exit__(self, *_: object) -> None:
        """Takes the bar away, so that what is said next has the line."""
        if self._has_bar:
            sys.stderr.write(CLEAR)
            sys.stderr.flush()


def show_result(result: MigrationResult) -> None:
    """Prints what was committed besides files."""
    for name in result.made:
        say(f"  made: {name}")
    for name in result.recorded:
        say(f"  recorded: {name}, which made the schema")
    for name in result.mended[:SHOWN]:
        say(f"  mended: {name}")
    if len(result.mended) > SHOWN:
        say(f"  mended: {len(result.mended) - SHOWN:,} more of the kind")
    for name in result.forgotten:
        say(f"  forgotten: {name}, which this package no longer has")
    for name in result.linked:
        say(f"  linked: {name} may refer to pgledger.accounts (id)")
