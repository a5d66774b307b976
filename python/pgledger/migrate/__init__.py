"""Installs and upgrades the schema: the SQL files of this package, applied to a database.

Files below ``sql/migrations`` are versioned: each runs once, in order, and is never edited. Files
below ``sql/repeatable`` hold one function or view each and are all applied again when one of them
changed. ``pgledger.schema_history`` records what a database has.

A run is one transaction. Only a versioned file that starts with ``-- no transaction`` runs outside
of it, for what PostgreSQL refuses inside (``create index concurrently``); such a file must be able
to run again. In a new database even these run inside, without ``concurrently``: nothing is there
that could be disturbed.
"""

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import psycopg
from psycopg import errors as pg_errors
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

if TYPE_CHECKING:
    from ..types import Check

__all__ = [
    "FileStatus",
    "MigrationError",
    "MigrationResult",
    "Plan",
    "Progress",
    "Status",
    "Step",
    "dump",
    "migrate",
    "plan",
    "roles_sql",
    "status",
    "verify",
]

MINIMUM_SERVER: Final = 150000
DEFAULT_SCHEMA: Final = "public"
DEFAULT_LOCK_TIMEOUT: Final = 5.0
DEFAULT_WAIT: Final = 60.0

# Says that linked roles are trusted like the owner, where they can act as it.
TRUST_VARIABLE: Final = "PGLEDGER_TRUST_LINKED"

OWNER: Final = "pgledger_owner"
READER: Final = "pgledger_reader"
# Owns the views that tenants read with roles of their own; row-security policies are for it.
TENANT_VIEWS: Final = "pgledger_tenant_views"

# Who posts or audits may read as well, so functions and views are granted to readers alone.
READERS: Final = ("pgledger_poster", "pgledger_auditor")
# Whose members call and read what is in the schema of the public functions and views.
USERS: Final = ("pgledger_poster", READER, "pgledger_auditor", "pgledger_tenant")
ROLES: Final = (OWNER, TENANT_VIEWS, *USERS)

# Any number does, as long as every migrator of every version uses the same one in a database:
# the first eight bytes of SHA-256 of 'pgledger.migrate', as a signed number.
ADVISORY_LOCK: Final = int.from_bytes(
    hashlib.sha256(b"pgledger.migrate").digest()[:8], "big", signed=True
)
POLL_SECONDS: Final = 0.1

Kind = Literal["versioned", "repeatable"]
Connection = psycopg.Connection[Any]
Cursor = psycopg.Cursor[tuple[Any, ...]]


class MigrationError(Exception):
    """The migrator refuses, or failed; nothing was changed unless the message says so.

    Attributes:
        message: What is wrong.
        hint: What to do about it; may be empty.
        statements: SQL for an administrator to run first; empty unless that is what is missing.
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
            ``forgotten`` a repeatable file that is gone, ``linked`` a role, ``warning``.
        name: File, role or text that it is about.
        seconds: How long it took; 0 where that says nothing.
    """

    event: Literal["waiting", "roles", "applied", "forgotten", "linked", "warning"]
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
            history. What they had created is dropped by a versioned file.
        linked: Roles whose tables may now refer to accounts and could not before.
        warnings: What deserves attention, in sentences.
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
        reason: Why it is to be done.
        in_transaction: False for a file that runs outside the transaction.
    """

    action: Literal["roles", "apply", "forget", "link"]
    name: str
    reason: str
    in_transaction: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """What a migration would do now.

    Attributes:
        schema: Schema of the public functions and views.
        roles: Whether everything belongs, or will belong, to pgledger_owner.
        fresh: Whether the database has nothing of pgledger yet.
        steps: The steps in order; empty when there is nothing to do.
    """

    schema: str
    roles: bool
    fresh: bool
    steps: tuple[Step, ...]


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
        files: All files of either, in order of application.
        problem: Why a migration would refuse; None if it would not.
    """

    installed: bool
    database: str
    server_version: int
    schema: str | None
    owner: str | None
    package_version: str
    files: tuple[FileStatus, ...]
    problem: str | None

    @property
    def up_to_date(self) -> bool:
        """Whether the database has exactly what this package brings."""
        return self.installed and all(file.state == "applied" for file in self.files)


# --- the files ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SqlFile:
    """An SQL file of the package.

    Attributes:
        name: Path below ``sql/``, with forward slashes.
        kind: ``versioned`` or ``repeatable``.
        text: Its contents.
        sha256: Of its contents, in hexadecimal digits.
        in_transaction: False if its first line says ``-- no transaction``.
    """

    name: str
    kind: Kind
    text: str
    sha256: str
    in_transaction: bool


_VERSIONED_NAME: Final = re.compile(r"migrations/(\d{4})_[a-z][a-z0-9_]*\.sql\Z")
_NO_TRANSACTION: Final = re.compile(r"--[ \t]*no transaction\b", re.IGNORECASE)


def _number(name: str) -> int:
    found = _VERSIONED_NAME.match(name)
    return int(found[1]) if found else 0


def _read_file(root: Path, path: Path, kind: Kind) -> SqlFile:
    name = path.relative_to(root).as_posix()
    # A checkout that turned line ends around is still the same file.
    content = path.read_bytes().replace(b"\r\n", b"\n")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MigrationError(f"{name} is not UTF-8: {error}") from None
    in_transaction = not _NO_TRANSACTION.match(text)
    if not in_transaction:
        if kind == "repeatable":
            raise MigrationError(f"{name}: a repeatable file cannot run outside the transaction")
        for statement in split_statements(text):
            if not _CONCURRENTLY.search(_mask(statement)):
                raise MigrationError(
                    f"{name}: only statements with CONCURRENTLY may run outside the transaction, "
                    f"not: {' '.join(statement.split())[:80]}"
                )
    return SqlFile(name, kind, text, hashlib.sha256(content).hexdigest(), in_transaction)


def _repeatable_order(path: Path) -> tuple[str, bool, str]:
    """Sorts by capability, and within one the views last: some of them call its functions."""
    return path.parts[1], "views" in path.parts[2:-1], path.as_posix()


def load_files(sql_dir: Path | None = None) -> list[SqlFile]:
    """Reads the package's SQL files.

    Args:
        sql_dir: Directory that holds ``migrations`` and ``repeatable``; by default the package's.

    Returns:
        All files in the order in which a new database gets them.

    Raises:
        MigrationError: Files are missing, or are not named or numbered as they must be.
    """
    root = sql_dir if sql_dir is not None else Path(__file__).parent.parent / "sql"
    paths = sorted((root / "migrations").glob("*.sql"), key=lambda path: path.name)
    if not paths:
        raise MigrationError(
            f"the package's SQL files are missing: there are none in {root / 'migrations'}",
            "Install pgledger again.",
        )
    versioned = [_read_file(root, path, "versioned") for path in paths]
    seen: dict[int, str] = {}
    for file in versioned:
        if not _VERSIONED_NAME.match(file.name):
            raise MigrationError(f"{file.name} is not named like migrations/0001_verb_object.sql")
        other = seen.setdefault(_number(file.name), file.name)
        if other != file.name:
            raise MigrationError(f"{other} and {file.name} have the same number")
    repeatable = [
        _read_file(root, path, "repeatable")
        for path in sorted(
            (root / "repeatable").rglob("*.sql"),
            key=lambda path: _repeatable_order(path.relative_to(root)),
        )
        if not path.name.startswith(".")
    ]
    return versioned + repeatable


# --- SQL text -------------------------------------------------------------------------------------

_OPAQUE: Final = re.compile(
    r"""
    --[^\n]*
  | /\*
  | (?<![\w$])[eE]'(?:[^'\\]|\\.|'')*'
  | '(?:[^']|'')*'
  | "(?:[^"]|"")*"
  | (?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE: Final = re.compile(r"/\*|\*/")
_CONCURRENTLY: Final = re.compile(r"\bconcurrently\b[ \t]*", re.IGNORECASE)
_OUR_ROLE: Final = r"pgledger_(?:owner|poster|reader|auditor|tenant|tenant_views)\b"
# What is granted to our roles, made for them, or handed over to them.
_GRANT: Final = re.compile(
    rf"""
    ^[ \t]*(?:
      grant\b [^;]*? \bto
      | create\s+policy\b [^;]*? \bto
      | alter\s+view\b [^;]*? \bowner\s+to
    )\s+
    (?P<grantees> {_OUR_ROLE} (?:\s*,\s*{_OUR_ROLE})* )
    (?= \s*(?:with\s+grant\s+option\s*)?; | \s+using\b | \s+with\s+check\b )
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)


