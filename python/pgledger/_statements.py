"""What both ledgers send and how they read the answer.

Everything travels in one form, so that nothing about the caller's connection can change it. A
parameter is text or null and takes its type from a cast in the statement: each function has one
statement, whose plan a connection prepares once. Answers are binary and are read through adapters
of our own: the caller's row factory, loaders, dumpers, DateStyle and TimeZone have no say.
"""

import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, make_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, LiteralString, TypeVar, cast

from psycopg import postgres
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import AdaptersMap
from psycopg.pq import Format
from psycopg.rows import BaseRowFactory, RowMaker
from psycopg.types.bool import BoolBinaryLoader
from psycopg.types.none import NoneDumper
from psycopg.types.numeric import Int8BinaryLoader, NumericBinaryLoader
from psycopg.types.string import StrDumperUnknown, TextBinaryLoader

from pgledger.types import Account, Check, Entry, Transfer, TransferRequest

Row = TypeVar("Row", Account, Transfer, Entry, Check)

_MICROSECONDS = struct.Struct("!q")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class _PlainLoader:
    # psycopg's base class looks at the connection each time one is made, once for every statement.
    __slots__ = ()

    format = Format.BINARY

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        pass


class _UtcLoader(_PlainLoader):
    # In UTC rather than in the session's zone: every time the ledger stores fits, whereas
    # 9999-12-31 in another zone may not, and would fail after the transfer was made.
    __slots__ = ()

    def load(self, data: Buffer) -> datetime:
        return _EPOCH + timedelta(0, 0, _MICROSECONDS.unpack(data)[0])


class _JsonbLoader(_PlainLoader):
    __slots__ = ("_connection",)

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        self._connection = context.connection if context else None

    def load(self, data: Buffer) -> Any:
        # jsonb comes in the client's encoding, which need not be UTF-8. The first byte is the
        # version of the format, 1 in every supported server.
        encoding = self._connection.info.encoding if self._connection else "utf-8"
        return json.loads(str(bytes(data)[1:], encoding))


def _make_adapters() -> AdaptersMap:
    adapters = AdaptersMap(types=postgres.types)
    adapters.register_dumper(str, StrDumperUnknown)
    adapters.register_dumper(type(None), NoneDumper)
    adapters.register_loader("text", TextBinaryLoader)
    adapters.register_loader("numeric", NumericBinaryLoader)
    adapters.register_loader("int8", Int8BinaryLoader)
    adapters.register_loader("bool", BoolBinaryLoader)
    adapters.register_loader("timestamptz", _UtcLoader)
    adapters.register_loader("jsonb", _JsonbLoader)
    return adapters


ADAPTERS = _make_adapters()


def _row_factory(kind: type[Row]) -> BaseRowFactory[Row]:
    # A frozen dataclass fills itself field by field through object.__setattr__, which takes eight
    # times as long as an ordinary one does: 2.4 us a transfer, as much as everything else that
    # this package adds to a call. So rows are made as an ordinary twin with the same slots and
    # become the frozen class afterwards.
    filled: Any = make_dataclass(
        kind.__name__, [(column.name, object) for column in fields(kind)], slots=True
    )

    def make(values: Iterable[Any]) -> Row:
        row = filled(*values)
        row.__class__ = kind
        return cast("Row", row)

    def factory(cursor: object) -> RowMaker[Row]:  # noqa: ARG001
        return make

    return factory


ACCOUNT_ROW = _row_factory(Account)
TRANSFER_ROW = _row_factory(Transfer)
ENTRY_ROW = _row_factory(Entry)
CHECK_ROW = _row_factory(Check)


@dataclass(frozen=True, slots=True)
class Statements:
    """The text of every call, for one schema of the public surface."""

    create_account: LiteralString
    create_transfer: LiteralString
    create_transfers: LiteralString
    get_account: LiteralString
    get_transfer: LiteralString
    account_entries: LiteralString
    balance_at: LiteralString
    verify: LiteralString
    generate_id: LiteralString


