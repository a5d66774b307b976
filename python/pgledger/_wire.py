"""How calls travel: the form of parameters and answers of the ledger and the billing store.

Everything travels in one form, so that nothing about the caller's connection can change it. A
parameter is text or null and takes its type from a cast in the statement: each function has one
statement, whose plan a connection prepares once. Answers are binary and are read through adapters
of our own: the caller's row factory, loaders, dumpers, DateStyle and TimeZone do not matter.
"""

import json
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, make_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar, cast

from psycopg import postgres
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import AdaptersMap
from psycopg.pq import Format
from psycopg.rows import BaseRowFactory, RowMaker
from psycopg.types.array import ArrayBinaryLoader
from psycopg.types.bool import BoolBinaryLoader
from psycopg.types.datetime import IntervalBinaryLoader
from psycopg.types.none import NoneDumper
from psycopg.types.numeric import Int4BinaryLoader, Int8BinaryLoader, NumericBinaryLoader
from psycopg.types.range import Range
from psycopg.types.string import StrDumperUnknown, TextBinaryLoader

Row = TypeVar("Row")

_MICROSECONDS = struct.Struct("!q")
# The types of ours that cannot be registered by name.
_VOID_OID = 2278
_TEXT_ARRAY_OID = 1009
_NUMERIC_ARRAY_OID = 1231
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class _PlainLoader:
    # psycopg's base class looks at the connection each time one is made, once for every statement.
    __slots__ = ()

    format = Format.BINARY

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        pass


class _VoidLoader(_PlainLoader):
    __slots__ = ()

    def load(self, data: Buffer) -> None:  # noqa: ARG002
        return None


class _UtcLoader(_PlainLoader):
    # In UTC every time that the ledger stores fits into a datetime. In the session's zone
    # 9999-12-31 might not, and reading it would fail after the transfer was made.
    __slots__ = ()

    def load(self, data: Buffer) -> datetime:
        return _EPOCH + timedelta(0, 0, _MICROSECONDS.unpack(data)[0])


class _JsonLoader(_PlainLoader):
    # For JSON whose numbers may be prices or limits: json keeps all digits, and so does Decimal.
    __slots__ = ("_connection",)

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        self._connection = context.connection if context else None

    def load(self, data: Buffer) -> Any:
        return json.loads(self._text(bytes(data)), parse_float=Decimal)

    def _text(self, data: bytes) -> str:
        # JSON comes in the client's encoding, which need not be UTF-8.
        return str(data, self._connection.info.encoding if self._connection else "utf-8")


class _JsonbLoader(_JsonLoader):
    # For JSON of the caller's own, whose fractions come back as floats.
    __slots__ = ()

    def load(self, data: Buffer) -> Any:
        # The first byte is the version of the format, 1 in every supported server.
        return json.loads(self._text(bytes(data)[1:]))


def _make_adapters() -> AdaptersMap:
    adapters = AdaptersMap(types=postgres.types)
    adapters.register_dumper(str, StrDumperUnknown)
    adapters.register_dumper(type(None), NoneDumper)
    adapters.register_loader("text", TextBinaryLoader)
    adapters.register_loader(_TEXT_ARRAY_OID, ArrayBinaryLoader)
    adapters.register_loader(_NUMERIC_ARRAY_OID, ArrayBinaryLoader)
    adapters.register_loader(_VOID_OID, _VoidLoader)
    adapters.register_loader("numeric", NumericBinaryLoader)
    adapters.register_loader("int4", Int4BinaryLoader)
    adapters.register_loader("int8", Int8BinaryLoader)
    adapters.register_loader("bool", BoolBinaryLoader)
    adapters.register_loader("timestamptz", _UtcLoader)
    adapters.register_loader("interval", IntervalBinaryLoader)
    adapters.register_loader("json", _JsonLoader)
    adapters.register_loader("jsonb", _JsonbLoader)
    return adapters


ADAPTERS = _make_adapters()