def _comment_end(text: str, start: int) -> int:
    """Returns where a block comment ends; in SQL they nest."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(text)


def _mask(text: str) -> str:
    """Returns SQL of the same length with comments, strings and quoted names blanked."""
    parts: list[str] = []
    position = 0
    while found := _OPAQUE.search(text, position):
        end = _comment_end(text, found.start()) if found[0] == "/*" else found.end()
        parts.append(text[position : found.start()])
        parts.append(re.sub(r"[^\n]", " ", text[found.start() : end]))
        position = end
    parts.append(text[position:])
    return "".join(parts)


def split_statements(text: str) -> list[str]:
    """Splits SQL at its semicolons, leaving those in strings, bodies and comments alone.

    Args:
        text: SQL statements, without psql's own commands.

    Returns:
        The statements without their semicolons; comments stay with the statement after them.
    """
    mask = _mask(text)
    statements: list[str] = []
    start = 0
    for end in [found.start() for found in re.finditer(";", mask)] + [len(text)]:
        if mask[start:end].strip():
            statements.append(text[start:end].strip())
        start = end + 1
    return statements


def _replace(text: str, spans: Iterable[tuple[int, int]], new: str) -> str:
    parts: list[str] = []
    position = 0
    for start, end in spans:
        parts += [text[position:start], new]
        position = end
    parts.append(text[position:])
    return "".join(parts)


def without_roles(text: str) -> str:
    """Returns SQL in which what is for pgledger's roles is for the current role instead.

    That is grants, row-security policies and the ownership of views.

    Args:
        text: An SQL file's contents.
    """
    return _replace(
        text, (found.span("grantees") for found in _GRANT.finditer(_mask(text))), "current_user"
    )


def _without_concurrently(text: str) -> str:
    return _replace(text, (found.span() for found in _CONCURRENTLY.finditer(_mask(text))), "")


def _text_for(file: SqlFile, *, roles: bool, fresh: bool) -> str:
    text = file.text
    if fresh and not file.in_transaction:
        text = _without_concurrently(text)
    return text if roles else without_roles(text)


def _literal(value: str) -> str:
    """Quotes a text for SQL, under any setting of standard_conforming_strings."""
    quoted = value.replace("'", "''")
    return f"E'{quoted.replace(chr(92), chr(92) * 2)}'" if "\\" in value else f"'{quoted}'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _search_path(surface: str) -> str:
    """Returns the search path that the files are applied with.

    New objects go into the first schema that it lists. PostgreSQL's own schema is not listed, and
    is searched before all others for it: what somebody planted in the public schema stays unused.
    """
    return f"{_identifier(surface)}, pg_temp"


def _check_schema_name(schema: str) -> None:
    if not schema or "\0" in schema:
        raise MigrationError(f"{schema!r} is not a name that a schema can have")
    if len(schema.encode()) > 63:
        raise MigrationError(f"the schema name {schema!r} is longer than PostgreSQL's 63 bytes")
    if schema in {"pgledger", "information_schema"} or schema.startswith("pg_"):
        raise MigrationError(
            f"the public functions and views cannot be in the schema {schema}",
            "That schema is PostgreSQL's or pgledger's own; name another one.",
        )


# --- roles ----------------------------------------------------------------------------------------

# 16 separated being a member from being allowed to SET ROLE.
_MEMBER: Final = (
    "case when pg_catalog.current_setting('server_version_num')::integer >= 160000 "
    "then 'SET' else 'MEMBER' end"
)


def _roles_block(surface: str, migrator: str) -> str:
    """Returns the DO block that makes roles and grants; both arguments are SQL expressions."""
    names = ", ".join(f"'{role}'" for role in USERS)
    return f"""\
do $roles$
declare
  v_surface constant text := {surface};
  v_migrator constant text := {migrator};
  v_users constant text[] := array[
    {names}];
  v_is_16 constant boolean :=
    pg_catalog.current_setting('server_version_num')::integer >= 160000;
  v_role text;
begin
  foreach v_role in array array['{OWNER}', '{TENANT_VIEWS}'] || v_users loop
    if not exists (select from pg_catalog.pg_roles where rolname = v_role) then
      begin
        execute pg_catalog.format('create role %I nologin', v_role);
      exception
        -- Roles belong to all databases of the server: another one's migration was faster.
        when duplicate_object or unique_violation then null;
      end;
    end if;
  end loop;
  -- The writing functions run with the one's rights, tenants' views read with the other's.
  if exists (
    select
    from pg_catalog.pg_roles
    where rolname = '{OWNER}'
      and (rolsuper or rolcanlogin or rolcreaterole or rolcreatedb or rolreplication
        or rolbypassrls)
  ) then
    raise exception 'the role {OWNER} exists and is more than an owner of tables'
      using hint = 'Take from it: login, superuser, createrole, createdb, replication, bypassrls.';
  end if;
  if exists (
    select
    from pg_catalog.pg_roles
    where rolname = '{TENANT_VIEWS}'
      and (rolsuper or rolcanlogin or rolcreaterole or rolcreatedb or rolreplication
        or rolbypassrls
        or exists (select from pg_catalog.pg_auth_members where member = pg_roles.oid))
  ) then
    raise exception 'the role {TENANT_VIEWS} exists and is more than an owner of views'
      using hint = 'Take from it: login, superuser, createrole, createdb, replication, bypassrls, '
        'and every membership in another role.';
  end if;
  foreach v_role in array array[{_READERS}] loop
    if not pg_catalog.pg_has_role(v_role, '{READER}', 'MEMBER') then
      execute pg_catalog.format('grant {READER} to %I', v_role);
    end if;
  end loop;
  if v_migrator is not null
    and not pg_catalog.pg_has_role(
      v_migrator, '{OWNER}', case when v_is_16 then 'SET' else 'MEMBER' end)
  then
    execute pg_catalog.format('grant {OWNER} to %I', v_migrator)
      || case when v_is_16 then ' with inherit true, set true' else '' end;
  end if;
  -- To hand views over to it, and to replace them afterwards.
  if not pg_catalog.pg_has_role(
      '{OWNER}', '{TENANT_VIEWS}', case when v_is_16 then 'SET' else 'MEMBER' end)
    or not pg_catalog.pg_has_role('{OWNER}', '{TENANT_VIEWS}', 'USAGE')
  then
    execute 'grant {TENANT_VIEWS} to {OWNER}'
      || case when v_is_16 then ' with inherit true, set true' else '' end;
  end if;
  if not pg_catalog.has_database_privilege(
    '{OWNER}', pg_catalog.current_database(), 'create')
  then
    execute pg_catalog.format(
      'grant create on database %I to {OWNER}', pg_catalog.current_database());
  end if;
  -- A schema that is still to be made will be pgledger_owner's own.
  if exists (select from pg_catalog.pg_namespace where nspname = v_surface) then
    if not pg_catalog.has_schema_privilege('{OWNER}', v_surface, 'create')
      or not pg_catalog.has_schema_privilege('{OWNER}', v_surface, 'usage')
    then
      execute pg_catalog.format('grant create, usage on schema %I to {OWNER}', v_surface);
    end if;
    -- A view's new owner must be one who could have made it there.
    if not pg_catalog.has_schema_privilege('{TENANT_VIEWS}', v_surface, 'create') then
      execute pg_catalog.format('grant create on schema %I to {TENANT_VIEWS}', v_surface);
    end if;
    foreach v_role in array v_users loop
      if not pg_catalog.has_schema_privilege(v_role, v_surface, 'usage') then
        execute pg_catalog.format('grant usage on schema %I to %I', v_surface, v_role);
      end if;
    end loop;
  end if;
