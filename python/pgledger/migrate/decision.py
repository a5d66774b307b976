"""Decides what to do to a database, or why to do nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .files import SqlFile, kind_of, number_of
from .results import FileStatus, Kind, MigrationError
from .roles import OWNER
from .sqltext import identifier
from .state import Applied, State
from .surface import DEFAULT_SCHEMA, check_schema_name
from .version import is_newer, package_version, version_key, works_with

Reason = Literal["new", "changed", "again", "wrong"]


@dataclass(frozen=True, slots=True)
class Decision:
    """All that was decided about a database: what to do, where and for whom."""

    surface: str
    roles: bool
    owner: str
    fresh: bool
    files: tuple[SqlFile, ...]
    reasons: Mapping[str, Reason]
    forgotten: tuple[str, ...]
    # Set where the database is newer, and is left as it is.
    newer_version: str | None = None
    # The history says otherwise of whom everything is to belong to.
    changes_owner: bool = False
    # Versioned files that made the schema before a dump of it left the history out.
    unrecorded: tuple[SqlFile, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is no file to apply or to forget."""
        return not self.files and not self.forgotten and not self.changes_owner


def compare(files: Sequence[SqlFile], history: Mapping[str, Applied]) -> list[FileStatus]:
    """Compares the package's files with the history, in order of application."""
    newest_here = max((number_of(file.name) for file in files), default=0)
    newest_there = max((number_of(name) for name in history), default=0)
    found: list[FileStatus] = []

    def add(name: str, kind: Kind, state: Any) -> None:
        row = history.get(name)
        if row is not None and row.kind != kind:
            state = "mislabelled"
        found.append(
            FileStatus(
                name,
                kind,
                state,
                row.applied_at if row else None,
                row.package_version if row else None,
            )
        )

    names = {file.name for file in files}
    for file in files:
        row = history.get(file.name)
        if file.kind == "repeatable":
            if row is None:
                add(file.name, "repeatable", "pending")
            else:
                same = row.sha256 == file.sha256
                add(file.name, "repeatable", "applied" if same else "changed")
        elif row is not None:
            applied = "unrecorded" if row.applied_at is None else "applied"
            add(file.name, "versioned", applied if row.sha256 == file.sha256 else "edited")
        else:
            add(
                file.name, "versioned", "late" if number_of(file.name) < newest_there else "pending"
            )
    for row in history.values():
        if row.name in names:
            continue
        if kind_of(row.name) == "repeatable":
            add(row.name, "repeatable", "gone")
        else:
            add(row.name, "versioned", "newer" if number_of(row.name) > newest_here else "missing")
    # Versioned files go by their number; repeatable ones keep the order of the listing.
    versioned = sorted((f for f in found if f.kind == "versioned"), key=lambda file: file.name)
    return versioned + [file for file in found if file.kind == "repeatable"]


def refusal(files: Sequence[FileStatus]) -> MigrationError | None:
    """Returns why a database in this state is left alone, if it is."""
    mislabelled = [file.name for file in files if file.state == "mislabelled"]
    if not mislabelled:
        return _refusal(files)
    return MigrationError(
        f"recorded as another kind than it is: {', '.join(mislabelled)}",
        "Somebody changed pgledger.schema_history. Put it right: the kind is versioned below "
        "migrations/, and repeatable below repeatable/.",
    )


def _refusal(files: Sequence[FileStatus]) -> MigrationError | None:
    ours = package_version()

    def of(*states: str) -> list[FileStatus]:
        return [file for file in files if file.state in states]

    def names(some: Sequence[FileStatus]) -> str:
        return ", ".join(file.name for file in some)

    def by(file: FileStatus) -> str:
        return f"pgledger {file.package_version or 'of an unknown version'}"

    upgrade = (
        "Upgrade the package (pip install --upgrade pgledger); a database is never taken back."
    )
    if newer := of("newer"):
        return MigrationError(
            f"the database is newer than this package: {by(newer[-1])} "
            f"applied {names(newer)}, and this is pgledger {ours}",
            upgrade,
        )
    if missing := of("missing"):
        return MigrationError(
            f"applied, but missing from this package: {names(missing)} "
            f"(applied by {by(missing[-1])}, this is {ours})",
            "Versioned files are never renamed or removed: install pgledger again, or restore it.",
        )
    if edited := of("edited"):
        return MigrationError(
            f"edited after it was applied: {names(edited)} "
            f"(applied by {by(edited[-1])}, this is {ours})",
            "Versioned files run once and are never edited: restore the file, and put the change "
            "into a new one with the next number.",
        )
    if late := of("late"):
        return MigrationError(
            f"not applied, though a file with a higher number is: {names(late)}",
            "Give the file the next free number.",
        )
    if of("pending", "changed", "gone") and (ahead := _ahead(files)):
        return MigrationError(
            f"the database is newer than this package: pgledger {ahead[-1].package_version} "
            f"applied {names(ahead[-3:])}, and this is pgledger {ours}",
            upgrade,
        )
    return None


