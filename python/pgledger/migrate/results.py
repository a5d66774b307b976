"""What the migrator says: errors, progress, plans and results."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["versioned", "repeatable"]


class MigrationError(Exception):
    """The migrator refused or failed; nothing was changed unless the message says so.

    Attributes:
        message: What is wrong.
        hint: What to do about it; may be empty.
        statements: SQL for an administrator to run first; empty if nothing of the kind is missing.
    """

    def __init__(self, message: str, hint: str = "", *, statements: str = "") -> None:
        super().__init__("\n".join(part for part in (message, hint, statements) if part))
        self.message = message
        self.hint = hint
        self.statements = statements


@dataclass(frozen=True, slots=True)
class Progress:
    """One thing that a running migration has done, or waits for.

    Attributes:
        event: ``waiting`` for another migration, ``roles`` made or completed, ``applied`` a file,
            ``forgotten`` a repeatable file that is gone, ``linked`` a role, ``warning``, ``note``.
        name: File, role or text that it is about.
        seconds: How long it took; 0 for what has no duration.
    """

    event: Literal["waiting", "roles", "applied", "forgotten", "linked", "warning", "note"]
    name: str
    seconds: float = 0.0


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class MigrationResult:
    """What a migration did.

    Attributes:
        schema: Schema of the public functions and views.
        roles: Whether everything belongs to pgledger_owner, rather than to the migrating role.
        installed: Whether the database had nothing of pgledger before.
        applied: Files that ran, in order.
        forgotten: Repeatable files that are gone from the package; their rows were removed from the
            history. A versioned file drops what they had created.
        linked: Roles whose tables may now refer to accounts and could not before.
        warnings: Sentences about what deserves attention.
    """

    schema: str
    roles: bool
    installed: bool
    applied: tuple[str, ...]
    forgotten: tuple[str, ...]
    linked: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether the database is different from before."""
        return bool(self.applied or self.forgotten or self.linked)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan.

    Attributes:
        action: ``roles``, ``apply``, ``forget`` or ``link``.
        name: File or role that it is about.
        reason: Why the step is needed.
        in_transaction: False for a file that runs outside the transaction.
    """

    action: Literal["roles", "apply", "forget", "link"]
    name: str
    reason: str
    in_transaction: bool = True


@dataclass(frozen=True, slots=True)
class StoredType:
    """Something of the user's that stores values of a type of pgledger's.

    Attributes:
        column: Schema, table and column; without the column, a table of the type
            (``create table … of``).
        type: Name of the type.
    """

    column: str
    type: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a migration would do now.

    Attributes:
        schema: Schema of the public functions and views.
        roles: Whether everything belongs, or will belong, to pgledger_owner.
        fresh: Whether the database has nothing of pgledger yet.
        steps: The steps in order; empty when there is nothing to do.
        stored_types: What may stop an upgrade that changes a type.
    """

    schema: str
    roles: bool
    fresh: bool
    steps: tuple[Step, ...]
    stored_types: tuple[StoredType, ...] = ()


@dataclass(frozen=True, slots=True)
class FileStatus:
    """One SQL file, as the package and the database have it.

    Attributes:
        name: Path below ``sql/``.
        kind: ``versioned`` or ``repeatable``.
        state: ``applied``; ``pending`` (not applied yet); ``changed`` (repeatable, to be applied
            again); ``edited`` (versioned, not as it was applied); ``missing`` (versioned, applied
            and not in the package); ``newer`` (the same, by a newer package); ``late`` (not
            applied, though a later one is); ``gone`` (repeatable, applied and not in the package).
        applied_at: When it was last applied.
        package_version: Version of the package that applied it.
    """

    name: str
    kind: Kind
    state: Literal["applied", "pending", "changed", "edited", "missing", "newer", "late", "gone"]
    applied_at: datetime | None
    package_version: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """What a database has of pgledger, compared with this package.

    Attributes:
        installed: Whether it has anything.
        database: Name of the database.
        server_version: Version of the server, for example 180006.
        schema: Schema of the public functions and views; None when not installed.
        owner: Role that owns everything; None when not installed.
        package_version: Version of this package.
        files: All files of the package and of the database, in order of application.
        problem: Why a migration would refuse; None if it would not.
        warnings: Sentences about who else gets at the installation, with what to do.
    """

    installed: bool
    database: str
    server_version: int
    schema: str | None
    owner: str | None
    package_version: str
    files: tuple[FileStatus, ...]
    problem: str | None
    warnings: tuple[str, ...] = ()

    @property
    def up_to_date(self) -> bool:
        """Whether the database has exactly the files of this package."""
        return self.installed and all(file.state == "applied" for file in self.files)