end
$roles$;
"""


def roles_sql(schema: str = DEFAULT_SCHEMA, migrator: str | None = None) -> str:
    """Returns the SQL that prepares a database for pgledger, for an administrator to run.

    It makes the roles that are missing and lets pgledger_owner create its objects. Running it
    again changes nothing. A server that a dump is restored into needs it first.

    Args:
        schema: Schema of the public functions and views. If it is there, pgledger_owner is let
            into it; otherwise the migration makes it.
        migrator: Role that will run ``pgledger migrate``; it is made a member of pgledger_owner.

    Returns:
        A commented SQL script.
    """
    _check_schema_name(schema)
    block = _roles_block(_literal(schema), _literal(migrator) if migrator else "null")
    return f"""\
-- Roles of pgledger, and what they need to be given. Run this connected to the database that
-- pgledger is in (or will be in), as a superuser, or as a role with CREATEROLE that owns the
-- database. Running it again changes nothing.
--
-- Who restores a dump without being a superuser, into another schema than public, which the dump
-- makes, runs before it and after it:
--   alter default privileges grant create on schemas to {TENANT_VIEWS};
--   alter default privileges revoke create on schemas from {TENANT_VIEWS};
{block}"""


def _create_surface(surface: str, *, roles: bool) -> str:
    """Returns the statements that make the schema of the public functions and views."""
    name = _identifier(surface)
    statements = [f"create schema {name}"]
    if roles:
        statements += [
            f"grant usage on schema {name} to {', '.join(USERS)}",
            f"grant create on schema {name} to {TENANT_VIEWS}",
        ]
    return "; ".join(statements)


_READERS: Final = ", ".join(f"'{role}'" for role in READERS)

_MISSING: Final = f"""\
with role as (
  select rolname from pg_catalog.pg_roles where rolname = any (%(roles)s::name[])
), owner as (
  select rolname from role where rolname = '{OWNER}'
), tenant_views as (
  select rolname from role where rolname = '{TENANT_VIEWS}'
), surface as (
  select oid from pg_catalog.pg_namespace where nspname = %(surface)s
)
select 'the role ' || missing.name
from pg_catalog.unnest(%(roles)s::name[]) as missing (name)
where missing.name not in (select rolname from role)
union all
select 'membership of ' || current_user || ' in {OWNER}'
from owner
where not pg_catalog.pg_has_role(current_user, owner.rolname, {_MEMBER})
union all
select 'membership of ' || role.rolname || ' in {READER}'
from role
where role.rolname in ({_READERS})
  and exists (select from role as reader where reader.rolname = '{READER}')
  and not pg_catalog.pg_has_role(role.rolname, '{READER}', 'MEMBER')
union all
select 'membership of {OWNER} in {TENANT_VIEWS}'
from owner
cross join tenant_views
where not pg_catalog.pg_has_role(owner.rolname, tenant_views.rolname, {_MEMBER})
  or not pg_catalog.pg_has_role(owner.rolname, tenant_views.rolname, 'USAGE')
union all
select 'CREATE on the database for {OWNER}'
from owner
where not pg_catalog.has_database_privilege(
  owner.rolname, pg_catalog.current_database(), 'create')
union all
select 'CREATE and USAGE on the schema ' || pg_catalog.quote_ident(%(surface)s) || ' for {OWNER}'
from owner
cross join surface
where not pg_catalog.has_schema_privilege(owner.rolname, surface.oid, 'create')
  or not pg_catalog.has_schema_privilege(owner.rolname, surface.oid, 'usage')
union all
select 'CREATE on the schema ' || pg_catalog.quote_ident(%(surface)s) || ' for {TENANT_VIEWS}'
from tenant_views
cross join surface
where not pg_catalog.has_schema_privilege(tenant_views.rolname, surface.oid, 'create')
union all
select 'USAGE on the schema ' || pg_catalog.quote_ident(%(surface)s) || ' for ' || role.rolname
from role
cross join surface
where role.rolname not in ('{OWNER}', '{TENANT_VIEWS}')
  and not pg_catalog.has_schema_privilege(role.rolname, surface.oid, 'usage')
"""

# Another database's migration in the same server makes the same roles at the same moment.
_CONCURRENT_ROLES: Final = (
    pg_errors.LockNotAvailable,
    pg_errors.DeadlockDetected,
    pg_errors.UniqueViolation,
    pg_errors.DuplicateObject,
)


class _TryAgain(Exception):
    """Another database's migration is making the roles; the transaction was rolled back."""


def _missing_requirements(cursor: Cursor, surface: str) -> list[str]:
    rows = _rows(cursor, _MISSING, {"roles": list(ROLES), "surface": surface})
    return [str(row[0]) for row in rows]


def _check_owning_roles(cursor: Cursor) -> None:
    """Refuses roles of those names that somebody made for something else.

    The writing functions run with the rights of the one, which must stay small. The other's views
    would show tenants everything if it could pass row-security policies by.
    """
    rows = _rows(
        cursor,
        """
        select
          rolname,
          pg_catalog.concat_ws(', ',
            case when rolsuper then 'SUPERUSER' end,
            case when rolcanlogin then 'LOGIN' end,
            case when rolcreaterole then 'CREATEROLE' end,
            case when rolcreatedb then 'CREATEDB' end,
            case when rolreplication then 'REPLICATION' end,
            case when rolbypassrls then 'BYPASSRLS' end),
          (
            select pg_catalog.string_agg(pg_catalog.pg_get_userbyid(roleid), ', ' order by roleid)
            from pg_catalog.pg_auth_members
            where member = pg_roles.oid and rolname = %(tenant_views)s
          )
        from pg_catalog.pg_roles
        where rolname in (%(owner)s, %(tenant_views)s)
        order by rolname
        """,
        {"owner": OWNER, "tenant_views": TENANT_VIEWS},
    )
    for role, attributes, memberships in rows:
        owned = "tables" if role == OWNER else "views"
        if attributes:
            raise MigrationError(
                f"the role {role} exists and is more than an owner of {owned}: it has {attributes}",
                f"Take that from it (alter role {role} nologin nosuperuser nocreaterole nocreatedb "
                "noreplication nobypassrls), or install with --no-roles.",
            )
        if memberships:
            raise MigrationError(
                f"the role {role} exists and is more than an owner of {owned}: it is a member of "
                f"{memberships}",
                f"Take that from it (revoke {memberships} from {role}), or install with "
                "--no-roles.",
            )


def _ensure_roles(cursor: Cursor, surface: str) -> list[str]:
    """Makes what is missing of roles and grants; returns what that was."""
    _check_owning_roles(cursor)
    missing = _missing_requirements(cursor, surface)
    if missing:
        block = _roles_block(_literal(surface), "current_user")
        left = missing
        with contextlib.suppress(pg_errors.InsufficientPrivilege):
            try:
                _execute(cursor, block)
            except _CONCURRENT_ROLES as error:
                raise _TryAgain from error
            except pg_errors.InternalError_ as error:
                # Two GRANTs of one role; PostgreSQL has no code of its own for it.
                if "concurrently" in str(error):
                    raise _TryAgain from error
                raise
            # A GRANT by somebody who may not grant is sometimes only a warning.
            left = _missing_requirements(cursor, surface)
        if left:
            if cursor.connection.info.transaction_status == TransactionStatus.INERROR:
                _execute(cursor, "rollback")
                # Seen afresh: another database's migration may have made some of it meanwhile.
                left = _missing_requirements(cursor, surface)
            user = str(_rows(cursor, "select current_user")[0][0])
            raise MigrationError(
                f"the role {user} may not make what pgledger needs first: {', '.join(left)}",
                "Have an administrator run the statements below in this database (`pgledger roles` "
                "prints them any time), then run this again; or install with --no-roles.",
                statements=roles_sql(surface, user),
            )
    return missing


# --- talking to the server ------------------------------------------------------------------------


