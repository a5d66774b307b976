"""One import, from the first look at the database to the one commit."""

import contextlib
import re
from collections.abc import Callable, Generator
from typing import Any, Final

import psycopg

from pgledger.migrate import MigrationError, load_files
from pgledger.migrate.session import (
    DEFAULT_LOCK_TIMEOUT,
    WRITE,
    Cursor,
    execute,
    fetch,
    open_session,
    transaction,
)
from pgledger.migrate.sqltext import identifier
from pgledger.migrate.trust import Owner, require_ours

from .results import ImportFault, ImportProgress, ImportResult, ProgressCallback
from .sources import EARLIER_COLUMNS, KINDS, CsvFiles, EarlierSchema, chunks, columns_of

Source = EarlierSchema | CsvFiles

# What each step takes of the whole, roughly: of a million transfers of the earlier project.
_SHARES: Final = {
    "reading accounts": 1,
    "reading transfers": 8,
    "reading entries": 14,
    "checking accounts": 1,
    "checking transfers": 12,
    "checking entries": 14,
    "following balances": 14,
    "following times": 8,
    "comparing balances": 6,
    "writing accounts": 3,
    "writing transfers": 22,
    "writing old ids": 12,
    "verifying": 30,
}

_COLUMN_TYPES: Final = """
    select pg_class.relname::text, pg_class.relkind::text, pg_class.relrowsecurity,
      pg_attribute.attname::text, pg_catalog.format_type(pg_attribute.atttypid, -1)
    from pg_catalog.pg_class
    inner join pg_catalog.pg_namespace on pg_class.relnamespace = pg_namespace.oid
    inner join pg_catalog.pg_attribute on pg_attribute.attrelid = pg_class.oid
    where pg_namespace.nspname = %s
      and pg_class.relname in ('pgledger_accounts', 'pgledger_transfers', 'pgledger_entries')
      and pg_attribute.attnum > 0
      and not pg_attribute.attisdropped
"""


class _Refused(Exception):
    """Ends the transaction, because of faults."""

    def __init__(self, faults: tuple[ImportFault, ...]) -> None:
        self.faults = faults


