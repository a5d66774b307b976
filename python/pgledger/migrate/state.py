"""What a database has of pgledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import errors as pg_errors

from .files import SqlFile
from .install import install_sql
from .results import MigrationError
from .session import Cursor, execute, fetch
from .sqltext import identifier
from .surface import read_surface
from .trust import check_ours, read_owner


@dataclass(frozen=True, slots=True)
class Applied:
    """A row of the history."""

    name: str
    kind: str
    sha256: str
    applied_at: datetime
    package_version: str


@dataclass(frozen=True, slots=True)
class State:
    """What a database has."""

    database: str
    user: str
    is_superuser: bool
    is_read_only: bool
    is_standby: bool
    # None as long as nothing of pgledger is there.
    owner: str | None
    surface: str | None
    history: Mapping[str, Applied]


def read_state(cursor: Cursor, files: Sequence[SqlFile]) -> State:
    """Reads the state, inside a transaction; its role becomes the owner where that is possible.

    Raises:
        MigrationError: Something of ours is somebody else's, or the role may not read it.
    """
    database, user, is_superuser, is_standby, is_read_only = fetch(
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
        except pg_errors.InsufficientPrivilege:
            raise MigrationError(
                f"the role {user} may not read pgledger's history: it is not a member of "
                f"{owner.name}",
                f"Connect as a role that is, or have an administrator run: "
                f"grant {identifier(owner.name)} to {identifier(str(user))}",
            ) from None
        history = {row[0]: Applied(*row) for row in rows}
        if becomes_owner:
            execute(cursor, f"set local role {identifier(str(user))}")
    return State(
        database=database,
        user=user,
        is_superuser=bool(is_superuser),
        is_read_only=bool(is_read_only),
        is_standby=bool(is_standby),
        owner=owner.name if owner else None,
        surface=surface,
        history=history,
    )
