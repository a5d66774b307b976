"""Public ids: a prefix, an underscore and a ULID, such as ``pgla_01JTVST7XAES5BXHWZN4KR4VEZ``.

Each function here gives the same bits and the same errors as the SQL function of the same purpose,
without asking a database.

An id is never corrected. Many readers of ULIDs accept lower case, and read I, L and O as digits.
Here these are errors, because a mistyped id may be the id of something else.
"""

import os
import re
import time
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from ulid import ULID

from pgledger.errors import InvalidId, InvalidIdPrefix, InvalidTime

__all__ = [
    "PREFIXES",
    "ParsedId",
    "generate",
    "is_valid",
    "parse",
    "timestamp",
    "ulid_to_uuid",
    "uuid_to_ulid",
]

PREFIXES = MappingProxyType(
    {
        "account": "pgla",
        "transfer": "pglt",
        "entry": "pgle",
        "plan": "plan",
        "feature": "feat",
        "subscription": "sub",
        "usage_event": "evt",
        "invoice": "inv",
        "invoice_line": "li",
        "payment": "pay",
        "coupon": "cpn",
        "coupon_redemption": "red",
    }
)
"""Prefixes of ids, by the kind of record."""

_PREFIX = re.compile("[a-z]{1,16}")
_ULID = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Two characters for each 10 bits.
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(first + second for first in _DIGITS for second in _DIGITS)
_PAIR_SHIFTS = tuple(range(120, -1, -10))

# An error shows no more than this many characters of a wrong value.
_SHOWN_CHARACTERS = 64


class ParsedId(NamedTuple):
    """An id in its parts.

    Attributes:
        prefix: What the id is for, for example ``pgla``.
        ulid: 26 characters.
        uuid: The same 128 bits.
    """

    prefix: str
    ulid: str
    uuid: UUID


def parse(id: str, prefix: str | None = None) -> ParsedId:  # noqa: A002
    """Takes an id apart, and refuses one that is not exactly right.

    The database makes the same check for every id it is given.

    Args:
        id: The id.
        prefix: Which prefix it must have; None takes any.

    Raises:
        InvalidId: It is malformed or has another prefix; the message says how.
        InvalidIdPrefix: ``prefix`` is not 1 to 16 lower-case letters.
    """
    if prefix is not None:
        _require_prefix(prefix)
        if not id.startswith(f"{prefix}_"):
            raise _invalid(id, f"it does not begin with {prefix}_")
        found = prefix
    else:
        found, underscore, _ = id.partition("_")
        if not underscore or not _PREFIX.fullmatch(found):
            raise _invalid(id, "it does not begin with a prefix of 1 to 16 letters a-z and _")
    ulid = id[len(found) + 1 :]
    fault = _ulid_fault(ulid)
    if fault is not None:
        raise _invalid(id, fault)
    return ParsedId(found, ulid, ULID.from_str(ulid).to_uuid())


def is_valid(id: str, prefix: str | None = None) -> bool:  # noqa: A002
    """Says whether :func:`parse` would accept an id.

    Args:
        id: The id.
        prefix: Which prefix it must have; None takes any.

    Raises:
        InvalidIdPrefix: ``prefix`` is not 1 to 16 lower-case letters.
    """
    try:
        parse(id, prefix)
    except InvalidId:
        return False
    return True


def generate(prefix: str) -> str:
    """Makes an id by this machine's clock, without a database.

    Made as ``pgledger_generate_id`` makes its own: underneath is a UUIDv7 of RFC 9562 with
    microseconds. Use it to choose the id of an account or a transfer before the call that makes
    it, so that the call can be repeated. Ids of different machines, or of the same microsecond,
    have no particular order.

    Args:
        prefix: What it is for: 1 to 16 lower-case letters, for example ``PREFIXES["transfer"]``.

    Returns:
        The prefix, an underscore and a ULID.

    Raises:
        InvalidIdPrefix: The prefix is something else.
    """
    _require_prefix(prefix)
    milliseconds, microseconds = divmod(time.time_ns() // 1000, 1000)
    fraction = microseconds * 4096 // 1000
    random_bits = int.from_bytes(os.urandom(8)) >> 2
    bits = milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | random_bits
    # By pairs, because a batcher makes an id for each request: a third of the time of ULID's own.
    return f"{prefix}_{''.join([_PAIRS[bits >> shift & 1023] for shift in _PAIR_SHIFTS])}"


def ulid_to_uuid(ulid: str) -> UUID:
    """Returns the UUID of the same 128 bits as a ULID, as ``pgledger_ulid_to_uuid`` does.

    Args:
        ulid: 26 characters, without a prefix.

    Raises:
        InvalidId: It is malformed; the message says how.
    """
    fault = _ulid_fault(ulid)
    if fault is not None:
        raise _invalid(ulid, fault)
    return ULID.from_str(ulid).to_uuid()


def uuid_to_ulid(uuid: UUID) -> str:
    """Returns the ULID of the same 128 bits as a UUID, as ``pgledger_uuid_to_ulid`` does.

    Args:
        uuid: Any UUID; it need not be one made from a time.

    Returns:
        26 characters, without a prefix.
    """
    return str(ULID.from_uuid(uuid))


def timestamp(id: str) -> datetime:  # noqa: A002
    """Returns the time inside an id, as ``pgledger_id_timestamp`` does.

    Args:
        id: An id with its prefix, or a ULID without.

    Returns:
        An aware datetime in UTC, in whole milliseconds.

    Raises:
        InvalidId: It is malformed; the message says how.
        InvalidTime: It is a time after the year 9999, which a ULID can hold and a datetime cannot.
    """
    prefix, underscore, rest = id.partition("_")
    ulid = rest if underscore and _PREFIX.fullmatch(prefix) else id
    fault = _ulid_fault(ulid)
    if fault is not None:
        raise _invalid(id, fault)
    try:
        return _EPOCH + timedelta(milliseconds=ULID.from_str(ulid).milliseconds)
    except OverflowError:
        raise InvalidTime(f"the time inside {id} is after the year 9999") from None


def _require_prefix(prefix: str) -> None:
    if not _PREFIX.fullmatch(prefix):
        raise InvalidIdPrefix(f"{_quoted(prefix)} is not a valid prefix for ids")


def _ulid_fault(ulid: str) -> str | None:
    # The same faults in the same order and words as pgledger.ulid_fault in the database.
    if _ULID.fullmatch(ulid):
        return None
    if len(ulid) != 26:
        return f"its ULID has {len(ulid)} characters instead of 26"
    if re.search("[a-z]", ulid):
        return "its ULID has lower-case letters"
    if re.search("[ILOU]", ulid):
        return "I, L, O and U are not used in a ULID"
    if not re.fullmatch("[0-9A-Z]*", ulid):
        return "its ULID has characters other than 0-9 and A-Z"
    return "the first character of its ULID is above 7, which is more than 128 bits hold"


def _invalid(value: str, fault: str) -> InvalidId:
    return InvalidId(f"{_quoted(value)} is not a valid id: {fault}")


def _quoted(value: str) -> str:
    # As quote_literal writes it, so that both sides' messages are equal.
    if len(value) > _SHOWN_CHARACTERS:
        value = value[: _SHOWN_CHARACTERS - 3] + "..."
    shown = value.replace("'", "''")
    if "\\" in shown:
        return "E'" + shown.replace("\\", "\\\\") + "'"
    return f"'{shown}'"