def row_factory(kind: type[Row], **readers: Callable[[Any], Any]) -> BaseRowFactory[Row]:
    """Returns a row factory for a frozen, slotted dataclass whose fields are the columns.

    Args:
        kind: The dataclass.
        readers: For fields that differ from their column's value, the function that makes them, by
            name.
    """
    # A frozen dataclass sets each field through object.__setattr__, which takes eight times as long
    # as in an ordinary one: 2.4 us a transfer, as much as everything else that this package adds
    # to a call. So each row is first an object of an ordinary class with the same slots, and then
    # becomes one of the frozen class.
    filled: Any = make_dataclass(
        kind.__name__, [(column.name, object) for column in fields(cast("Any", kind))], slots=True
    )

    def make(values: Iterable[Any]) -> Row:
        row = filled(*values)
        row.__class__ = kind
        return cast("Row", row)

    read = [
        (place, readers[column.name])
        for place, column in enumerate(fields(cast("Any", kind)))
        if column.name in readers
    ]

    def read_and_make(values: Iterable[Any]) -> Row:
        changed = list(values)
        for place, reader in read:
            changed[place] = reader(changed[place])
        return make(changed)

    def factory(cursor: object) -> RowMaker[Row]:  # noqa: ARG001
        return read_and_make if read else make

    return factory


class Calls:
    """Writes the statements that call the functions of one schema.

    Args:
        schema: The schema of the public functions; None finds them through the search_path.
    """

    def __init__(self, schema: str | None) -> None:
        if schema is None:
            self._schema = ""
        else:
            # A percent sign would begin a placeholder.
            quoted = schema.replace('"', '""').replace("%", "%%")
            self._schema = f'"{quoted}".'

    def rows(
        self, kind: type, function: str, casts: Mapping[str, str] | None = None, /, **types: str
    ) -> str:
        """Returns the statement for a function that returns rows of a dataclass.

        Args:
            kind: The dataclass.
            function: Name of the function.
            casts: Types to send columns as where it is not the column's own.
            types: The function's arguments, each with its type.
        """
        # The columns by name: dataclasses are filled by position.
        columns = ", ".join(
            f"{_column(field.name)}::{casts[field.name]}"
            if casts and field.name in casts
            else _column(field.name)
            for field in fields(cast("Any", kind))
        )
        return f"select {columns} from {self._call(function, types)} as r"

    def value(self, function: str, /, **types: str) -> str:
        """Returns the statement for a function that returns one value, or void."""
        return f"select {self._call(function, types)}"

    def named(self, relation: str) -> str:
        """Returns the name of a table or view, as to_regclass takes it."""
        return self._schema.replace("%%", "%") + relation

    def _call(self, function: str, types: Mapping[str, str]) -> str:
        arguments = ", ".join(f"{name} => %s::{kind}" for name, kind in types.items())
        return f"{self._schema}{function}({arguments})"


def _column(name: str) -> str:
    # The one column of ours that is a reserved word.
    return 'r."limit"' if name == "limit" else f"r.{name}"


def require_connection(caller: str, conn: object, kind: type) -> None:
    """Refuses a connection of another kind, whose calls would fail far from the mistake.

    Raises:
        TypeError: It is not of that class.
    """
    if not isinstance(conn, kind):
        raise TypeError(f"{caller} needs a psycopg.{kind.__name__}, not {type(conn).__name__}")


# The functions below take any object: their errors are for callers without a type checker.


def decimal_text(name: str, number: object) -> str:
    """Returns a number as numeric's input.

    Raises:
        TypeError: It is neither a Decimal nor an int; a bool does not count as an int.
    """
    if isinstance(number, Decimal):
        # PostgreSQL knows one NaN, without payload and sign, and refuses it by name.
        return "NaN" if number.is_nan() else str(number)
    if isinstance(number, int) and not isinstance(number, bool):
        return str(number)
    raise TypeError(
        f"{name} must be a Decimal or an int, not {type(number).__name__} {number!r}: "
        'write Decimal("12.34")'
    )