def _execute(
    cursor: Cursor, text: str, parameters: Mapping[str, Any] | Sequence[Any] | None = None
) -> None:
    # Without parameters psycopg uses the simple protocol, which takes several statements; and
    # nothing is prepared, because a pooler may hand the next statement to another session.
    cursor.execute(text.encode(), parameters, prepare=False)


def _rows(
    cursor: Cursor, text: str, parameters: Mapping[str, Any] | Sequence[Any] | None = None
) -> list[tuple[Any, ...]]:
    _execute(cursor, text, parameters)
    return cursor.fetchall()


@contextlib.contextmanager
def _session(target: Connection | str) -> Generator[Cursor]:
    """Opens a connection, or borrows an idle one, and hands out a cursor in autocommit."""
    if isinstance(target, str):
        with psycopg.connect(
            target, autocommit=True, fallback_application_name="pgledger"
        ) as connection:
            yield psycopg.Cursor(connection, row_factory=tuple_row)
        return
    if target.closed:
        raise MigrationError("the connection is closed")
    if target.info.transaction_status != TransactionStatus.IDLE:
        raise MigrationError(
            "the connection is in a transaction",
            "Commit or roll back first: the migrator has a transaction of its own.",
        )
    before = target.autocommit
    target.autocommit = True
    try:
        yield psycopg.Cursor(target, row_factory=tuple_row)
    finally:
        if not target.closed:
            _roll_back(target)
            target.autocommit = before


def _roll_back(connection: Connection) -> None:
    if connection.info.transaction_status in {
        TransactionStatus.INTRANS,
        TransactionStatus.INERROR,
    }:
        connection.execute("rollback", prepare=False)


@contextlib.contextmanager
def _transaction(cursor: Cursor, modes: str) -> Generator[None]:
    """A transaction with modes of our own, whatever the database's or the connection's are."""
    # Our own statements find PostgreSQL's functions and operators, whoever planted others.
    _execute(cursor, f"begin isolation level {modes}; set local search_path to pg_catalog, pg_temp")
    try:
        yield
        _execute(cursor, "commit")
    finally:
        if not cursor.connection.closed:
            _roll_back(cursor.connection)


_READ: Final = "repeatable read read only"
# Each statement has to see what other sessions have committed while we waited for them. Without
# "read write": a database or role that is set to read-only is meant to be.
_WRITE: Final = "read committed"


