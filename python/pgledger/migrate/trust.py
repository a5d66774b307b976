"""Whether what stands in a database where pgledger should stand is pgledger's.

Nothing of ours is called, read or written before this was asked, because whoever runs a command may
be more powerful than whoever put it there. The rules are in sql/install/read_owner.sql and
sql/install/read_foreign.sql.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .files import SqlFile
from .install import install_sql
from .results import MigrationError
from .session import Cursor, fetch
from .sqltext import identifier
from .surface import public_names, read_surface


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns pgledger's schema, and whether the current role may act as the owner."""

    name: str
    # There may be a schema of that name that pgledger did not make.
    has_history: bool
    may_act: bool
    is_current: bool
    is_believed: bool


def read_owner(cursor: Cursor) -> Owner | None:
    """Returns the owner; None as long as nothing of pgledger is there.

    Raises:
        MigrationError: Somebody has a schema of that name who is not to be believed.
    """
    rows = fetch(cursor, install_sql("read_owner.sql"))
    if not rows:
        return None
    owner = Owner(*rows[0])
    name = identifier(owner.name)
    if not owner.has_history:
        raise MigrationError(
            f"the database has a schema named pgledger that pgledger did not make: it belongs to "
            f"{name}, and there is no table pgledger.schema_history in it",
            "Rename or drop that schema, or use another database.",
        )
    if not owner.is_believed:
        raise MigrationError(
            f"the schema pgledger in this database belongs to {name}, which is neither the "
            "database's owner nor a superuser: nothing in it was read or called",
            f"If {name} installed pgledger here with --no-roles, connect as {name}, or make it "
            "the owner of the database. If not, find out who made the schema, and drop it.",
        )
    return owner


def check_ours(cursor: Cursor, surface: str | None, files: Iterable[SqlFile]) -> None:
    """Refuses a database in which something of ours is somebody else's.

    Raises:
        MigrationError: It names what, and whose it is.
    """
    query = install_sql("read_foreign.sql", surface=surface, names=public_names(files))
    found = [f"the {what} {why}" for what, why in fetch(cursor, query)]
    if found:
        raise MigrationError(
            f"not everything that is named like pgledger's is pgledger's: {'; '.join(found[:5])}"
            + ("; …" if len(found) > 5 else ""),
            "Find out who made it. Drop it, rename it, or give it back to its owner; before that, "
            "call no function of pgledger as a superuser.",
        )


def require_ours(cursor: Cursor, files: Iterable[SqlFile]) -> tuple[Owner, str]:
    """Returns the owner, and the schema of the public functions and views.

    Raises:
        MigrationError: pgledger is not installed, or something in it is somebody else's.
    """
    owner = read_owner(cursor)
    surface = read_surface(cursor)
    if owner is None or surface is None:
        raise MigrationError(
            f"pgledger is not installed in the database {cursor.connection.info.dbname}",
            "Install it with: pgledger migrate",
        )
    check_ours(cursor, surface, files)
    return owner, surface