def _ahead(files: Sequence[FileStatus]) -> list[FileStatus]:
    """Returns the files that a newer package applied."""
    ours = package_version()
    return [file for file in files if file.package_version and is_newer(file.package_version, ours)]


def newer_version(files: Sequence[FileStatus]) -> str | None:
    """Returns the version of a database that is newer and with which this package works.

    None where the database is not newer, where it is newer by more than is promised, and where
    something else is wrong with it as well.
    """
    states = {file.state for file in files}
    if states & {"missing", "edited", "late"}:
        return None
    if any(file.state == "pending" and file.kind == "versioned" for file in files):
        return None
    unknown = [file for file in files if file.state == "newer"]
    if not unknown and not states & {"pending", "changed", "gone"}:
        return None
    versions = {file.package_version or "" for file in [*unknown, *_ahead(files)]}
    newest = max(versions, key=lambda version: version_key(version) or ((), 0, 0), default=None)
    return newest if newest is not None and works_with(newest, package_version()) else None


def decide(
    state: State,
    files: Sequence[SqlFile],
    schema: str | None,
    *,
    roles: bool,
    accept_newer: bool = False,
) -> Decision:
    """Decides what to do, or raises an error that says why nothing can be done."""
    if schema is not None:
        check_schema_name(schema)
    fresh = state.owner is None
    if fresh and state.encoding != "UTF8":
        raise MigrationError(
            f"the database has the encoding {state.encoding}; pgledger needs UTF8",
            "Make another: create database shop encoding 'UTF8' template template0",
        )
    if not fresh and state.surface is not None and schema not in {None, state.surface}:
        raise MigrationError(
            f"pgledger is installed in the schema {identifier(state.surface)} of this database, "
            f"not in {identifier(schema or '')}",
            "Leave --schema out: it is for new databases.",
        )
    if not fresh and state.owner == OWNER and not roles:
        raise MigrationError(
            f"pgledger was installed with its roles here: {OWNER} owns it",
            "Leave --no-roles out.",
        )
    # Restored without its owners, it gets them back, unless the caller would rather own it.
    with_roles = roles if fresh else state.owner == OWNER or (state.with_roles and roles)
    comparison = compare(files, state.history)
    problem = refusal(comparison)
    newer = newer_version(comparison) if accept_newer else None
    if problem is not None and newer is None:
        raise problem
    owner = OWNER if with_roles else state.owner or state.user
    surface = state.surface or schema or DEFAULT_SCHEMA
    if newer is not None:
        return Decision(surface, with_roles, owner, fresh, (), {}, (), newer_version=newer)
    states = {file.name: file.state for file in comparison}
    pending = [f for f in files if f.kind == "versioned" and states[f.name] == "pending"]
    repeatable = [f for f in files if f.kind == "repeatable"]
    causes = [f for f in repeatable if states[f.name] != "applied"]
    chosen = [*pending, *(repeatable if pending or causes else [])]
    words: dict[str, Reason] = {"pending": "new", "changed": "changed"}
    reasons: dict[str, Reason] = {f.name: words.get(states[f.name], "again") for f in chosen}
    return Decision(
        surface=surface,
        roles=with_roles,
        owner=owner,
        fresh=fresh,
        files=tuple(chosen),
        reasons=reasons,
        forgotten=tuple(file.name for file in comparison if file.state == "gone"),
        changes_owner=not fresh and state.with_roles != with_roles,
        unrecorded=tuple(file for file in files if states[file.name] == "unrecorded"),
    )


def check_writable(state: State) -> None:
    """Refuses a server or a role that cannot write."""
    if state.is_standby:
        raise MigrationError(
            "the server is a standby, which cannot be written to",
            "Connect to the primary; standbys receive its changes.",
        )
    if state.is_read_only:
        raise MigrationError(
            "this role or database is set to read-only transactions "
            "(default_transaction_read_only is on)",
            "Connect as another role, or with PGOPTIONS='-c default_transaction_read_only=off'.",
        )