def _settings(lock_timeout: float, *, server_version: int | None = None) -> list[tuple[str, str]]:
    """Settings that the meaning of the files, or their getting through, depends on."""
    settings = [
        ("client_encoding", "UTF8"),
        ("client_min_messages", "warning"),
        ("standard_conforming_strings", "on"),
        ("check_function_bodies", "off"),
        ("transform_null_equals", "off"),
        ("datestyle", "ISO"),
        ("intervalstyle", "postgres"),
        ("timezone", "UTC"),
        ("default_tablespace", ""),
        ("default_table_access_method", "heap"),
        ("row_security", "on"),
        ("lock_timeout", f"{max(0, round(lock_timeout * 1000))}ms"),
        ("statement_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
    ]
    if server_version is not None and server_version >= 170000:
        settings.append(("transaction_timeout", "0"))
    return settings


def _check_server(version: int) -> None:
    if version < MINIMUM_SERVER:
        raise MigrationError(
            f"the server is PostgreSQL {_version_text(version)}; pgledger needs "
            f"{MINIMUM_SERVER // 10000} or newer",
            "Upgrade the server first.",
        )


def _version_text(version: int) -> str:
    if version >= 100000:
        return f"{version // 10000}.{version % 10000}"
    return f"{version // 10000}.{version // 100 % 100}.{version % 100}"


def _package_version() -> str:
    # At call time: the package imports this module.
    from .. import __version__

    return __version__


# --- the state of a database ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Applied:
    """A row of the history."""

    name: str
    kind: str
    sha256: str
    applied_at: datetime
    package_version: str


@dataclass(frozen=True, slots=True)
class _State:
    """What a database has."""

    database: str
    user: str
    is_superuser: bool
    is_read_only: bool
    is_standby: bool
    # None as long as nothing of pgledger is there.
    owner: str | None
    surface: str | None
    history: Mapping[str, _Applied]


def _read_state(cursor: Cursor) -> _State:
    """Reads the state; inside a transaction, whose role becomes the owner where possible."""
    database, user, is_superuser, is_standby, is_read_only = _rows(
        cursor,
        """
        select
          pg_catalog.current_database(),
          current_user,
          (select rolsuper from pg_catalog.pg_roles where rolname = current_user),
          pg_catalog.pg_is_in_recovery(),
          pg_catalog.current_setting('default_transaction_read_only') = 'on'
        """,
    )[0]
    owner_row = _rows(
        cursor,
        f"""
        select
          pg_catalog.pg_get_userbyid(nspowner),
          exists (
            select
            from pg_catalog.pg_class
            where relnamespace = pg_namespace.oid and relname = 'schema_history'
          ),
          pg_catalog.pg_has_role(current_user, nspowner, {_MEMBER}),
          nspowner = (select oid from pg_catalog.pg_roles where rolname = current_user)
        from pg_catalog.pg_namespace
        where nspname = 'pgledger'
        """,
    )
    owner: str | None = None
    history: dict[str, _Applied] = {}
    surface: str | None = None
    if owner_row:
        owner, has_history, may_act_as_owner, is_owner = owner_row[0]
        if not has_history:
            raise MigrationError(
                "the database has a schema named pgledger that pgledger did not make: "
                "there is no table pgledger.schema_history in it",
                "Rename or drop that schema, or use another database.",
            )
        if may_act_as_owner and not is_owner:
            _execute(cursor, f"set local role {_identifier(str(owner))}")
        try:
            rows = _rows(
                cursor,
                "select name, kind, sha256, applied_at, package_version "
                'from pgledger.schema_history order by name collate "C"',
            )
        except pg_errors.InsufficientPrivilege:
            raise MigrationError(
                f"the role {user} may not read pgledger's history: it is not a member of {owner}",
                f"Connect as a role that is, or have an administrator run: "
                f"grant {_identifier(str(owner))} to {_identifier(str(user))}",
            ) from None
        history = {row[0]: _Applied(*row) for row in rows}
        if may_act_as_owner and not is_owner:
            _execute(cursor, f"set local role {_identifier(str(user))}")
        surface = _read_surface(cursor)
    return _State(
        database=database,
        user=user,
        is_superuser=bool(is_superuser),
        is_read_only=bool(is_read_only),
        is_standby=bool(is_standby),
        owner=owner,
        surface=surface,
        history=history,
    )


def _read_surface(cursor: Cursor) -> str | None:
    rows = _rows(
        cursor,
        """
        select namespace.nspname
        from pg_catalog.pg_class as view
        join pg_catalog.pg_namespace as namespace on namespace.oid = view.relnamespace
        join pg_catalog.pg_namespace as private on private.nspname = 'pgledger'
        join pg_catalog.pg_class as accounts
          on accounts.relnamespace = private.oid and accounts.relname = 'accounts'
        join pg_catalog.pg_rewrite as rule on rule.ev_class = view.oid
        join pg_catalog.pg_depend as dependency
          on dependency.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
          and dependency.objid = rule.oid
          and dependency.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
          and dependency.refobjid = accounts.oid
        where view.relkind = 'v'
          and view.relname = 'pgledger_accounts_v1'
          and view.relowner = private.nspowner
        order by view.oid
        limit 1
        """,
    )
    return str(rows[0][0]) if rows else None


# --- deciding -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Decision:
    """What is to be done to a database, all questions answered."""

    surface: str
    roles: bool
    owner: str
    fresh: bool
    files: tuple[SqlFile, ...]
    reasons: Mapping[str, str]
    forgotten: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not self.files and not self.forgotten


_STAGES: Final = {"dev": 0, "a": 1, "b": 2, "rc": 3, "": 4}


def _version_key(version: str) -> tuple[tuple[int, ...], int, int] | None:
    found = re.match(r"(\d+(?:\.\d+)*)(?:[._-]?(dev|a|b|rc)\.?(\d*))?", version)
    if found is None:
        return None
    release = [int(part) for part in found[1].split(".")]
    while release and release[-1] == 0:
        release.pop()
    return tuple(release), _STAGES[found[2] or ""], int(found[3] or 0)


def _is_newer(version: str, than: str) -> bool:
    one, other = _version_key(version), _version_key(than)
    return one is not None and other is not None and one > other


def _compare(files: Sequence[SqlFile], history: Mapping[str, _Applied]) -> list[FileStatus]:
    """Compares the package's files with the history, in order of application."""
    newest_here = max((_number(file.name) for file in files), default=0)
    newest_there = max((_number(name) for name in history), default=0)
    found: list[FileStatus] = []

    def add(name: str, kind: Kind, state: Any) -> None:
        row = history.get(name)
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
            add(file.name, "versioned", "applied" if row.sha256 == file.sha256 else "edited")
        else:
            add(file.name, "versioned", "late" if _number(file.name) < newest_there else "pending")
    for row in history.values():
        if row.name in names:
            continue
        if row.kind == "repeatable":
            add(row.name, "repeatable", "gone")
        else:
            add(row.name, "versioned", "newer" if _number(row.name) > newest_here else "missing")
    # A stable sort: repeatable files keep the order of the listing.
    return sorted(found, key=lambda file: (file.kind != "versioned", file.name))


def _refusal(files: Sequence[FileStatus]) -> MigrationError | None:
    """Returns why a database in this state is left alone, if it is."""
    ours = _package_version()

    def of(*states: str) -> list[FileStatus]:
        return [file for file in files if file.state in states]

    def names(some: Sequence[FileStatus]) -> str:
        return ", ".join(file.name for file in some)

    upgrade = (
        "Upgrade the package (pip install --upgrade pgledger); a database is never taken back."
    )
    if newer := of("newer"):
        return MigrationError(
            f"the database is newer than this package: pgledger {newer[-1].package_version} "
            f"applied {names(newer)}, and this is pgledger {ours}",
            upgrade,
        )
    if missing := of("missing"):
        return MigrationError(
            f"applied, but missing from this package: {names(missing)} "
            f"(applied by pgledger {missing[-1].package_version}, this is {ours})",
            "Versioned files are never renamed or removed: install pgledger again, or restore it.",
        )
    if edited := of("edited"):
        return MigrationError(
            f"edited after it was applied: {names(edited)} "
            f"(applied by pgledger {edited[-1].package_version}, this is {ours})",
            "Versioned files run once and are never edited: restore the file, and put the change "
            "into a new one with the next number.",
        )
    if late := of("late"):
        return MigrationError(
            f"not applied, though a file with a higher number is: {names(late)}",
            "Give the file the next free number.",
        )
    if of("pending", "changed", "gone"):
        ahead = [
            file
            for file in files
            if file.package_version is not None and _is_newer(file.package_version, ours)
        ]
        if ahead:
            return MigrationError(
                f"the database is newer than this package: pgledger {ahead[-1].package_version} "
                f"applied {names(ahead[-3:])}, and this is pgledger {ours}",
                upgrade,
            )
    return None


def _decide(
    state: _State, files: Sequence[SqlFile], schema: str | None, *, roles: bool
) -> _Decision:
    """Decides what to do, or raises why nothing is done."""
    if schema is not None:
        _check_schema_name(schema)
    fresh = state.owner is None
    if not fresh and state.surface is not None and schema not in {None, state.surface}:
        raise MigrationError(
            f"pgledger is installed in the schema {_identifier(state.surface)} of this database, "
            f"not in {_identifier(schema or '')}",
            "Leave --schema out: it is for new databases.",
        )
    if not fresh and state.owner == OWNER and not roles:
        raise MigrationError(
            f"pgledger was installed with its roles here: {OWNER} owns it",
            "Leave --no-roles out.",
        )
    with_roles = roles if fresh else state.owner == OWNER
    comparison = _compare(files, state.history)
    problem = _refusal(comparison)
    if problem is not None:
        raise problem
    states = {file.name: file.state for file in comparison}
    pending = [f for f in files if f.kind == "versioned" and states[f.name] == "pending"]
    repeatable = [f for f in files if f.kind == "repeatable"]
    causes = [f for f in repeatable if states[f.name] != "applied"]
    chosen = [*pending, *(repeatable if pending or causes else [])]
    reasons = {
        f.name: {"pending": "new", "changed": "changed"}.get(
            states[f.name], "again, because others are applied"
        )
        for f in chosen
    }
    return _Decision(
        surface=state.surface or schema or DEFAULT_SCHEMA,
        roles=with_roles,
        owner=state.owner or (OWNER if with_roles else state.user),
        fresh=fresh,
        files=tuple(chosen),
        reasons=reasons,
        forgotten=tuple(file.name for file in comparison if file.state == "gone"),
    )


def _check_writable(state: _State) -> None:
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


_PUBLIC_NAME: Final = re.compile(
    r"\bcreate\s+(?:or\s+replace\s+)?(?:view|function|type)\s+(ledger_\w+)", re.IGNORECASE
)


def _billing_names(files: Iterable[SqlFile]) -> list[str]:
    """Returns the names of the billing store's functions and views.

    They begin with ledger_, as tables of an application may, so only these very names are ours.
    """
    return sorted({name for file in files for name in _PUBLIC_NAME.findall(_mask(file.text))})


def _check_surface_is_free(cursor: Cursor, surface: str, files: Iterable[SqlFile]) -> None:
    """Refuses to mix with objects that bear our names but are not ours."""
    rows = _rows(
        cursor,
        r"""
        select kind, name
        from (
          select 'table or view' as kind, relname as name, relnamespace as namespace
          from pg_catalog.pg_class
          where relkind in ('r', 'v', 'm', 'p', 'f', 'S')
          union all
          select distinct 'function', proname, pronamespace
          from pg_catalog.pg_proc
        ) as object
        join pg_catalog.pg_namespace on pg_namespace.oid = object.namespace
        where nspname = %s and (name like 'pgledger\_%%' or name = any (%s))
        order by name
        limit 6
        """,
        (surface, _billing_names(files)),
    )
    if rows:
        listed = ", ".join(f"{kind} {name}" for kind, name in rows[:5])
        raise MigrationError(
            f"the schema {_identifier(surface)} has objects of these names already: {listed}"
            + (", …" if len(rows) > 5 else ""),
            "They are not of this pgledger. Name another schema with --schema.",
        )


# --- linking --------------------------------------------------------------------------------------


def _as_names(link: str | Sequence[str] | None) -> tuple[str, ...]:
    if link is None:
        return ()
    return (link,) if isinstance(link, str) else tuple(dict.fromkeys(link))


def _unlinked(cursor: Cursor, roles: Sequence[str]) -> list[str]:
    """Returns those of the roles that have not been granted both privileges themselves."""
    if not roles:
        return []
    known = {
        str(row[0])
        for row in _rows(
            cursor,
            "select rolname from pg_catalog.pg_roles where rolname = any (%s)",
            (list(roles),),
        )
    }
    unknown = [role for role in roles if role not in known]
    if unknown:
        raise MigrationError(
            f"there is no role named {', '.join(unknown)} to link",
            "Create it first: --link names the role that owns your application's tables.",
        )
    linked = {
        str(row[0])
        for row in _rows(
            cursor,
            """
            select rolname
            from pg_catalog.pg_roles
            where rolname = any (%s)
              and exists (
                select
                from pg_catalog.pg_namespace
                cross join pg_catalog.aclexplode(nspacl) as acl
                where nspname = 'pgledger'
                  and acl.grantee = pg_roles.oid
                  and acl.privilege_type = 'USAGE'
              )
              and exists (
                select
                from pg_catalog.pg_attribute
                join pg_catalog.pg_class on pg_class.oid = attrelid
                join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
                cross join pg_catalog.aclexplode(attacl) as acl
                where nspname = 'pgledger'
                  and relname = 'accounts'
                  and attname = 'id'
                  and acl.grantee = pg_roles.oid
                  and acl.privilege_type = 'REFERENCES'
              )
            """,
            (list(roles),),
        )
    }
    left = [role for role in roles if role not in linked]
    if left:
        _check_link(cursor)
    return left


def _check_link(cursor: Cursor) -> None:
    """Refuses a link where it would be worth as much as owning the ledger.

    Foreign keys are checked with the rights of the owner of what they point at. Before 18 the role
    that makes one may give its column a type with a cast of its own, whose function is then run by
    the owner: a role that may refer to accounts can do everything that their owner can.
    """
    version = cursor.connection.info.server_version
    if version >= 180000 or os.environ.get(TRUST_VARIABLE) == "1":
        return
    raise MigrationError(
        f"on PostgreSQL {_version_text(version)} a role that may refer to accounts can act as "
        "their owner: it may give its foreign key a type whose cast the owner then runs",
        "Use PostgreSQL 18, or store account ids without a foreign key. For a role that you trust "
        f"with everything that the ledger's owner may do, set {TRUST_VARIABLE}=1.",
    )


def _link(cursor: Cursor, role: str) -> None:
    name = _identifier(role)
    _execute(cursor, f"grant usage on schema pgledger to {name}")
    _execute(cursor, f"grant references (id) on table pgledger.accounts to {name}")


# --- applying -------------------------------------------------------------------------------------


def _line_of(text: str, position: str | None) -> str:
    if not position:
        return ""
    return f", line {text.count(chr(10), 0, int(position) - 1) + 1}"


def _failure(file: SqlFile, text: str, error: psycopg.Error) -> MigrationError:
    where = f"{file.name}{_line_of(text, error.diag.statement_position)}"
    message = error.diag.message_primary or str(error).strip() or type(error).__name__
    parts = [f"{where}: {message}"]
    if error.diag.message_detail:
        parts.append(error.diag.message_detail)
    hint = error.diag.message_hint or ""
    if isinstance(error, pg_errors.LockNotAvailable):
        hint = (
            "Another session holds a lock on what the file changes. Nothing was changed: run this "
            "again when it is quieter, or with a longer --lock-timeout."
        )
    return MigrationError(". ".join(part.rstrip(".") for part in parts), hint)


def _record(cursor: Cursor, file: SqlFile) -> None:
    _execute(
        cursor,
        """
        insert into pgledger.schema_history (name, kind, sha256, applied_at, package_version)
        values (%s, %s, %s, pg_catalog.now(), %s)
        on conflict (name) do update
        set
          kind = excluded.kind,
          sha256 = excluded.sha256,
          applied_at = excluded.applied_at,
          package_version = excluded.package_version
        """,
        (file.name, file.kind, file.sha256, _package_version()),
    )


def _set_up_transaction(cursor: Cursor, decision: _Decision, lock_timeout: float) -> None:
    version = cursor.connection.info.server_version
    for name, value in _settings(lock_timeout, server_version=version):
        _execute(cursor, "select pg_catalog.set_config(%s, %s, true)", (name, value))
    _execute(
        cursor,
        "select pg_catalog.set_config('search_path', %s, true)",
        (_search_path(decision.surface),),
    )


def _become_owner(cursor: Cursor, decision: _Decision, user: str) -> None:
    if decision.owner == user:
        return
    try:
        _execute(cursor, f"set local role {_identifier(decision.owner)}")
    except pg_errors.InsufficientPrivilege:
        raise MigrationError(
            f"pgledger belongs to {decision.owner} here, and {user} is not a member of that role",
            "Connect as a role that is, or have an administrator run: "
            f"grant {_identifier(decision.owner)} to {_identifier(user)}",
        ) from None


class _Run:
    """One call of migrate: what it was asked, and what it has done so far."""

    def __init__(
        self,
        cursor: Cursor,
        files: Sequence[SqlFile],
        *,
        schema: str | None,
        roles: bool,
        link: tuple[str, ...],
        lock_timeout: float,
        wait: float,
        on_progress: ProgressCallback | None,
    ) -> None:
        self.cursor = cursor
        self.files = files
        self.schema = schema
        self.roles = roles
        self.link = link
        self.lock_timeout = lock_timeout
        self.deadline = time.monotonic() + wait
        self.wait = wait
        self.on_progress = on_progress
        self.applied: list[str] = []
        self.forgotten: list[str] = []
        self.linked: list[str] = []
        self.warnings: list[str] = []
        # Files that ran outside a transaction and are recorded by the next one: the last of these
        # also applies the repeatable files, so a run that dies in between starts over there.
        self.unrecorded: list[SqlFile] = []
        self.has_session_lock = False
        self.is_waiting = False

    def tell(self, event: Any, name: str, seconds: float = 0.0) -> None:
        if self.on_progress is not None:
            self.on_progress(Progress(event, name, seconds))

    def warn(self, text: str) -> None:
        self.warnings.append(text)
        self.tell("warning", text)

    def result(self, decision: _Decision, *, fresh: bool) -> MigrationResult:
        return MigrationResult(
            schema=decision.surface,
            roles=decision.roles,
            installed=fresh,
            applied=tuple(self.applied),
            forgotten=tuple(self.forgotten),
            linked=tuple(self.linked),
            warnings=tuple(self.warnings),
        )

    def read(self) -> tuple[_State, _Decision]:
        state = _read_state(self.cursor)
        return state, _decide(state, self.files, self.schema, roles=self.roles)

    def run(self) -> MigrationResult:
        with _transaction(self.cursor, _READ):
            state, decision = self.read()
            unlinked = self._unlinked(decision)
        if decision.is_empty and not unlinked:
            return self.result(decision, fresh=False)
        _check_writable(state)
        fresh = decision.fresh
        try:
            while not self._run_part():
                pass
        finally:
            self._release_session_lock()
        return self.result(decision, fresh=fresh and bool(self.applied))

    def _unlinked(self, decision: _Decision) -> list[str]:
        roles = _unlinked(self.cursor, self.link)
        # Before the tables exist everything is still to be granted.
        return list(self.link) if decision.fresh else roles

    def _pause(self, reason: str) -> None:
        if time.monotonic() >= self.deadline:
            raise MigrationError(
                f"{reason}, and did not finish within {self.wait:g} seconds",
                "Nothing was changed. Run this again, or wait longer with --wait.",
            )
        if not self.is_waiting:
            self.is_waiting = True
            self.tell("waiting", reason)
        time.sleep(POLL_SECONDS)

    def _run_part(self) -> bool:
        """Runs up to the next file outside the transaction, or to the end; False to go on."""
        outside: SqlFile | None = None
        try:
            with _transaction(self.cursor, _WRITE):
                # Polling rather than waiting: a session that waits for a lock holds a snapshot,
                # and CREATE INDEX CONCURRENTLY waits for all of these.
                locked = _rows(
                    self.cursor, "select pg_catalog.pg_try_advisory_xact_lock(%s)", (ADVISORY_LOCK,)
                )[0][0]
                if locked:
                    outside = self._run_transaction()
        except _TryAgain:
            self._pause("another database's migration is making the same roles")
            return False
        if not locked:
            self._pause("another migration of this database is running")
            return False
        if outside is None:
            return True
        self._run_outside(outside)
        return False

    def _run_transaction(self) -> SqlFile | None:
        """Runs the next transaction, and returns the file that has to run after it, outside."""
        cursor = self.cursor
        state, decision = self.read()
        unlinked = self._unlinked(decision)
        if decision.is_empty and not unlinked and not self.unrecorded:
            return None
        done = {file.name for file in self.unrecorded}
        files = [file for file in decision.files if file.name not in done]
        outside: SqlFile | None = None
        if not decision.fresh:
            for position, file in enumerate(files):
                if not file.in_transaction:
                    outside, files = file, files[:position]
                    break
        _set_up_transaction(cursor, decision, self.lock_timeout)
        if decision.roles and decision.files:
            missing = _ensure_roles(cursor, decision.surface)
            if missing:
                self.tell("roles", ", ".join(missing))
        _become_owner(cursor, decision, state.user)
        if decision.fresh:
            self._prepare_new(state, decision)
        for file in self.unrecorded:
            _record(cursor, file)
        for file in files:
            self._apply(file, _text_for(file, roles=decision.roles, fresh=decision.fresh))
            _record(cursor, file)
        if outside is not None:
            # The lock has to outlast this transaction.
            self._take_session_lock()
            self.unrecorded = []
            return outside
        for name in decision.forgotten:
            _execute(cursor, "delete from pgledger.schema_history where name = %s", (name,))
            self.forgotten.append(name)
            self.tell("forgotten", name)
        for role in unlinked:
            _link(cursor, role)
            self.linked.append(role)
            self.tell("linked", role)
        self.unrecorded = []
        return None

    def _prepare_new(self, state: _State, decision: _Decision) -> None:
        _check_surface_is_free(self.cursor, decision.surface, decision.files)
        rows = _rows(
            self.cursor,
            "select from pg_catalog.pg_namespace where nspname = %s",
            (decision.surface,),
        )
        if not rows:
            _execute(self.cursor, _create_surface(decision.surface, roles=decision.roles))
        if decision.roles:
            return
        if state.is_superuser:
            self.warn(
                f"everything will belong to {state.user}, a superuser: a fault in a function would "
                "open the whole server. Migrate as an ordinary role, or without --no-roles."
            )

    def _apply(self, file: SqlFile, text: str) -> None:
        start = time.monotonic()
        try:
            _execute(self.cursor, text)
        except psycopg.Error as error:
            if self.cursor.connection.closed:
                raise
            raise _failure(file, text, error) from error
        if self.cursor.connection.info.transaction_status != TransactionStatus.INTRANS:
            raise MigrationError(
                f"{file.name} ends the migration's transaction",
                "Take its begin, commit or rollback out. What ran before it may have been kept.",
            )
        self.applied.append(file.name)
        self.tell("applied", file.name, time.monotonic() - start)

    # Files outside the transaction.

    def _take_session_lock(self) -> None:
        if not self.has_session_lock:
            rows = _rows(
                self.cursor, "select pg_catalog.pg_try_advisory_lock(%s)", (ADVISORY_LOCK,)
            )
            self.has_session_lock = bool(rows[0][0])

    def _release_session_lock(self) -> None:
        connection = self.cursor.connection
        if self.has_session_lock and not connection.closed:
            _roll_back(connection)
            _execute(self.cursor, f"select pg_catalog.pg_advisory_unlock({ADVISORY_LOCK})")
        self.has_session_lock = False

    def _check_same_session(self) -> None:
        rows = _rows(
            self.cursor,
            """
            select exists (
              select
              from pg_catalog.pg_locks
              where locktype = 'advisory'
                and pid = pg_catalog.pg_backend_pid()
                and (classid::bigint << 32 | objid::bigint) = %s::bigint
                and objsubid = 1
            )
            """,
            (ADVISORY_LOCK,),
        )
        if not rows[0][0]:
            raise MigrationError(
                "a pooler gives every transaction of this connection another session, and a file "
                "that runs outside transactions needs one of its own",
                "Connect to the server directly.",
            )

    def _run_outside(self, file: SqlFile) -> None:
        cursor = self.cursor
        self._check_same_session()
        with _transaction(cursor, _READ):
            state, decision = self.read()
        settings = [
            ("lock_timeout", f"{max(0, round(self.lock_timeout * 1000))}ms"),
            ("statement_timeout", "0"),
            ("search_path", _search_path(decision.surface)),
        ]
        if decision.owner != state.user:
            settings.append(("role", decision.owner))
        before = [
            (name, str(_rows(cursor, "select pg_catalog.current_setting(%s)", (name,))[0][0]))
            for name, _ in settings
        ]
        start = time.monotonic()
        try:
            for name, value in settings:
                _execute(cursor, "select pg_catalog.set_config(%s, %s, false)", (name, value))
            for statement in split_statements(file.text):
                text = statement if decision.roles else without_roles(f"{statement};")
                try:
                    _execute(cursor, text)
                except psycopg.Error as error:
                    if cursor.connection.closed:
                        raise
                    raise _failure(file, text, error) from error
        finally:
            if not cursor.connection.closed:
                for name, value in reversed(before):
                    _execute(cursor, "select pg_catalog.set_config(%s, %s, false)", (name, value))
        self.unrecorded = [file]
        self.applied.append(file.name)
        self.tell("applied", file.name, time.monotonic() - start)


def migrate(
    target: Connection | str = "",
    *,
    schema: str | None = None,
    roles: bool = True,
    link: str | Sequence[str] | None = None,
    lock_timeout: float = DEFAULT_LOCK_TIMEOUT,
    wait: float = DEFAULT_WAIT,
    on_progress: ProgressCallback | None = None,
    sql_dir: Path | None = None,
) -> MigrationResult:
    """Installs pgledger in a database, or brings it to this package's version.

    Does nothing, and says so in the result, when there is nothing to do. Any number of processes
    may call it at once: one does the work, the others wait for it.

    Args:
        target: Connection string (libpq's variables fill in what it leaves out), or an idle
            connection. A connection is left open and as it was.
        schema: Schema of the public functions and views, made if it is missing. By default the one
            they are in, or ``public`` in a new database.
        roles: Whether a new database gets pgledger's own roles, which then own everything. With
            False the migrating role owns everything. In a database that has pgledger, True means:
            as it is.
        link: Roles whose tables may refer to ``pgledger.accounts (id)``.
        lock_timeout: Seconds that one statement may wait for a lock; 0 for any time.
        wait: Seconds to wait for another migration to finish.
        on_progress: Called after each step, and once when waiting begins.
        sql_dir: Directory of the SQL files; by default the package's own.

    Returns:
        What was done.

    Raises:
        MigrationError: Refused or failed. Nothing was changed, except by files that ran outside
            the transaction and what came before them, which the next run takes up.
        psycopg.OperationalError: The connection cannot be made, or was lost.
    """
    files = load_files(sql_dir)
    with _session(target) as cursor:
        _check_server(cursor.connection.info.server_version)
        return _Run(
            cursor,
            files,
            schema=schema,
            roles=roles,
            link=_as_names(link),
            lock_timeout=lock_timeout,
            wait=wait,
            on_progress=on_progress,
        ).run()


def plan(
    target: Connection | str = "",
    *,
    schema: str | None = None,
    roles: bool = True,
    link: str | Sequence[str] | None = None,
    sql_dir: Path | None = None,
) -> Plan:
    """Says what ``migrate`` would do, without doing it.

    Args:
        target: As for ``migrate``.
        schema: As for ``migrate``.
        roles: As for ``migrate``.
        link: As for ``migrate``.
        sql_dir: As for ``migrate``.

    Returns:
        The steps.

    Raises:
        MigrationError: ``migrate`` would refuse.
    """
    files = load_files(sql_dir)
    names = _as_names(link)
    with _session(target) as cursor:
        _check_server(cursor.connection.info.server_version)
        with _transaction(cursor, _READ):
            state = _read_state(cursor)
            decision = _decide(state, files, schema, roles=roles)
            steps: list[Step] = []
            if decision.roles and decision.files:
                _check_owning_roles(cursor)
                missing = _missing_requirements(cursor, decision.surface)
                steps += [Step("roles", name, "missing") for name in missing]
            if decision.fresh:
                _check_surface_is_free(cursor, decision.surface, decision.files)
            unlinked = _unlinked(cursor, names)
        for file in decision.files:
            inside = file.in_transaction or decision.fresh
            steps.append(Step("apply", file.name, decision.reasons[file.name], inside))
        steps += [Step("forget", name, "gone from the package") for name in decision.forgotten]
        steps += [
            Step("link", name, "asked for") for name in (names if decision.fresh else unlinked)
        ]
        if steps:
            _check_writable(state)
    return Plan(decision.surface, decision.roles, decision.fresh, tuple(steps))


def status(target: Connection | str = "", *, sql_dir: Path | None = None) -> Status:
    """Compares what a database has with this package.

    Args:
        target: As for ``migrate``.
        sql_dir: As for ``migrate``.

    Returns:
        The comparison, also where ``migrate`` would refuse.

    Raises:
        MigrationError: The database cannot be judged: the role may not read the history, or
            something else is in the schema ``pgledger``.
    """
    files = load_files(sql_dir)
    with _session(target) as cursor:
        version = cursor.connection.info.server_version
        _check_server(version)
        with _transaction(cursor, _READ):
            state = _read_state(cursor)
    comparison = _compare(files, state.history)
    problem = _refusal(comparison)
    return Status(
        installed=state.owner is not None,
        database=state.database,
        server_version=version,
        schema=state.surface,
        owner=state.owner,
        package_version=_package_version(),
        files=tuple(comparison),
        problem=problem.message if problem else None,
    )


def verify(target: Connection | str = "") -> tuple["Check", ...]:
    """Runs ``pgledger_verify()``: proves from the data that the books are right.

    Args:
        target: As for ``migrate``.

    Returns:
        One row a check; all is well when none has violations.

    Raises:
        MigrationError: pgledger is not installed in the database, or the role may not verify.
    """
    from ..types import Check

    with _session(target) as cursor:
        _check_server(cursor.connection.info.server_version)
        # One snapshot: transfers go on meanwhile.
        with _transaction(cursor, _READ):
            surface = _read_surface(cursor)
            if surface is None:
                raise MigrationError(
                    f"pgledger is not installed in the database {cursor.connection.info.dbname}",
                    "Install it with: pgledger migrate",
                )
            name = f"{_identifier(surface)}.pgledger_verify()"
            if _rows(cursor, "select pg_catalog.to_regprocedure(%s) is null", (name,))[0][0]:
                raise MigrationError(
                    "the ledger in this database is too old to verify itself",
                    "Bring it to this version with: pgledger migrate",
                )
            owner, may_verify, may_act_as_owner = _rows(
                cursor,
                f"""
                select
                  pg_catalog.pg_get_userbyid(nspowner),
                  pg_catalog.has_schema_privilege(%s, 'usage')
                    and pg_catalog.has_function_privilege(%s, 'execute'),
                  pg_catalog.pg_has_role(current_user, nspowner, {_MEMBER})
                from pg_catalog.pg_namespace
                where nspname = 'pgledger'
                """,
                (surface, name),
            )[0]
            if not may_verify and not may_act_as_owner:
                user = cursor.connection.info.user
                raise MigrationError(
                    f"the role {user} may not verify the books",
                    f"Have an administrator run: grant pgledger_auditor to {_identifier(user)}",
                )
            if not may_verify:
                _execute(cursor, f"set local role {_identifier(str(owner))}")
            rows = _rows(
                cursor, f"select check_name, rows_checked, violations, example from {name}"
            )
    return tuple(
        Check(check_name=row[0], rows_checked=row[1], violations=row[2], example=row[3])
        for row in rows
    )


# --- everything in one file -----------------------------------------------------------------------


def dump(schema: str | None = None, *, roles: bool = True, sql_dir: Path | None = None) -> str:
    """Returns everything in one SQL script, for ``psql -f`` or another tool's migration.

    It is one transaction, installs into a database that has nothing of pgledger, and records the
    same history as ``migrate``, which takes over from there.

    Args:
        schema: Schema of the public functions and views; by default ``public``. The setting
            ``pgledger.schema`` of the session that runs the script goes before it.
        roles: As for ``migrate``.
        sql_dir: As for ``migrate``.

    Returns:
        The script; pure SQL, without psql's own commands.
    """
    surface = schema if schema is not None else DEFAULT_SCHEMA
    _check_schema_name(surface)
    files = load_files(sql_dir)
    parts = [_dump_head(surface, _billing_names(files), roles=roles)]
    for file in files:
        text = _text_for(file, roles=roles, fresh=True).strip()
        # A statement runs on into the next file unless it is ended here.
        end = "" if _mask(text).rstrip().endswith(";") else "\n;"
        parts.append(f"-- file: {file.name}\n{text}{end}\n")
    version = _literal(_package_version())
    rows = ",\n  ".join(
        f"({_literal(file.name)}, {_literal(file.kind)}, {_literal(file.sha256)}, "
        f"pg_catalog.now(), {version})"
        for file in files
    )
    parts.append(
        "insert into pgledger.schema_history (name, kind, sha256, applied_at, package_version)\n"
        f"values\n  {rows};\n"
    )
    parts.append("commit;\n")
    return "\n".join(parts)


def _dump_head(surface: str, names: Sequence[str], *, roles: bool) -> str:
    listed = ",".join(f"\n    {name}" for name in names) + "\n  "
    chosen = (
        "coalesce(\n    nullif(pg_catalog.current_setting('pgledger.schema', true), ''), "
        f"{_literal(surface)})"
    )
    settings = (
        "".join(
            f"set local {name} = {_literal(value)};\n"
            for name, value in _settings(DEFAULT_LOCK_TIMEOUT)
        )
        + "set local search_path = pg_catalog, pg_temp;\n"
    )
    if roles:
        owner = _roles_block(chosen, "current_user")
        become = f"set local role {OWNER};\n"
        grant = (
            "\n    execute pg_catalog.format("
            f"\n      'grant usage on schema %I to {', '.join(USERS)}', v_surface);"
            "\n    execute pg_catalog.format("
            f"\n      'grant create on schema %I to {TENANT_VIEWS}', v_surface);"
        )
        whose = f"Everything will belong to the role {OWNER}, which is made if it is missing."
    else:
        owner = """\
do $warning$
begin
  if (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
    raise warning 'everything will belong to %, a superuser', current_user
      using hint = 'Run this as an ordinary role: a fault in a function would open the server.';
  end if;
end
$warning$;
"""
        become = grant = ""
        whose = "Everything will belong to the role that runs this."
    return f"""\
/*
pgledger {_package_version()}, everything in one file. Generated; do not edit.

Installs into a database that has nothing of pgledger, in one transaction:

  psql -v ON_ERROR_STOP=1 -f pgledger.sql

The functions and views go into the schema {_identifier(surface)}, unless the session names another:

  PGOPTIONS='-c pgledger.schema=money' psql -v ON_ERROR_STOP=1 -f pgledger.sql

{whose}
Later versions come with `pgledger migrate`, which takes over from here.
*/
begin;

{settings}
do $guard$
declare
  v_surface constant text := {chosen};
  -- Names of ours that do not begin with pgledger_.
  v_names constant name[] := '{{{listed}}}';
begin
  if pg_catalog.current_setting('server_version_num')::integer < {MINIMUM_SERVER} then
    raise exception 'pgledger needs PostgreSQL {MINIMUM_SERVER // 10000} or newer, this is %',
      pg_catalog.current_setting('server_version');
  end if;
  if exists (
    select
    from pg_catalog.pg_class
    join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
    where nspname = 'pgledger' and relname = 'schema_history'
  ) then
    raise exception 'pgledger is installed in the database % already',
      pg_catalog.current_database()
      using hint = 'Upgrade it with: pgledger migrate';
  end if;
  if v_surface in ('pgledger', 'information_schema') or v_surface like 'pg\\_%' then
    raise exception 'the public functions and views cannot be in the schema %', v_surface;
  end if;
  if exists (
    select
    from pg_catalog.pg_namespace
    where nspname = v_surface
      and (
        exists (
          select from pg_catalog.pg_class
          where relnamespace = pg_namespace.oid
            and (relname like 'pgledger\\_%' or relname = any (v_names)))
        or exists (
          select from pg_catalog.pg_proc
          where pronamespace = pg_namespace.oid
            and (proname like 'pgledger\\_%' or proname = any (v_names))))
  ) then
    raise exception 'the schema % has objects that are named like ours already', v_surface
      using hint = 'They are not of this pgledger; name another schema.';
  end if;
end
$guard$;

{owner}
{become}
do $surface$
declare
  v_surface constant text := {chosen};
begin
  if not exists (select from pg_catalog.pg_namespace where nspname = v_surface) then
    execute pg_catalog.format('create schema %I', v_surface);{grant}
  end if;
  perform pg_catalog.set_config(
    'search_path', pg_catalog.quote_ident(v_surface) || ', pg_temp', true);
end
$surface$;
"""
