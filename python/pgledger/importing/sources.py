"""Where history comes from: tables of the earlier project, or CSV files."""

import csv
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pgledger.migrate import MigrationError

KINDS: Final = ("accounts", "transfers", "entries")

# What a file may say of each kind, and which of it it has to.
COLUMNS: Final = {
    "accounts": (
        ("id", "name", "currency", "created_at"),
        (
            *("balance", "version", "allow_negative_balance", "allow_positive_balance"),
            *("min_balance", "max_balance", "tenant_id", "metadata"),
        ),
    ),
    "transfers": (
        ("id", "from_account_id", "to_account_id", "amount", "created_at"),
        ("event_at", "group_id", "metadata"),
    ),
    "entries": (
        ("id", "account_id", "transfer_id", "amount", "account_version"),
        ("account_previous_balance", "account_current_balance"),
    ),
}

# What the earlier project's tables have, and of which types.
EARLIER_COLUMNS: Final = {
    "accounts": {
        "id": "text",
        "name": "text",
        "currency": "text",
        "balance": "numeric",
        "version": "bigint",
        "allow_negative_balance": "boolean",
        "allow_positive_balance": "boolean",
        "metadata": "jsonb",
        "created_at": "timestamp with time zone",
    },
    "transfers": {
        "id": "text",
        "from_account_id": "text",
        "to_account_id": "text",
        "amount": "numeric",
        "created_at": "timestamp with time zone",
        "event_at": "timestamp with time zone",
        "metadata": "jsonb",
    },
    "entries": {
        "id": "text",
        "account_id": "text",
        "transfer_id": "text",
        "amount": "numeric",
        "account_previous_balance": "numeric",
        "account_current_balance": "numeric",
        "account_version": "bigint",
        "created_at": "timestamp with time zone",
    },
}

_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class EarlierSchema:
    """The earlier project's tables, in the schema of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class CsvFiles:
    """CSV files as ``copy … (format csv, header)`` writes them: a first line with names."""

    accounts: Path
    transfers: Path
    entries: Path | None = None

    @property
    def by_kind(self) -> list[tuple[str, Path]]:
        """The files that there are, each with what its rows are."""
        paths = zip(KINDS, (self.accounts, self.transfers, self.entries), strict=True)
        return [(kind, path) for kind, path in paths if path is not None]


def columns_of(kind: str, path: Path) -> tuple[str, ...]:
    """Reads the names of a file's columns.

    Raises:
        MigrationError: The file cannot be read, or the names are not those that it must have.
    """
    try:
        with path.open("rb") as file:
            line = file.readline(_CHUNK_BYTES)
        header = line.decode("utf-8-sig")
    except OSError as error:
        raise MigrationError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise MigrationError(f"{path} is not UTF-8: {error}") from None
    names = tuple(name.strip() for row in csv.reader([header]) for name in row)
    required, optional = COLUMNS[kind]
    known = (
        f"Its first line names its columns: {', '.join(required)}, which it must have, and any of "
        f"{', '.join(optional)}."
    )
    strange = [name for name in names if name not in {*required, *optional}]
    if strange:
        raise MigrationError(f"{path} has a column that is not known: {strange[0][:63]!r}", known)
    if missing := [name for name in required if name not in names]:
        raise MigrationError(f"{path} has no column {missing[0]}", known)
    if len(set(names)) < len(names):
        raise MigrationError(f"{path} has a column twice: {', '.join(names)}", known)
    return names


def chunks(path: Path) -> Generator[tuple[bytes, float]]:
    """Yields what a file holds, piece by piece, each with how much of it that was in all."""
    total = max(path.stat().st_size, 1)
    done = 0
    with path.open("rb") as file:
        while piece := file.read(_CHUNK_BYTES):
            done += len(piece)
            yield piece, min(done / total, 1.0)