class _Run:
    """One call: what is done so far, and who is told."""

    def __init__(self, cursor: Cursor, app_id: str, on_progress: ProgressCallback | None) -> None:
        self.cursor = cursor
        self.app_id = app_id
        self.on_progress = on_progress
        self.done = 0
        self.total = sum(_SHARES.values())

    @contextlib.contextmanager
    def step(self, name: str) -> Generator[Callable[[float], None]]:
        """A step, which can tell how much of it is done."""

        def tell(part: float) -> None:
            if self.on_progress is not None:
                done = (self.done + _SHARES[name] * part) / self.total
                self.on_progress(ImportProgress(name, done))

        tell(0.0)
        yield tell
        self.done += _SHARES[name]

    def call(self, name: str, function: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Calls a function in a step of its own."""
        with self.step(name):
            marks = ", ".join(["%s::pg_catalog.text"] * len(arguments))
            return fetch(self.cursor, f"select * from pgledger.{function}({marks})", arguments)

    def faults(self) -> tuple[ImportFault, ...]:
        """Returns what cannot be imported; works out the history where nothing else is wrong."""
        execute(
            self.cursor,
            "analyze pgledger.import_accounts, pgledger.import_transfers, pgledger.import_entries",
        )
        found = [
            *self.call("checking accounts", "import_account_faults"),
            *self.call("checking transfers", "import_transfer_faults", self.app_id),
            *self.call("checking entries", "import_entry_faults"),
        ]
        if not found:
            self.call("following balances", "place_import")
            self.call("following times", "time_import")
            found = self.call("comparing balances", "import_history_faults")
        faults = [ImportFault(*row) for row in found]
        return tuple(
            sorted(faults, key=lambda fault: (KINDS.index(_PLURALS[fault.kind]), fault.row_number))
        )

    def write(self) -> ImportResult:
        """Writes everything, and proves that the books are in order."""
        with self.step("writing accounts"):
            call = "select pgledger.write_imported_accounts(%s::pg_catalog.text)"
            later_limits = fetch(self.cursor, call, (self.app_id,))[0][0]
        self.call("writing transfers", "write_imported_transfers", self.app_id)
        ((accounts, transfers, entry_ids, lifted_times),) = self.call(
            "writing old ids", "write_import_origins"
        )
        self.call("verifying", "check_imported_books", self.app_id)
        return ImportResult(accounts, transfers, entry_ids, lifted_times, later_limits)


_PLURALS: Final = {"account": "accounts", "transfer": "transfers", "entry": "entries"}


def import_history(
    target: psycopg.Connection[Any] | str,
    source: Source,
    *,
    app_id: str = "",
    lock_timeout: float = DEFAULT_LOCK_TIMEOUT,
    on_progress: ProgressCallback | None = None,
) -> ImportResult:
    """Imports accounts and transfers from elsewhere, all of them or nothing.

    Args:
        target: The database: a connection that is in no transaction, or how to connect.
        source: Where they come from.
        app_id: Set of books that they are imported into.
        lock_timeout: How many seconds to wait for the tables of the earlier project, and for
            another import.
        on_progress: Told how far it is; it must not use the connection.

    Returns:
        What was imported; or, if nothing was, the faults.

    Raises:
        MigrationError: pgledger is not there or not up to date, the role may not import, or the
            source cannot be read.
    """
    with open_session(target) as cursor:
        try:
            return _import(cursor, source, app_id, lock_timeout, on_progress)
        except _Refused as refused:
            return ImportResult(faults=refused.faults)


def _import(
    cursor: Cursor,
    source: Source,
    app_id: str,
    lock_timeout: float,
    on_progress: ProgressCallback | None,
) -> ImportResult:
    files = load_files()
    with transaction(cursor, WRITE):
        owner, surface = require_ours(cursor, files)
        if not owner.may_act:
            user = cursor.connection.info.user
            raise MigrationError(
                f"the role {user} may not import: only whoever may act as {owner.name} may",
                f"Have an administrator run: grant {identifier(owner.name)} to {identifier(user)}",
            )
        _set_up(cursor, lock_timeout)
        run = _Run(cursor, app_id, on_progress)
        with _as_owner(cursor, owner, source):
            begin = f"{identifier(surface)}.pgledger_import_begin()"
            if not fetch(cursor, "select pg_catalog.to_regprocedure(%s) is not null", (begin,))[0][
                0
            ]:
                raise MigrationError(
                    "the ledger in this database is too old to import anything",
                    "Bring it to this version with: pgledger migrate",
                )
            execute(cursor, "select pgledger.check_scope('app_id', %s::pg_catalog.text)", (app_id,))
            execute(cursor, f"select {begin}")
            _read(run, source)
            faults = run.faults()
            if faults:
                raise _Refused(faults)
            return run.write()


def _set_up(cursor: Cursor, lock_timeout: float) -> None:
    settings = {
        "lock_timeout": f"{max(0, round(lock_timeout * 1000))}ms",
        "statement_timeout": "0",
        "idle_in_transaction_session_timeout": "0",
        "timezone": "UTC",
        "client_encoding": "UTF8",
        "work_mem": "256MB",
        "jit": "off",
    }
    if cursor.connection.info.server_version >= 170000:
        settings["transaction_timeout"] = "0"
    for name, value in settings.items():
        execute(cursor, "select pg_catalog.set_config(%s, %s, true)", (name, value))


@contextlib.contextmanager
def _as_owner(cursor: Cursor, owner: Owner, source: Source) -> Generator[None]:
    """Lets pgledger's owner read the source, and acts as the owner.

    What stands in tables of others is never read with the rights of whoever runs this, who may be a
    superuser.
    """
    granted: list[tuple[str, str]] = []
    if isinstance(source, EarlierSchema):
        _check_tables(cursor, source.name)
        tables = ", ".join(_table(source, kind) for kind in KINDS)
        # Who writes there would write what is not imported any more.
        execute(cursor, f"lock table {tables} in share mode")
        wanted = [
            ("usage", f"schema {identifier(source.name)}"),
            *(("select", f"table {_table(source, kind)}") for kind in KINDS),
        ]
        granted = [grant for grant in wanted if not _may(cursor, owner, *grant)]
    for verb, subject in granted:
        execute(cursor, f"grant {verb} on {subject} to {identifier(owner.name)}")
    before = str(fetch(cursor, "select pg_catalog.current_setting('role')")[0][0])
    execute(cursor, f"set local role {identifier(owner.name)}")
    yield
    execute(cursor, "select pg_catalog.set_config('role', %s, true)", (before,))
    for verb, subject in granted:
        execute(cursor, f"revoke {verb} on {subject} from {identifier(owner.name)}")


def _may(cursor: Cursor, owner: Owner, verb: str, subject: str) -> bool:
    kind, name = subject.split(" ", 1)
    if kind == "schema":
        query = "select pg_catalog.has_schema_privilege(%s, pg_catalog.to_regnamespace(%s), %s)"
    else:
        query = "select pg_catalog.has_table_privilege(%s, pg_catalog.to_regclass(%s), %s)"
    return bool(fetch(cursor, query, (owner.name, name, verb))[0][0])


def _table(source: EarlierSchema, kind: str) -> str:
    return f"{identifier(source.name)}.pgledger_{kind}"


def _check_tables(cursor: Cursor, schema: str) -> None:
    """Refuses what is not the earlier project's tables: reading views would run others' code."""
    found: dict[str, dict[str, str]] = {}
    for table, kind, has_policies, column, column_type in fetch(cursor, _COLUMN_TYPES, (schema,)):
        if kind not in {"r", "p", "m"}:
            raise MigrationError(f"{schema}.{table} is not a table")
        if has_policies:
            raise MigrationError(
                f"{schema}.{table} has row security, which may hide rows from an import",
                f"Switch it off: alter table {identifier(schema)}.{table}"
                " disable row level security",
            )
        found.setdefault(table, {})[column] = column_type
    for kind, columns in EARLIER_COLUMNS.items():
        table = f"pgledger_{kind}"
        if table not in found:
            raise MigrationError(
                f"there is no table {table} in the schema {schema}",
                "Name the schema that the earlier project's tables are in: --from-schema NAME",
            )
        for column, wanted in columns.items():
            if found[table].get(column) != wanted:
                raise MigrationError(
                    f"{schema}.{table} is not the earlier project's: its column {column} is "
                    f"{found[table].get(column, 'missing')}, not {wanted}"
                )


def _read(run: _Run, source: Source) -> None:
    if isinstance(source, EarlierSchema):
        for kind in KINDS:
            with run.step(f"reading {kind}"):
                _read_table(run.cursor, source, kind)
        return
    for kind, path in source.by_kind:
        columns = columns_of(kind, path)
        with run.step(f"reading {kind}") as tell:
            statement = (
                f"copy pgledger.import_{kind} ({', '.join(columns)}) from stdin"
                " with (format csv, header true, encoding 'UTF8')"
            )
            try:
                with run.cursor.copy(statement.encode()) as copy:
                    for piece, part in chunks(path):
                        copy.write(piece)
                        tell(part)
            except (psycopg.DataError, psycopg.errors.BadCopyFileFormat) as error:
                raise MigrationError(
                    f"{path}{_line_of(error)}: {error.diag.message_primary}",
                    "Nothing was imported.",
                ) from None
    if source.entries is None:
        run.done += _SHARES["reading entries"]


def _line_of(error: psycopg.Error) -> str:
    found = re.search(r", line (\d+)(, column \w+)?", error.diag.context or "")
    return f", line {found[1]}{found[2] or ''}" if found else ""


def _read_table(cursor: Cursor, source: EarlierSchema, kind: str) -> None:
    # An entry has the time of its transfer.
    left_out = {"created_at"} if kind == "entries" else set[str]()
    listed = ", ".join(name for name in EARLIER_COLUMNS[kind] if name not in left_out)
    execute(
        cursor,
        f"insert into pgledger.import_{kind} ({listed}) select {listed} from {_table(source, kind)}"
        + (" order by created_at, id" if kind == "accounts" else ""),
    )
