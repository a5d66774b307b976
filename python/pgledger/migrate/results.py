"""What the migrator says: errors, progress, plans and results."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["versioned", "repeatable"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that stands otherwise than it should.

    Attributes:
        aspect: ``missing``, ``owner``, ``rights``, ``triggers``, ``row security`` or ``settings``.
        text: What is wrong, with the object's name.
        mended_by: Who can put it right: ``migrator``, ``owner``, or ``files`` that are applied
            again; None if nothing of ours can.
    """

    aspect: str
    text: str
    mended_by: str | None


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
            ``recorded`` a file that had made the schema, ``forgotten`` a repeatable file that is
            gone, ``linked`` a role, ``mended`` what stood otherwise than it should, ``warning``,
            ``note``.
        name: File, role or text that it is about.
        seconds: How long it took; 0 for what has no duration.
        done: Files applied so far in this run.
        total: Files that this run applies; 0 as long as that is not known.
    """

    event: Literal[
        "waiting",
        "roles",
        "applied",
        "recorded",
        "forgotten",
        "linked",
        "mended",
        "warning",
        "note",
    ]
    name: str
    seconds: float = 0.0
    done: int = 0
    total: int = 0


ProgressCallback = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class VerifyProgress:
    """How far a verification has come.

    Attributes:
        entries: Entries that were checked so far; a transfer has two.
        entries_in_all: How many there are, by the versions of accounts.
        slices: Slices that were checked so far.
        seconds: Time since the first one began.
    """

    entries: int
    entries_in_all: int
    slices: int
    seconds: float


VerifyCallback = Callable[[VerifyProgress], None]


@dataclass(frozen=True, slots=True)
class MigrationResult:
    """What a migration did.

    Attributes:
        schema: Schema of the public functions and views.
        roles: Whether everything belongs to pgledger_owner, rather than to the migrating role.
        installed: Whether the database had nothing of pgledger before.
        applied: Files that ran, in order.
        recorded: Versioned files that had made the schema, and were missing from its history: it
            came from a dump without data.
        forgotten: Repeatable files that are gone from the package; their rows were removed from the
            history. A versioned file drops what they had created.
        linked: Roles whose tables may now refer to accounts and could not before.
        warnings: Sentences about what deserves attention.
        made: Roles and grants that were missing and were made.
        newer_version: Version of the newer package that the database has, with which this one
            works, so that nothing was done; None otherwise.
        mended: What stood otherwise than it should before, in words: owners, rights, triggers, row
            security, settings.
    """

    schema: str
    roles: bool
    installed: bool
    applied: tuple[str, ...]
    recorded: tuple[str, ...]
    forgotten: tuple[str, ...]
    linked: tuple[str, ...]
    warnings: tuple[str, ...]
    made: tuple[str, ...] = ()
    newer_version: str | None = None
    mended: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the database is different from before."""
        return bool(self.applied or self.forgotten or self.linked or self.mended or self.made)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan.

    Attributes:
        action: ``roles``, ``mend``, ``record``, ``apply``, ``forget`` or ``link``.
        name: File or role that it is about; what stands otherwise than it should.
        reason: Why the step is needed: ``missing`` (of roles and grants), ``new`` or ``changed``
            (of files), ``again`` (a function or view that did not change, because all are applied
            together), ``wrong`` (it stands otherwise than it should), ``history`` (a file that made
            the schema and is not in the history), ``gone`` from the package, ``asked`` for.
        in_transaction: False for a file that runs outside the transaction.
    """

    action: Literal["roles", "mend", "record", "apply", "forget", "link"]
    name: str
    reason: Literal["missing", "new", "changed", "again", "wrong", "history", "gone", "asked"]
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
        state: ``applied``; ``unrecorded`` (versioned, made the schema before a dump left the
            history out); ``pending`` (not applied yet); ``changed`` (repeatable, to be applied
            again); ``edited`` (versioned, not as it was applied); ``missing`` (versioned, applied
            and not in the package); ``newer`` (the same, by a newer package); ``late`` (not
            applied, though a later one is); ``gone`` (repeatable, applied and not in the package);
            ``mislabelled`` (recorded as another kind than it is).
        applied_at: When it was last applied.
        package_version: Version of the package that applied it.
    """

    name: str
    kind: Kind
    state: Literal[
        "applied",
        "unrecorded",
        "pending",
        "changed",
        "edited",
        "missing",
        "newer",
        "late",
        "gone",
        "mislabelled",
    ]
    applied_at: datetime | None
    package_version: str | None


StatusState = Literal["up_to_date", "not_installed", "behind", "newer", "wrong"]


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
        newer_version: Version of the newer package that migrated it, if this one is promised to
            work with that; None otherwise.
        faults: What stands otherwise than it should: owners, rights, triggers, row security,
            settings. ``migrate`` puts it right.
        others_rights: What an administrator gave roles that are not pgledger's, in words; it is
            left as it is.
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
    newer_version: str | None = None
    faults: tuple[Fault, ...] = ()
    others_rights: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def up_to_date(self) -> bool:
        """Whether the database has exactly the files of this package."""
        return self.installed and all(file.state == "applied" for file in self.files)

    @property
    def state(self) -> StatusState:
        """All in a word.

        ``up_to_date``; ``not_installed``; ``behind``: a migration would upgrade; ``newer``: of the
        next release, with which this package works; ``wrong``: a migration would refuse, or
        something stands otherwise than it should (``faults``), which it puts right.
        """
        if not self.installed:
            return "not_installed"
        if self.newer_version is not None:
            return "newer"
        if self.problem is not None or self.faults:
            return "wrong"
        return "up_to_date" if self.up_to_date else "behind"
