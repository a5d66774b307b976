"""The package's SQL files, in the order in which a new database gets them."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .results import Kind, MigrationError
from .sqltext import CONCURRENTLY, mask, split_statements, without_concurrently, without_roles

SQL_DIR: Final = Path(__file__).parent.parent / "sql"


@dataclass(frozen=True, slots=True)
class SqlFile:
    """An SQL file of the package.

    Attributes:
        name: Path below ``sql/``, with forward slashes.
        kind: ``versioned`` or ``repeatable``.
        text: Its contents.
        sha256: Of its contents, in hexadecimal digits.
        in_transaction: False if its first line says ``-- no transaction``.
    """

    name: str
    kind: Kind
    text: str
    sha256: str
    in_transaction: bool


_VERSIONED_NAME: Final = re.compile(r"migrations/(\d{4})_[a-z][a-z0-9_]*\.sql\Z")
# A capability's folder has a number; folders below it may be named freely.
_FOLDER: Final = re.compile(r"(\d+)_[a-z][a-z0-9_]*\Z")
_NO_TRANSACTION: Final = re.compile(r"--[ \t]*no transaction\b", re.IGNORECASE)


def number_of(name: str) -> int:
    """Returns the number of a versioned file; 0 for others."""
    found = _VERSIONED_NAME.match(name)
    return int(found[1]) if found else 0


def kind_of(name: str) -> Kind:
    """Returns the kind of a file, which its name says."""
    return "versioned" if name.startswith("migrations/") else "repeatable"


def _read_file(root: Path, path: Path, kind: Kind) -> SqlFile:
    name = path.relative_to(root).as_posix()
    # A checkout may have changed the line ends; it is still the same file.
    content = path.read_bytes().replace(b"\r\n", b"\n")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MigrationError(f"{name} is not UTF-8: {error}") from None
    in_transaction = not _NO_TRANSACTION.match(text)
    if not in_transaction:
        if kind == "repeatable":
            raise MigrationError(f"{name}: a repeatable file cannot run outside the transaction")
        for statement in split_statements(text):
            if not CONCURRENTLY.search(mask(statement)):
                raise MigrationError(
                    f"{name}: only statements with CONCURRENTLY may run outside the transaction, "
                    f"not: {' '.join(statement.split())[:80]}"
                )
    return SqlFile(name, kind, text, hashlib.sha256(content).hexdigest(), in_transaction)


def _repeatable_order(path: Path) -> tuple[int, str, bool, str]:
    """Sorts by the number of the folder, and the views last within each folder.

    Some views call functions of their folder, which must exist before them. The order of functions
    does not matter: their bodies are checked when everything exists.

    Args:
        path: The file's path below ``repeatable``.
    """
    folder = _FOLDER.match(path.parts[0]) if len(path.parts) > 1 else None
    if folder is None:
        raise MigrationError(
            f"repeatable/{path.as_posix()} is not in a numbered folder, "
            "like repeatable/10_ledger/post_transfers.sql"
        )
    return int(folder[1]), folder[0], "views" in path.parts[1:-1], path.as_posix()


def _repeatable_files(root: Path) -> list[SqlFile]:
    """Reads the SQL files below ``repeatable``, in their order; other files are ignored."""
    top = root / "repeatable"
    paths = [path for path in top.rglob("*.sql") if not path.name.startswith(".")]
    paths.sort(key=lambda path: _repeatable_order(path.relative_to(top)))
    return [_read_file(root, path, "repeatable") for path in paths]


def load_files(sql_dir: Path | None = None) -> list[SqlFile]:
    """Reads the package's SQL files.

    Args:
        sql_dir: Directory that holds ``migrations`` and ``repeatable``; by default the package's.

    Returns:
        All files in the order in which a new database gets them.

    Raises:
        MigrationError: Files are missing, or are not named or numbered as they must be.
    """
    root = sql_dir if sql_dir is not None else SQL_DIR
    paths = sorted((root / "migrations").glob("*.sql"), key=lambda path: path.name)
    if not paths:
        raise MigrationError(
            f"the package's SQL files are missing: there are none in {root / 'migrations'}",
            "Install pgledger again.",
        )
    versioned = [_read_file(root, path, "versioned") for path in paths]
    seen: dict[int, str] = {}
    for file in versioned:
        if not _VERSIONED_NAME.match(file.name):
            raise MigrationError(f"{file.name} is not named like migrations/0001_verb_object.sql")
        other = seen.setdefault(number_of(file.name), file.name)
        if other != file.name:
            raise MigrationError(f"{other} and {file.name} have the same number")
    return versioned + _repeatable_files(root)


def text_for(file: SqlFile, *, roles: bool, fresh: bool) -> str:
    """Returns the SQL that is run for a file, with or without roles, in a new database or not."""
    text = file.text
    if fresh and not file.in_transaction:
        text = without_concurrently(text)
    return text if roles else without_roles(text)
