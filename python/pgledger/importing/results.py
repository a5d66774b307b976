"""What an import says: how far it is, what it refuses, what it has brought."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImportFault:
    """Why a row cannot be imported.

    Attributes:
        kind: ``account``, ``transfer`` or ``entry``.
        row_number: Which row it is, counted from 1 without the line of names.
        id: Its id, as given; None if it has none.
        reason: What is wrong with it, in words.
    """

    kind: str
    row_number: int
    id: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import has brought; nothing if it has faults.

    Attributes:
        accounts: How many accounts.
        transfers: How many transfers.
        entry_ids: How many entries had an id, which is another one here.
        lifted_times: How many of the transfers have a later created_at than they had.
        later_limits: How many of the accounts have limits that their history broke.
        faults: Why it was refused; empty if it was not.
    """

    accounts: int = 0
    transfers: int = 0
    entry_ids: int = 0
    lifted_times: int = 0
    later_limits: int = 0
    faults: tuple[ImportFault, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is.

    Attributes:
        step: What it is doing, in words.
        done: How much of all is done, from 0 to 1. Steps have the share that they usually take.
    """

    step: str
    done: float


ProgressCallback = Callable[[ImportProgress], None]