def optional_decimal_text(name: str, number: object) -> str | None:
    """Returns a number as numeric's input, or None for None.

    Raises:
        TypeError: It is neither a Decimal nor an int nor None.
    """
    return None if number is None else decimal_text(name, number)


def time_text(name: str, time: object) -> str | None:
    """Returns a time as timestamptz's input, or None for None.

    Raises:
        TypeError: It is not a datetime.
        ValueError: It has no time zone, so it does not say which moment it is.
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


def interval_text(name: str, duration: object) -> str | None:
    """Returns a duration as interval's input, or None for None.

    A day is sent as 24 hours, because that is its length in Python. PostgreSQL's days can be longer
    or shorter where clocks change.

    Raises:
        TypeError: It is not a timedelta.
    """
    if duration is None:
        return None
    if not isinstance(duration, timedelta):
        raise TypeError(f"{name} must be a timedelta, not {type(duration).__name__} {duration!r}")
    return f"{duration // timedelta(microseconds=1)} microseconds"


def range_text(name: str, numbers: object) -> str | None:
    """Returns a range of numbers as numrange's input, or None for None.

    Raises:
        TypeError: It is not a Range, or a bound of it is neither a Decimal nor an int nor None.
    """
    if numbers is None:
        return None
    if not isinstance(numbers, Range):
        raise TypeError(
            f"{name} must be a psycopg.types.range.Range, not {type(numbers).__name__} {numbers!r}"
        )
    given = cast("Range[Any]", cast("object", numbers))
    if given.isempty:
        return "empty"
    lower, upper = (
        optional_decimal_text(f"a bound of {name}", bound) or ""
        for bound in (given.lower, given.upper)
    )
    return f"{given.bounds[0]}{lower},{upper}{given.bounds[1]}"


def metadata_text(metadata: object) -> str | None:
    """Returns metadata as jsonb's input, or None for None.

    Raises:
        TypeError: It is not a mapping, or holds a value that JSON cannot hold.
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
        TypeError: It is not a bool. If None became false, a limit would change unnoticed.
    """
    if flag is True:
        return "t"
    if flag is False:
        return "f"
    raise TypeError(f"{name} must be True or False, not {flag!r}")


def optional_flag_text(name: str, flag: object) -> str | None:
    """Returns a flag as boolean's input, or None for None, which leaves the setting as it is.

    Raises:
        TypeError: It is neither a bool nor None.
    """
    return None if flag is None else flag_text(name, flag)


def integer_text(name: str, number: object) -> str:
    """Returns a whole number as integer's or bigint's input.

    Raises:
        TypeError: It is not an int; a bool does not count as an int.
    """
    if isinstance(number, int) and not isinstance(number, bool):
        return str(number)
    raise TypeError(f"{name} must be an int, not {type(number).__name__} {number!r}")


def optional_integer_text(name: str, number: object) -> str | None:
    """Returns a whole number as integer's or bigint's input, or None for None.

    Raises:
        TypeError: It is neither an int nor None.
    """
    return None if number is None else integer_text(name, number)


def array_text(name: str, elements: Iterable[object], *, of: str = "request") -> str:
    """Returns texts and nulls as an array's input.

    Args:
        name: What an element is.
        elements: The elements.
        of: What each element belongs to, for example a request: errors number these, from 1.

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
                f"{of} {len(quoted) + 1}: {name} must be a str, "
                f"not {type(element).__name__} {element!r}"
            )
    return "{" + ",".join(quoted) + "}"


def optional_array_text(
    name: str, elements: Sequence[str | None], *, of: str = "request"
) -> str | None:
    """Returns an array's input; None if it holds only nulls, as if it had been left out."""
    if all(element is None for element in elements):
        return None
    return array_text(name, elements, of=of)


def optional_tuple(elements: Iterable[str] | None) -> tuple[str, ...] | None:
    """Returns an array that came back as a tuple, which can be hashed, or None for null."""
    return None if elements is None else tuple(elements)
