"""What the command line's exit codes mean: the one table of them, which the help and tests read."""

from collections.abc import Mapping
from typing import Final

from pgledger.migrate import StatusState

DONE: Final = 0
FAILED: Final = 1
MISUSED: Final = 2
NOT_INSTALLED: Final = 3
BEHIND: Final = 4
NEWER: Final = 5
WRONG: Final = 6
INTERRUPTED: Final = 130

EXIT_CODES: Final[Mapping[int, str]] = {
    DONE: "done, or nothing to do; status: installed and up to date",
    FAILED: "refused or failed, or verify found violations; the reason is on standard error",
    MISUSED: "the command line was not understood",
    NOT_INSTALLED: "status: not installed",
    BEHIND: "status: behind this package, and migrate would upgrade",
    NEWER: "status: newer, of the next release, with which this package works",
    WRONG: "status: wrong, and migrate would refuse",
    INTERRUPTED: "interrupted; an unfinished migration is rolled back",
    143: "told to end (SIGTERM); an unfinished migration is rolled back",
}

STATUS_CODES: Final[Mapping[StatusState, int]] = {
    "up_to_date": DONE,
    "not_installed": NOT_INSTALLED,
    "behind": BEHIND,
    "newer": NEWER,
    "wrong": WRONG,
}


def described(codes: Mapping[int, str]) -> str:
    """Returns lines for a help text."""
    return "\n".join(f"  {code:<4} {meaning}" for code, meaning in codes.items())
