"""The schema of the public functions and views."""

import re
from collections.abc import Iterable
from typing import Final

from .files import SqlFile
from .install import install_sql
from .results import MigrationError
from .session import Cursor, fetch
from .sqltext import identifier

DEFAULT_SCHEMA: Final = "public"


# What the files are applied with; PostgreSQL's own schema comes first by itself. The surface is not
# in it: others may have planted operators and functions there that fit better than PostgreSQL's
# own, and would be bound for ever. The files name the surface wherever they mean it.
SEARCH_PATH: Final = "pgledger, pg_temp"
# PostgreSQL puts the schema of an extension in the place of the same word.
_SURFACE_WORD: Final = "@extschema@"


def in_surface(text: str, surface: str) -> str:
    """Returns a file's SQL with the schema that the public functions and views go into."""
    name = surface if surface == DEFAULT_SCHEMA else identifier(surface)
    return text.replace(_SURFACE_WORD, name)


def check_schema_name(schema: str) -> None:
    """Refuses a name that no schema can have, or that ours must not have."""
    if not schema or "\0" in schema:
        raise MigrationError(f"{schema!r} is not a name that a schema can have")
    if len(schema.encode()) > 63:
        raise MigrationError(f"the schema name {schema!r} is longer than PostgreSQL's 63 bytes")
    if schema in {"pgledger", "information_schema"} or schema.startswith("pg_"):
        raise MigrationError(
            f"the public functions and views cannot be in the schema {schema}",
            "That schema is PostgreSQL's or pgledger's own; name another one.",
        )


def read_surface(cursor: Cursor) -> str | None:
    """Returns the schema that the public functions and views are in, if they are."""
    rows = fetch(cursor, install_sql("read_surface.sql"))
    return str(rows[0][0]) if rows else None


_PUBLIC_NAME: Final = re.compile(
    rf"\bcreate\s+(?:or\s+replace\s+)?(?:view|function|type)\s+{_SURFACE_WORD}\."
    r"((?:pg)?ledger_\w+)",
    re.IGNORECASE,
)


def public_names(files: Iterable[SqlFile]) -> list[str]:
    """Returns the names of our functions, views and types on the surface."""
    # Comments are searched, too: leaving them out would take longer than all else at each start.
    return sorted({name for file in files for name in _PUBLIC_NAME.findall(file.text)})


def billing_names(files: Iterable[SqlFile]) -> list[str]:
    """Returns the names of the billing store's functions and views.

    Tables of an application may begin with ledger_, too, so only exactly these names are ours.
    """
    return [name for name in public_names(files) if not name.startswith("pgledger_")]


def check_surface_is_free(cursor: Cursor, surface: str, files: Iterable[SqlFile]) -> None:
    """Refuses a schema of a stranger's, or with objects of our names that are not ours."""
    strangers = fetch(cursor, install_sql("surface_stranger.sql", surface=surface))
    if strangers:
        name = identifier(str(strangers[0][0]))
        raise MigrationError(
            f"the schema {identifier(surface)} belongs to {name}, who could drop what is made in "
            "it and put something else there",
            f"Name another schema with --schema, connect as {name}, or run: alter schema "
            f"{identifier(surface)} owner to pg_database_owner",
        )
    conflicts = install_sql("surface_conflicts.sql", surface=surface, names=billing_names(files))
    rows = fetch(cursor, conflicts)
    if rows:
        listed = ", ".join(f"{kind} {name}" for kind, name in rows[:5])
        raise MigrationError(
            f"the schema {identifier(surface)} has objects of these names already: {listed}"
            + (", …" if len(rows) > 5 else ""),
            "They are not of this pgledger. Name another schema with --schema.",
        )
