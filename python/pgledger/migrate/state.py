"""What a database has of pgledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from .files import SqlFile
from .install import install_sql
from .results import MigrationError
from .roles import AUDITOR, OWNER
from .session import Cursor, execute, fetch
from .sqltext import identifier
from .surface import read_surface
from .trust import check_ours, read_owner


@dataclass(frozen=True, slots=True)
class Applied:
    """A row of the history; without time and version, a row that the history lacks."""

    name: str
    kind: str
    sha256: str
    applied_at: datetime | None = None
    package_version: str | None = None
    with_roles: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """What a database has."""

    database: str
    user: str
    is_superuser: bool
    is_read_only: bool
    is_standby: bool
    encoding: str
    # None as long as nothing of pgledger is there.
    owner: str | None
    surface: str | None
    history: Mapping[str, Applied]

    @property
    def with_roles(self) -> bool:
        """Whether it was installed with pgledger's own roles, whoever owns it after a restore."""
        return any(row.with_roles for row in self.history.values())


def hint_for_auditor(owner: str, user: str, grants: str) -> str:
    """Says what lets a role look at everything, and change nothing.

    Args:
        owner: Who owns pgledger here. Installed without roles, it has no role for auditors, though
            another database of the server may have brought that role there.
        user: The role that wants to look.
        grants: Statements that give it what it needs, where there is no role for that.
    """
    if owner == OWNER:
        grants = f"grant {AUDITOR} to {identifier(user)}"
    return f"Have an administrator run: {grants}"


def _lost_history(cursor: Cursor) -> dict[str, Applied]:
    """Returns what the history would say of versioned files, after a dump of the schema alone."""
    rows = fetch(cursor, install_sql("read_versioned_files.sql"))
    if not rows:
        raise MigrationError(
            "pgledger.schema_history is empty in this database, and nothing else in the schema "
            "says which files made it",
            "The schema is not whole: drop it and restore it, or use another database.",
        )
    return {
        name: Applied(name, "versioned", sha256, with_roles=with_roles)
        for name, sha256, with_roles in rows
    }


def read_state(cursor: Cursor, files: Sequence[SqlFile], *, to_look: bool = False) -> State:
    """Reads the state, inside a transaction; its role becomes the owner where that is possible.

    Args:
        cursor: Of the connection whose database it is.
        files: Files of this package.
        to_look: Whether nothing is to be changed afterwards, so that fewer rights will do.

    Raises:
        MigrationError: Something of ours is somebody else's, or the role may not read it.
    """
    from psycopg.errors import InsufficientPrivilege

    database, user, is_superuser, is_standby, is_read_only, encoding = fetch(
        cursor, install_sql("read_session.sql")
    )[0]
    owner = read_owner(cursor)
    history: dict[str, Applied] = {}
    surface: str | None = None
    if owner is not None:
        surface = read_surface(cursor)
        check_ours(cursor, surface, files)
        becomes_owner = owner.may_act and not owner.is_current
        if becomes_owner:
            execute(cursor, f"set local role {identifier(owner.name)}")
        try:
            rows = fetch(cursor, install_sql("read_history.sql"))
        except InsufficientPrivilege:
            if to_look:
                whole = f"the role {user} may not read pgledger's history"
                hint = hint_for_auditor(
                    owner.name,
                    str(user),
                    f"grant usage on schema pgledger to {identifier(str(user))}; grant select on "
                    f"pgledger.schema_history to {identifier(str(user))}",
                )
            else:
                whole = (
                    f"the role {user} may not read pgledger's history: it is not a member of "
                    f"{owner.name}"
                )
                hint = (
                    "Connect as a role that is, or have an administrator run: "
                    f"grant {identifier(owner.name)} to {identifier(str(user))}"
                )
            raise MigrationError(whole, hint) from None
        history = {row[0]: Applied(*row) for row in rows} or _lost_history(cursor)
        if becomes_owner:
            execute(cursor, f"set local role {identifier(str(user))}")
    return State(
        database=database,
        user=user,
        is_superuser=bool(is_superuser),
        is_read_only=bool(is_read_only),
        is_standby=bool(is_standby),
        encoding=bytes(encoding).decode(),
        owner=owner.name if owner else None,
        surface=surface,
        history=history,
    )
