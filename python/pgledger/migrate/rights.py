"""Running SQL as pgledger's owner."""

import itertools

import psycopg
from psycopg import errors as pg_errors

from .install import install_sql
from .results import MigrationError
from .session import Cursor, execute, fetch
from .sqltext import identifier


class OwnerRights:
    """Runs statements of one transaction with the rights of pgledger's owner.

    A superuser runs them in a function that belongs to the owner, so that nothing they set off can
    take the superuser's rights; any other role becomes the owner, if it may.
    """

    def __init__(self, cursor: Cursor, owner: str, user: str) -> None:
        self.cursor = cursor
        self.owner = owner
        self.user = user
        # Of the current role and the owner, in this order.
        superusers = fetch(
            cursor,
            "select pg_roles.rolsuper from pg_catalog.pg_roles"
            " where pg_roles.rolname in (%(owner)s::pg_catalog.name, %(user)s::pg_catalog.name)"
            " order by pg_roles.rolname = %(owner)s::pg_catalog.name",
            {"owner": owner, "user": user},
        )
        self.in_sandbox = [row[0] for row in superusers] == [True, False]
        # Each sandbox has a name of its own. Rows of catalogs that this transaction has deleted are
        # still in the indexes, and would all be looked at by whoever looks for that name.
        self._names = (f"run_as_owner_{number}" for number in itertools.count(1))

    def take(self) -> None:
        """Becomes the owner, unless each statement is going to be run as the owner by itself."""
        if self.owner == self.user or self.in_sandbox:
            return
        try:
            execute(self.cursor, f"set local role {identifier(self.owner)}")
        except pg_errors.InsufficientPrivilege:
            raise MigrationError(
                f"pgledger belongs to {self.owner} here, and {self.user} is not a member of that "
                "role",
                "Connect as a role that is, or have an administrator run: "
                f"grant {identifier(self.owner)} to {identifier(self.user)}",
            ) from None

    def execute(self, text: str) -> None:
        """Runs statements."""
        if not self.in_sandbox:
            execute(self.cursor, text)
            return
        name = next(self._names)
        execute(self.cursor, install_sql("make_sandbox.sql", name=name, owner=self.owner))
        execute(self.cursor, f"select pg_temp.{name}(%s::pg_catalog.text)", (text,))
        execute(self.cursor, f"drop function pg_temp.{name}(pg_catalog.text)")


def position_of(error: psycopg.Error, text: str) -> str | None:
    """Returns where in the statements an error is, counted from 1, if PostgreSQL says so."""
    if error.diag.internal_query == text:
        return error.diag.internal_position
    return error.diag.statement_position


def ends_transaction(error: psycopg.Error) -> bool:
    """Whether statements were refused because they would have ended the transaction."""
    return error.diag.source_function == "exec_stmt_dynexecute" and isinstance(
        error, pg_errors.FeatureNotSupported
    )