@lru_cache
def statements_for(schema: str | None) -> Statements:
    """Returns the statements for a schema, or for the search_path if it is None."""

    def call(function: str, **types: str) -> str:
        arguments = ", ".join(f"{name} => %s::{kind}" for name, kind in types.items())
        if schema is None:
            return f"{function}({arguments})"
        # A percent sign would begin a placeholder.
        quoted = '"' + schema.replace('"', '""').replace("%", "%%") + '"'
        return f"{quoted}.{function}({arguments})"

    def rows(kind: type[Account | Transfer | Entry | Check], function: str, **types: str) -> str:
        # The columns by name: dataclasses are filled by position.
        columns = ", ".join(f"r.{column.name}" for column in fields(kind))
        return f"select {columns} from {call(function, **types)} as r"

    def value(function: str, **types: str) -> str:
        return f"select {call(function, **types)}"

    # Literal in every sense but the checker's: the schema is quoted, all else stands above.
    return Statements(
        **cast(
            "dict[str, LiteralString]",
            {
                "create_account": rows(
                    Account,
                    "pgledger_create_account",
                    name="text",
                    currency="text",
                    allow_negative_balance="boolean",
                    allow_positive_balance="boolean",
                    metadata="jsonb",
                    id="text",
                    app_id="text",
                    tenant_id="text",
                ),
                "create_transfer": rows(
                    Transfer,
                    "pgledger_create_transfer",
                    from_account_id="text",
                    to_account_id="text",
                    amount="numeric",
                    event_at="timestamptz",
                    metadata="jsonb",
                    id="text",
                    app_id="text",
                    allow_future_event_at="boolean",
                ),
                "create_transfers": rows(
                    Transfer,
                    "pgledger_create_transfers_bulk",
                    from_account_ids="text[]",
                    to_account_ids="text[]",
                    amounts="numeric[]",
                    event_ats="timestamptz[]",
                    metadatas="jsonb[]",
                    ids="text[]",
                    app_id="text",
                    group_id="text",
                    allow_future_event_at="boolean",
                ),
                "get_account": rows(Account, "pgledger_get_account", id="text", app_id="text"),
                "get_transfer": rows(Transfer, "pgledger_get_transfer", id="text", app_id="text"),
                "account_entries": rows(
                    Entry,
                    "pgledger_account_entries",
                    account_id="text",
                    page_size="integer",
                    newest_first="boolean",
                    after_version="bigint",
                    app_id="text",
                ),
                "balance_at": value(
                    "pgledger_balance_at", account_id="text", at="timestamptz", app_id="text"
                ),
                "verify": rows(Check, "pgledger_verify"),
                "generate_id": value("pgledger_generate_id", prefix="text"),
            },
        )
    )


def require_connection(caller: str, conn: object, kind: type) -> None:
    """Refuses a connection of another kind, whose calls would fail far from the mistake.

    Raises:
        TypeError: It is not of that class.
    """
    if not isinstance(conn, kind):
        raise TypeError(f"{caller} needs a psycopg.{kind.__name__}, not {type(conn).__name__}")


# The functions below take anything: callers without a type checker are who needs the errors.


def amount_text(amount: object) -> str:
    """Returns an amount as numeric's input.

    Raises:
        TypeError: It is neither a Decimal nor an int; a bool is not taken for one.
    """
    if isinstance(amount, Decimal):
        # PostgreSQL knows one NaN, without payload and sign, and refuses it by name.
        return "NaN" if amount.is_nan() else str(amount)
    if isinstance(amount, int) and not isinstance(amount, bool):
        return str(amount)
    raise TypeError(
        f"amount must be a Decimal or an int, not {type(amount).__name__} {amount!r}: "
        'write Decimal("12.34")'
    )


def time_text(name: str, time: object) -> str | None:
    """Returns a time as timestamptz's input, or None for None.

    Raises:
        TypeError: It is not a datetime.
        ValueError: It has no time zone, so it could mean any of a day's hours.
    """
    if time is None:
        return None
    if not isinstance(time, datetime):
        raise TypeError(
            f"{name} must be a datetime with a time zone, not {type(time).__name__} {time!r}"
        )
    if time.utcoffset() is None:
        raise ValueError(f"{name} {time!r} has no time zone: give it one, for example tzinfo=UTC")
    return time.isoformat()


