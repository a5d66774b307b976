"""The roles that own pgledger and use it: the rule is in sql/install/requirements.sql."""

import contextlib
from dataclasses import dataclass
from typing import Final, Literal

from .install import Expression, install_sql
from .results import MigrationError
from .session import Cursor, execute, fetch
from .surface import DEFAULT_SCHEMA, check_schema_name

OWNER: Final = "pgledger_owner"
AUDITOR: Final = "pgledger_auditor"
# Owns the views that tenants read with roles of their own. Row-security policies bind this role.
TENANT_VIEWS: Final = "pgledger_tenant_views"

# The role that runs a migration or the script, which makes it a member of the owner.
MIGRATOR: Final = Expression("current_user")


def roles_sql(schema: str = DEFAULT_SCHEMA, migrator: str | None = None) -> str:
    """Returns the SQL that prepares a database for pgledger, for an administrator to run.

    It makes the roles that are missing and lets pgledger_owner create its objects. Running it
    again changes nothing. Before a dump is restored into another server, run it there.

    Args:
        schema: Schema of the public functions and views. If it is there, pgledger_owner is let
            into it; otherwise the migration makes it.
        migrator: Role that will run ``pgledger migrate``; it is made a member of pgledger_owner.

    Returns:
        A commented SQL script.
    """
    check_schema_name(schema)
    block = install_sql("ensure_requirements.sql", surface=schema, migrator=migrator or None)
    return f"""\
-- Roles of pgledger, and what they need to be given. Run this connected to the database that
-- pgledger is in (or will be in), as a superuser, or as a role with CREATEROLE that owns the
-- database. Running it again changes nothing.
--
-- The roles belong to the whole server. Who may post in one of its databases may post in every
-- other that has them and lets him connect; who was given {OWNER} may rewrite them all. Unless
-- all of these are one circle of trust, close each of them, or install with --no-roles:
--   revoke connect on database NAME from public;
--   grant connect on database NAME to ROLE;
--
-- Who restores a dump without being a superuser, into another schema than public, which the dump
-- makes, runs before it and after it:
--   alter default privileges grant create on schemas to {TENANT_VIEWS};
--   alter default privileges revoke create on schemas from {TENANT_VIEWS};
--   revoke create on schema pgledger from {TENANT_VIEWS};
{block}"""


def backup_sql(role: str) -> str:
    """Returns the SQL that makes a role with which pg_dump saves the whole database.

    Running it again changes nothing.

    Args:
        role: Name of the role; made with LOGIN if it is missing, and otherwise completed.

    Returns:
        A commented SQL script.

    Raises:
        MigrationError: No backup role can have that name.
    """
    if not role or "\0" in role or len(role.encode()) > 63:
        raise MigrationError(
            f"{role!r} is not a name that a role can have", "It has 1 to 63 bytes."
        )
    if role.startswith(("pg_", "pgledger_")) or role in {"public", "none"}:
        raise MigrationError(
            f"the role {role} cannot make backups", "Name one of your own, such as shop_backup."
        )
    return f"""\
-- A role that backs the database up with pg_dump: it reads everything, and changes nothing. Run
-- this as a superuser; from PostgreSQL 16 on, a role with CREATEROLE and BYPASSRLS does as well.
-- Running it again changes nothing. The role counts for all databases of the server. Give it a
-- password with psql's \\password.
{install_sql("ensure_backup_role.sql", role=role)}"""


class TryAgain(Exception):
    """Another database's migration is making the roles; the transaction was rolled back."""


@dataclass(frozen=True, slots=True)
class _Requirement:
    """One row of requirements.sql."""

    kind: Literal["excess", "role", "grant"]
    name: str
    statement: str


def missing_requirements(cursor: Cursor, surface: str) -> list[str]:
    """Returns what roles and grants are missing for the current role to migrate.

    Raises:
        MigrationError: A role has one of our names and rights that ours must not have.
    """
    query = install_sql("requirements.sql", surface=surface, migrator=MIGRATOR)
    missing = [_Requirement(*row) for _, *row in fetch(cursor, query)]
    for requirement in missing:
        if requirement.kind == "excess":
            raise MigrationError(
                requirement.name,
                f"Take that from it ({requirement.statement}), or install with --no-roles.",
            )
    return [requirement.name for requirement in missing]


def ensure_roles(cursor: Cursor, surface: str) -> list[str]:
    """Makes the missing roles and grants, and returns what was missing."""
    from psycopg.errors import InsufficientPrivilege
    from psycopg.pq import TransactionStatus

    missing = missing_requirements(cursor, surface)
    if not missing:
        return []
    left = missing
    with contextlib.suppress(InsufficientPrivilege):
        meet_requirements(cursor, surface)
        # For a role that may not grant, GRANT sometimes only warns; so look again.
        left = missing_requirements(cursor, surface)
    if left:
        if cursor.connection.info.transaction_status == TransactionStatus.INERROR:
            execute(cursor, "rollback")
            # Look again: another database's migration may have made some of it meanwhile.
            left = missing_requirements(cursor, surface)
        user = str(fetch(cursor, "select current_user")[0][0])
        raise MigrationError(
            f"the role {user} may not make what pgledger needs first: {', '.join(left)}",
            "Have an administrator run the statements below in this database (`pgledger roles` "
            "prints them any time), then run this again; or install with --no-roles.",
            statements=roles_sql(surface, user),
        )
    return missing


def meet_requirements(cursor: Cursor, surface: str) -> None:
    """Makes the missing roles and grants, as far as the current role may.

    Raises:
        TryAgain: Another database's migration did the same at the same moment.
    """
    from psycopg import errors as pg_errors

    try:
        execute(
            cursor,
            install_sql("ensure_requirements.sql", surface=surface, migrator=MIGRATOR),
        )
    except (
        pg_errors.LockNotAvailable,
        pg_errors.DeadlockDetected,
        pg_errors.UniqueViolation,
        pg_errors.DuplicateObject,
    ) as error:
        raise TryAgain from error
    except pg_errors.InternalError_ as error:
        # Two sessions granted the same role at once. PostgreSQL has no error code for this.
        if "concurrently" in str(error):
            raise TryAgain from error
        raise
