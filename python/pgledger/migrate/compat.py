"""The earlier project's names: ``pgledger migrate --compat``.

They are in a schema of their own choice, beside the public functions and views, which have some of
the same names. Their files are no part of the history: users who do not ask for them have none.
Each later migration brings them up to date.
"""

import hashlib
from typing import Final

import psycopg

from .files import SQL_DIR, SqlFile
from .results import MigrationError
from .rights import OwnerRights
from .session import WRITE, Cursor, execute, fetch, file_settings, transaction
from .sqltext import identifier, literal, without_roles
from .surface import SEARCH_PATH, check_schema_name, in_surface, read_surface
from .trust import check_ours, read_owner

DEFAULT_COMPAT_SCHEMA: Final = "public"
_TYPE: Final = "transfer_request"
_VIEWS: Final = tuple(
    f"pgledger_{kind}{end}"
    for kind in ("accounts", "transfers", "entries")
    for end in ("", "_view")
)
_FUNCTIONS: Final = (
    "pgledger_create_account",
    "pgledger_create_transfer",
    "pgledger_create_transfers",
    "pgledger_generate_id",
)

# What bears one of the names and is not ours: theirs, most likely.
_STRANGERS: Final = """
    select found.what from (
      select 'the table or view ' || pg_class.relname, pg_class.relnamespace, pg_class.relowner,
        pg_class.relname
      from pg_catalog.pg_class where pg_class.relkind <> 'i'
      union all
      select 'the type ' || pg_type.typname, pg_type.typnamespace, pg_type.typowner,
        pg_type.typname
      from pg_catalog.pg_type
      union all
      select 'the function ' || pg_proc.proname, pg_proc.pronamespace, pg_proc.proowner,
        pg_proc.proname
      from pg_catalog.pg_proc
    ) as found (what, namespace, owner, name)
    inner join pg_catalog.pg_namespace on found.namespace = pg_namespace.oid
    where pg_namespace.nspname = %s
      and found.name = any(%s::pg_catalog.name[])
      and found.owner <> (
        select private.nspowner from pg_catalog.pg_namespace as private
        where private.nspname = 'pgledger'
      )
    order by found.what
"""


def _file(name: str) -> str:
    return (SQL_DIR / "compat" / name).read_bytes().replace(b"\r\n", b"\n").decode()


def _text(name: str, surface: str, schema: str, *, roles: bool) -> str:
    text = _file(name) if roles else without_roles(_file(name))
    return in_surface(text, surface).replace("@compat@", identifier(schema))


def stored_schema(cursor: Cursor) -> str | None:
    """Returns the schema that the names are in; None without them."""
    if fetch(cursor, "select pg_catalog.to_regclass('pgledger.earlier_names')")[0][0] is None:
        return None
    rows = fetch(cursor, "select earlier_names.schema_name::text from pgledger.earlier_names")
    return str(rows[0][0]) if rows else None


def keep_compat(
    cursor: Cursor,
    files: list[SqlFile],
    *,
    asked: str | None,
    drop: bool,
    lock_timeout: float,
) -> str | None:
    """Makes the names in the schema that is asked for, brings them up to date, or drops them.

    Args:
        cursor: In autocommit, after a migration.
        files: Files of this package.
        asked: The schema, or None to keep what there is.
        drop: Whether to drop them instead.
        lock_timeout: Seconds that one statement may wait for a lock.

    Returns:
        What was done, in words; None if nothing was.

    Raises:
        MigrationError: The schema is none that they can be in.
    """
    with transaction(cursor, WRITE):
        owner, surface = read_owner(cursor), read_surface(cursor)
        if owner is None or surface is None:
            return None
        check_ours(cursor, surface, files)
        stored = stored_schema(cursor)
        schema = asked or stored
        if schema is None or (drop and stored is None):
            return None
        if stored is not None and schema != stored:
            raise MigrationError(
                f"the earlier project's names are in the schema {identifier(stored)} already",
                "Take them away there first: pgledger migrate --no-compat",
            )
        _check_schema(schema, surface)
        roles = bool(fetch(cursor, "select bool_or(with_roles) from pgledger.schema_history")[0][0])
        texts = [
            _text(name, surface, schema, roles=roles) for name in ("views.sql", "functions.sql")
        ]
        sha256 = hashlib.sha256(
            "".join([_file("transfer_request.sql"), *texts]).encode()
        ).hexdigest()
        known = fetch(cursor, "select sha256 from pgledger.earlier_names")
        if not drop and known == [(sha256,)]:
            return None
        version = cursor.connection.info.server_version
        for name, value in file_settings(lock_timeout, server_version=version):
            execute(cursor, "select pg_catalog.set_config(%s, %s, true)", (name, value))
        execute(cursor, "select pg_catalog.set_config('search_path', %s, true)", (SEARCH_PATH,))
        user = str(fetch(cursor, "select current_user::text")[0][0])
        if not drop:
            _prepare_schema(cursor, schema, owner.name, user)
        rights = OwnerRights(cursor, owner.name, user)
        rights.take()
        try:
            if drop:
                rights.execute(_text("drop.sql", surface, schema, roles=roles))
                rights.execute("delete from pgledger.earlier_names")
                return f"the earlier project's names are gone from the schema {schema}"
            kind = f"{identifier(schema)}.{_TYPE}"
            if fetch(cursor, "select pg_catalog.to_regtype(%s)", (kind,))[0][0] is None:
                rights.execute(_text("transfer_request.sql", surface, schema, roles=roles))
            for text in texts:
                rights.execute(text)
            rights.execute(
                "delete from pgledger.earlier_names;"
                " insert into pgledger.earlier_names (schema_name, sha256, applied_at)"
                f" values ({literal(schema)}, {literal(sha256)}, pg_catalog.now())"
            )
        except psycopg.errors.DependentObjectsStillExist as error:
            raise MigrationError(
                f"the earlier project's names cannot be dropped: {error.diag.message_primary}",
                f"{error.diag.message_detail}. Drop or change what is made of them first.",
            ) from None
    return f"the earlier project's names in the schema {schema}"


def _check_schema(schema: str, surface: str) -> None:
    check_schema_name(schema)
    if schema == surface:
        raise MigrationError(
            f"the earlier project's names cannot be in the schema {identifier(schema)}, where "
            "pgledger's own functions have some of them",
            "Name another schema with --compat-schema, and put it in the place of this one in the "
            "search_path of the programs that need it; or install pgledger in another one with "
            "--schema.",
        )


def _prepare_schema(cursor: Cursor, schema: str, owner: str, user: str) -> None:
    """Makes the schema, or lets the owner make something in one that is there."""
    rows = fetch(
        cursor,
        "select pg_catalog.has_schema_privilege(%s, pg_namespace.oid, 'create')"
        " from pg_catalog.pg_namespace where pg_namespace.nspname = %s",
        (owner, schema),
    )
    if not rows:
        execute(cursor, f"create schema {identifier(schema)} authorization {identifier(owner)}")
        if owner != user:
            execute(cursor, f"grant usage on schema {identifier(schema)} to public")
        return
    strangers = fetch(cursor, _STRANGERS, (schema, [_TYPE, *_VIEWS, *_FUNCTIONS]))
    if strangers:
        raise MigrationError(
            f"the schema {identifier(schema)} has {strangers[0][0]} of somebody else's already",
            "If it is the earlier project's, move what is its to another schema (alter … set "
            "schema), or name another one with --compat-schema.",
        )
    if not rows[0][0]:
        execute(
            cursor, f"grant usage, create on schema {identifier(schema)} to {identifier(owner)}"
        )