def metadata_text(metadata: object) -> str | None:
    """Returns metadata as jsonb's input, or None for None.

    Raises:
        TypeError: It is not a mapping, or holds what JSON cannot.
        ValueError: It holds NaN or an infinity, which JSON has no word for.
    """
    if metadata is None:
        return None
    if not isinstance(metadata, Mapping):
        raise TypeError(f"metadata must be a mapping such as a dict, not {type(metadata).__name__}")
    return json.dumps(dict(cast("Mapping[str, Any]", metadata)), allow_nan=False)


def flag_text(name: str, flag: object) -> str:
    """Returns a flag as boolean's input.

    Raises:
        TypeError: It is not a bool: a None that became false would lift or set a limit unseen.
    """
    if flag is True:
        return "t"
    if flag is False:
        return "f"
    raise TypeError(f"{name} must be True or False, not {flag!r}")


def integer_text(name: str, number: object) -> str:
    """Returns a whole number as integer's or bigint's input.

    Raises:
        TypeError: It is not an int; a bool is not taken for one.
    """
    if isinstance(number, int) and not isinstance(number, bool):
        return str(number)
    raise TypeError(f"{name} must be an int, not {type(number).__name__} {number!r}")


def array_text(name: str, elements: Iterable[object]) -> str:
    """Returns texts and nulls as an array's input.

    Raises:
        TypeError: An element is something else.
    """
    quoted: list[str] = []
    for element in elements:
        if element is None:
            quoted.append("NULL")
        elif isinstance(element, str):
            escaped = element.replace("\\", "\\\\").replace('"', '\\"')
            quoted.append(f'"{escaped}"')
        else:
            raise TypeError(
                f"request {len(quoted) + 1}: {name} must be a str, "
                f"not {type(element).__name__} {element!r}"
            )
    return "{" + ",".join(quoted) + "}"


def request_arrays(
    transfer_requests: Iterable[object],
) -> tuple[str, str, str, str | None, str | None, str | None]:
    """Returns requests as the six parallel arrays that the bulk function takes.

    An optional array that would hold nothing but nulls is None, as if left out.

    Raises:
        TypeError: A request is neither a TransferRequest nor a tuple of three, or a value in it is
            of a wrong type. The message says which request, counted from 1.
        ValueError: A value in it is wrong in itself; the message says which, too.
    """
    requests: list[TransferRequest] = []
    amounts: list[str] = []
    event_ats: list[str | None] = []
    metadatas: list[str | None] = []
    for number, given in enumerate(transfer_requests, 1):
        try:
            request = given if isinstance(given, TransferRequest) else _request(given)
            amounts.append(amount_text(request.amount))
            event_ats.append(time_text("event_at", request.event_at))
            metadatas.append(metadata_text(request.metadata))
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"request {number}: {error}") from error
        requests.append(request)
    ids = [request.id for request in requests]
    return (
        array_text("from_account_id", (request.from_account_id for request in requests)),
        array_text("to_account_id", (request.to_account_id for request in requests)),
        "{" + ",".join(amounts) + "}",
        _optional_array_text("event_at", event_ats),
        _optional_array_text("metadata", metadatas),
        _optional_array_text("id", ids),
    )


def _request(given: object) -> TransferRequest:
    if isinstance(given, tuple):
        parts = cast("Any", given)
        if len(parts) == 3:
            return TransferRequest(*parts)
        raise TypeError(
            f"a tuple of {len(parts)} is no request: write (from_account_id, to_account_id, "
            "amount), or a TransferRequest to give more"
        )
    raise TypeError(
        f"{type(given).__name__} is no request: give a TransferRequest or a tuple "
        "(from_account_id, to_account_id, amount)"
    )


def _optional_array_text(name: str, elements: list[str | None]) -> str | None:
    if all(element is None for element in elements):
        return None
    return array_text(name, elements)
