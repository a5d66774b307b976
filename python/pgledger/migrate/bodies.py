"""Checks the bodies of functions, which are created unchecked, before anything is committed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from .failures import failure, line_of
from .files import SqlFile
from .install import install_sql
from .results import MigrationError
from .session import Cursor, execute, fetch


@dataclass(frozen=True, slots=True)
class _Function:
    """One row of functions.sql."""

    oid: int
    name: str
    short_name: str
    source: str
    validator: str
    search_path: str | None


def check_bodies(cursor: Cursor, files: Sequence[SqlFile], surface: str) -> None:
    """Checks the bodies of all our functions, inside the transaction that made them.

    Raises:
        MigrationError: One is broken; the caller has to roll the transaction back.
    """
    execute(cursor, "savepoint bodies")
    try:
        execute(cursor, install_sql("check_bodies.sql", surface=surface))
    except psycopg.Error as error:
        if cursor.connection.closed:
            raise
        execute(cursor, "rollback to savepoint bodies")
        raise _broken(cursor, files, surface) or failure("checking functions", error) from error
    execute(cursor, "release savepoint bodies")


def _broken(cursor: Cursor, files: Sequence[SqlFile], surface: str) -> MigrationError | None:
    """Checks one function after the other, because the error of the whole block has no position."""
    functions = [
        _Function(*row) for row in fetch(cursor, install_sql("functions.sql", surface=surface))
    ]
    usual = str(fetch(cursor, "select pg_catalog.current_setting('search_path')")[0][0])
    execute(cursor, "select pg_catalog.set_config('check_function_bodies', 'on', true)")
    for function in functions:
        path = function.search_path or usual
        execute(cursor, "select pg_catalog.set_config('search_path', %s, true)", (path,))
        try:
            execute(cursor, f"select {function.validator}({function.oid})")
        except psycopg.Error as error:
            if cursor.connection.closed:
                raise
            where = _place(function, files, error.diag.internal_position)
            return failure(f"{where}the body of {function.name} is broken", error)
    return None


def _place(function: _Function, files: Sequence[SqlFile], position: str | None) -> str:
    """Returns file and line, as far as they can be found, to stand before a message.

    The catalog keeps a body exactly as its file has it, so the file can be searched for it.
    """
    name = re.escape(function.short_name)
    head = re.compile(
        rf"\bcreate\s+(?:or\s+replace\s+)?function\s+(?:[\w@]+\.)?{name}\b", re.IGNORECASE
    )
    likely = ""
    for file in files:
        heads = [found.start() for found in head.finditer(file.text)]
        if not heads:
            continue
        start = file.text.find(function.source, heads[0])
        if start >= 0:
            own_head = max(at for at in heads if at <= start)
            at = start + int(position) if position else own_head + 1
            return f"{file.name}{line_of(file.text, at)}: "
        # A body in single quotes is kept without its doubled quotes, so it is not found.
        likely = likely or f"{file.name}: "
    return likely
