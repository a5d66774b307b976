"""Reads the books in one snapshot, with the rights that reading takes."""

import contextlib
from collections.abc import Generator

from psycopg.errors import InsufficientPrivilege

from pgledger.migrate.files import load_files
from pgledger.migrate.results import MigrationError
from pgledger.migrate.session import (
    READ,
    Connection,
    Cursor,
    check_server,
    execute,
    open_session,
    transaction,
)
from pgledger.migrate.sqltext import identifier
from pgledger.migrate.trust import require_ours


@contextlib.contextmanager
def reading(target: Connection | str) -> Generator[tuple[Cursor, str]]:
    """A read only transaction of one snapshot, in which times are of UTC.

    Args:
        target: Connection string, or an idle connection.

    Yields:
        A cursor, and the schema of the public functions and views.

    Raises:
        MigrationError: pgledger is not installed, something in it is somebody else's, or the role
            may not read it.
    """
    with open_session(target) as cursor:
        check_server(cursor.connection.info.server_version)
        with transaction(cursor, READ):
            # Texts of times, and what is compared with them.
            execute(cursor, "set local timezone to 'UTC'")
            surface = _prepare(cursor)
            try:
                yield cursor, surface
            except InsufficientPrivilege as error:
                user = cursor.connection.info.user
                raise MigrationError(
                    f"the role {user} may not read the books: {error.diag.message_primary}",
                    f"Have an administrator run: grant pgledger_reader to {identifier(user)}",
                ) from None


def _prepare(cursor: Cursor) -> str:
    owner, surface = require_ours(cursor, load_files())
    if owner.may_act:
        execute(cursor, f"set local role {identifier(owner.name)}")
    return surface
