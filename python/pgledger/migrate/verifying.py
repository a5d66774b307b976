"""Calling the function that verifies the books, once it is known to be ours."""

from collections.abc import Sequence

from .files import SqlFile
from .install import install_sql
from .results import MigrationError
from .session import Cursor, execute, fetch
from .sqltext import identifier
from .state import hint_for_auditor
from .surface import read_surface
from .trust import check_ours, read_owner


def prepare_verifying(cursor: Cursor, files: Sequence[SqlFile]) -> str:
    """Makes sure that the function may be called, with its owner's rights if that is possible.

    Args:
        cursor: Inside a transaction; its role becomes the owner where it can.
        files: Files of this package.

    Returns:
        The FROM clause that calls the function.

    Raises:
        MigrationError: It may not, for one reason or another.
    """
    owner = read_owner(cursor)
    surface = read_surface(cursor)
    if owner is None or surface is None:
        raise MigrationError(
            f"pgledger is not installed in the database {cursor.connection.info.dbname}",
            "Install it with: pgledger migrate",
        )
    check_ours(cursor, surface, files)
    verifiers = fetch(cursor, install_sql("read_verifier.sql", surface=surface))
    if not verifiers:
        raise MigrationError(
            "the ledger in this database is too old to verify itself",
            "Bring it to this version with: pgledger migrate",
        )
    is_ours, may_verify = verifiers[0]
    if not is_ours:
        raise MigrationError(
            "the function pgledger_verify(text) in this database is not as pgledger makes it: it "
            "would not run with the rights of pgledger's owner",
            "It was not called. Find out who changed it.",
        )
    if owner.may_act:
        execute(cursor, f"set local role {identifier(owner.name)}")
    elif not may_verify:
        user = cursor.connection.info.user
        raise MigrationError(
            f"the role {user} may not verify the books",
            hint_for_auditor(
                owner.name,
                user,
                f"grant usage on schema {identifier(surface)} to {identifier(user)}; grant execute "
                f"on function {identifier(surface)}.pgledger_verify(text) to {identifier(user)}",
            ),
        )
    # With its argument, so that no default is evaluated and no function of other arguments fits.
    return f"from {identifier(surface)}.pgledger_verify(null::pg_catalog.text)"
