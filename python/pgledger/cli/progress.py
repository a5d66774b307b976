"""What a running command shows: a bar for who watches it, few lines for all others."""

import os
import shutil
import sys
from typing import Final, Self

from pgledger.migrate import MigrationResult, Progress, VerifyProgress

from .printing import SHOWN, complain, say

BAR_CELLS: Final = 30
# Clears the line, for terminals: what is written next begins where the bar did.
CLEAR: Final = "\r\x1b[K"


class Bar:
    """A bar on standard error, if that is a terminal: a log gets none.

    Args:
        wanted: Whether there may be one at all.
    """

    def __init__(self, *, wanted: bool = True) -> None:
        self.is_shown = wanted and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def draw(self, part: float | None, text: str) -> None:
        """Shows how much is done, 0 to 1, and what to say beside it; None if it is not known."""
        if self.is_shown:
            full = int(BAR_CELLS * min(max(part or 0.0, 0.0), 1.0))
            cells = f"[{'#' * full}{'.' * (BAR_CELLS - full)}] " if part is not None else ""
            line = f"  {cells}{text}"
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(f"{CLEAR}{line[:width]}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Takes the bar away, so that what is said next has the line."""
        if self.is_shown:
            sys.stderr.write(CLEAR)
            sys.stderr.flush()

    def __enter__(self) -> Self:
        """Returns itself; the end of the block takes the bar away."""
        return self

    def __exit__(self, *_: object) -> None:
        """Takes the bar away."""
        self.clear()


class MigrationProgress(Bar):
    """Shows how far a migration is.

    Args:
        verbose: Whether to print each file instead of a bar.
    """

    def __init__(self, *, verbose: bool) -> None:
        super().__init__(wanted=not verbose)
        self._verbose = verbose

    def show(self, progress: Progress) -> None:
        """Shows one thing that was done, or is waited for."""
        if progress.event == "applied":
            if self._verbose:
                say(f"  {progress.name}  {progress.seconds * 1000:,.0f} ms")
            total = max(progress.total, progress.done, 1)
            self.draw(progress.done / total, f"{progress.done}/{total}  {progress.name}")
            return
        self.clear()
        if progress.event == "waiting":
            say(f"  waiting: {progress.name}")
        elif progress.event == "note":
            say(f"  note: {progress.name}")
        elif progress.event == "warning":
            complain(f"pgledger: warning: {progress.name}")
        # The rest is said when it is committed.


class VerificationProgress(Bar):
    """Shows how far a verification is, and how fast it goes."""

    def __init__(self) -> None:
        super().__init__()
        self.last: VerifyProgress | None = None

    def show(self, progress: VerifyProgress) -> None:
        """Shows that another slice is done."""
        self.last = progress
        part = progress.entries / progress.entries_in_all if progress.entries_in_all else 1.0
        self.draw(part, f"{min(part, 1.0):4.0%}  {self.rate()}")

    def rate(self) -> str:
        """Says how many transfers were verified in a second, so far."""
        if self.last is None:
            return ""
        transfers = self.last.entries // 2
        return f"{transfers / max(self.last.seconds, 0.001):,.0f} transfers a second"


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
