"""The forms of an export: what is written at the beginning, for each row, and at the end."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import Final, Protocol

from pgledger.migrate.results import MigrationError

from .asked import Export, Format
from .names import OPENING, account_name, commodity
from .rows import Account, Transfer


class Writer(Protocol):
    """Makes the text of one form, in pieces."""

    has_accounts: bool

    def head(self, asked: Export, first: str, currencies: Iterable[str]) -> Iterator[str]:
        """Begins; ``first`` is the earliest time of all rows."""
        ...

    def account(self, account: Account) -> str:
        """Declares an account that occurs."""
        ...

    def opening(self, account: Account) -> str:
        """Says what a balance was at the beginning."""
        ...

    def transfer(self, transfer: Transfer) -> str:
        """Writes a transfer."""
        ...

    def closing(self, account: Account, last: str) -> str:
        """Says what a balance is at the end; ``last`` is the latest time of all rows."""
        ...


_COLUMNS: Final = (
    *("record", "id", "created_at", "event_at"),
    *("from_account_id", "from_account_name", "from_tenant_id"),
    *("to_account_id", "to_account_name", "to_tenant_id"),
    *("amount", "currency", "group_id", "origin_id", "metadata"),
)


class CsvWriter:
    """One line a record, under a line of names."""

    has_accounts = False

    def __init__(self) -> None:
        self._buffer = io.StringIO()
        self._csv = csv.writer(self._buffer, lineterminator="\r\n")

    def _line(self, cells: Iterable[str | None]) -> str:
        self._buffer.seek(0)
        self._buffer.truncate()
        self._csv.writerow(list(cells))
        return self._buffer.getvalue()

    def head(self, asked: Export, first: str, currencies: Iterable[str]) -> Iterator[str]:  # noqa: ARG002
        """Writes the names of the columns."""
        yield self._line(_COLUMNS)

    def account(self, account: Account) -> str:  # noqa: ARG002
        """Accounts are not declared."""
        return ""

    def _balance(self, record: str, account: Account) -> str:
        who = (account.id, account.name, account.tenant_id)
        cells = (*who, account.balance, account.currency, None, None, None)
        return self._line((record, *(None,) * 6, *cells))

    def opening(self, account: Account) -> str:
        """Writes a balance in the columns of the account that is reached."""
        return self._balance("opening", account)

    def transfer(self, transfer: Transfer) -> str:
        """Writes a transfer."""
        return self._line(
            (
                *("transfer", transfer.id, transfer.created_at, transfer.event_at),
                *(transfer.from_account_id, transfer.from_account_name, transfer.from_tenant_id),
                *(transfer.to_account_id, transfer.to_account_name, transfer.to_tenant_id),
                *(transfer.amount, transfer.currency, transfer.group_id, transfer.origin_id),
                transfer.metadata,
            )
        )

    def closing(self, account: Account, last: str) -> str:  # noqa: ARG002
        """Writes a balance as at the beginning."""
        return self._balance("closing", account)


class JsonWriter:
    """One JSON object a line. Numbers are texts, because readers make floats of numbers."""

    has_accounts = False

    def head(self, asked: Export, first: str, currencies: Iterable[str]) -> Iterator[str]:  # noqa: ARG002
        """There is none."""
        yield from ()

    def account(self, account: Account) -> str:  # noqa: ARG002
        """Accounts are not declared."""
        return ""

    def _balance(self, record: str, account: Account) -> str:
        return _json(
            {
                "record": record,
                "account_id": account.id,
                "account_name": account.name,
                "tenant_id": account.tenant_id,
                "balance": account.balance,
                "currency": account.currency,
            }
        )

    def opening(self, account: Account) -> str:
        """Writes a balance."""
        return self._balance("opening", account)

    def transfer(self, transfer: Transfer) -> str:
        """Writes a transfer; its metadata is as PostgreSQL has it."""
        values = {
            name: getattr(transfer, name) for name in _COLUMNS if name not in {"record", "metadata"}
        }
        line = _json({"record": "transfer", **values})
        return f'{line[:-2]}, "metadata": {_in_one_line(transfer.metadata or "null")}}}\n'

    def closing(self, account: Account, last: str) -> str:  # noqa: ARG002
        """Writes a balance."""
        return self._balance("closing", account)


def _json(value: Mapping[str, str | None]) -> str:
    return _in_one_line(json.dumps(value, ensure_ascii=False)) + "\n"


# Ends of lines to some readers, which JSON allows in texts.
_LINE_ENDS: Final = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def _in_one_line(text: str) -> str:
    return text.translate(_LINE_ENDS)


def _day(at: str) -> date:
    """Returns the day of a time, in UTC.

    Raises:
        MigrationError: The year has not four digits.
    """
    found = re.match(r"(\d{4}-\d\d-\d\d)T(?!.*BC)", at)
    if found is None or found[1] >= "9999-12-31":
        raise MigrationError(
            f"the time {at} is not a date that beancount and hledger know",
            "Leave it out with --from and --until, or choose csv or json.",
        )
    return date.fromisoformat(found[1])


def _tags(transfer: Transfer) -> Iterator[tuple[str, str]]:
    yield "id", transfer.id
    yield "recorded-at", transfer.created_at
    if transfer.event_at != transfer.created_at:
        yield "event-at", transfer.event_at
    if transfer.group_id is not None:
        yield "group", transfer.group_id
    if transfer.origin_id is not None:
        yield "origin", transfer.origin_id
    if transfer.metadata is not None:
        yield "metadata", transfer.metadata


def _scope(asked: Export) -> Iterator[str]:
    yield f"Books of the app {json.dumps(asked.app_id)} by the time an entry was " + (
        "recorded." if asked.axis == "recorded" else "for."
    )
    if asked.from_time is not None:
        yield f"From {asked.from_time.isoformat()}."
    if asked.until is not None:
        yield f"Before {asked.until.isoformat()}."
    if asked.prefix is not None:
        yield f"Accounts at and below {json.dumps(asked.prefix)} whole; others only in part."
    if asked.account_ids:
        yield f"Accounts {' '.join(asked.account_ids)} whole; others only in part."


_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


# What beancount computes with; it would round what is longer.
_DIGITS: Final = 28
_OTHERS: Final = "Choose hledger, csv or json."


def _number(text: str) -> str:
    """Returns a number for beancount.

    Raises:
        MigrationError: beancount would round it.
    """
    if len(text) > _DIGITS and len(text.lstrip("-").replace(".", "").strip("0")) > _DIGITS:
        raise MigrationError(
            f"{text} has more digits than the {_DIGITS} that beancount computes with",
            _OTHERS,
        )
    return text


def _quoted(text: str) -> str:
    """Returns a text as beancount writes one."""
    return '"' + "".join(_ESCAPES.get(character, character) for character in text) + '"'


class BeancountWriter:
    """A journal for beancount."""

    has_accounts = True

    def __init__(self) -> None:
        self._first = date.min
        # Of each currency what was moved in all, and the most decimal places.
        self._moved: dict[str, tuple[Fraction, int]] = {}

    def _added(self, currency: str, text: str) -> str:
        """Returns a number that beancount adds to others of its currency.

        No balance on the way exceeds the sum of all, so where that has few enough digits, with as
        many decimal places as any number, nothing is rounded.

        Raises:
            MigrationError: beancount might round a sum.
        """
        moved, places = self._moved.get(currency, (Fraction(), 0))
        moved += abs(Fraction(text))
        places = max(places, len(text.partition(".")[2]))
        self._moved[currency] = moved, places
        if len(str(int(moved))) + places > _DIGITS:
            raise MigrationError(
                f"{currency} has numbers of {places} decimal places, and what moved comes to "
                f"{int(moved)}: more digits than the {_DIGITS} that beancount computes with",
                _OTHERS,
            )
        return _number(text)

    def head(self, asked: Export, first: str, currencies: Iterable[str]) -> Iterator[str]:
        """Says what this is, and declares currencies."""
        self._first = _day(first)
        for line in _scope(asked):
            yield f"; {line}\n"
        yield "\n"
        for currency in currencies:
            yield f"{self._first} commodity {commodity(currency)}\n  name: {_quoted(currency)}\n"
        yield f"{self._first} open {OPENING}\n"

    def account(self, account: Account) -> str:
        """Opens an account, with its own name and id."""
        name = account_name(account.id, account.name)
        tenant = f"  tenant: {_quoted(account.tenant_id)}\n" if account.tenant_id else ""
        return (
            f"{self._first} open {name} {commodity(account.currency)}\n"
            f"  id: {_quoted(account.id)}\n  name: {_quoted(account.name)}\n{tenant}"
        )

    def opening(self, account: Account) -> str:
        """Writes what was there before as a transaction of its own."""
        unit = commodity(account.currency)
        return (
            f'\n{self._first} * "Opening balance"\n'
            f"  {account_name(account.id, account.name)}"
            f"  {self._added(account.currency, account.balance)} {unit}\n"
            f"  {OPENING}  {negated(account.balance)} {unit}\n"
        )

    def transfer(self, transfer: Transfer) -> str:
        """Writes a transaction of two postings."""
        unit = commodity(transfer.currency)
        tags = "".join(f"  {key}: {_quoted(value)}\n" for key, value in _tags(transfer))
        source = account_name(transfer.from_account_id, transfer.from_account_name)
        target = account_name(transfer.to_account_id, transfer.to_account_name)
        return (
            f'\n{_day(transfer.at)} * ""\n{tags}'
            f"  {target}  {self._added(transfer.currency, transfer.amount)} {unit}\n"
            f"  {source}  {negated(transfer.amount)} {unit}\n"
        )

    def closing(self, account: Account, last: str) -> str:
        """Asserts a balance exactly, at the beginning of the next day."""
        day = _day(last) + timedelta(days=1)
        name = account_name(account.id, account.name)
        unit = commodity(account.currency)
        return f"\n{day} balance {name}  {_number(account.balance)} ~ 0 {unit}\n"


class HledgerWriter:
    """A journal for hledger."""

    has_accounts = True

    def __init__(self) -> None:
        self._first = date.min
        self._has_closing = False

    def head(self, asked: Export, first: str, currencies: Iterable[str]) -> Iterator[str]:
        """Says what this is, and how numbers are written."""
        self._first = _day(first)
        for line in _scope(asked):
            yield f"; {_comment(line)}\n"
        yield "\ndecimal-mark .\n\n"
        for currency in currencies:
            yield f"commodity {_symbol(currency)}  ; {_comment(currency)}\n"
        yield f"account {OPENING}\n"

    def account(self, account: Account) -> str:
        """Declares an account, with its own name and id."""
        tenant = f"    ; tenant:{_comment(account.tenant_id)}\n" if account.tenant_id else ""
        return (
            f"account {account_name(account.id, account.name)}\n"
            f"    ; id:{account.id}\n    ; name:{_comment(account.name)}\n{tenant}"
        )

    def opening(self, account: Account) -> str:
        """Writes what was there before as a transaction of its own."""
        return (
            f"\n{self._first} * Opening balance\n"
            f"    {account_name(account.id, account.name)}  "
            f"{account.balance} {_symbol(account.currency)}\n"
            f"    {OPENING}  {negated(account.balance)} {_symbol(account.currency)}\n"
        )

    def transfer(self, transfer: Transfer) -> str:
        """Writes a transaction of two postings."""
        unit = _symbol(transfer.currency)
        tags = "".join(f"    ; {key}:{_comment(value)}\n" for key, value in _tags(transfer))
        source = account_name(transfer.from_account_id, transfer.from_account_name)
        target = account_name(transfer.to_account_id, transfer.to_account_name)
        return (
            f"\n{_day(transfer.at)} * {transfer.id}\n{tags}"
            f"    {target}  {transfer.amount} {unit}\n"
            f"    {source}  {negated(transfer.amount)} {unit}\n"
        )

    def closing(self, account: Account, last: str) -> str:
        """Asserts a balance exactly, after everything else."""
        head = "" if self._has_closing else f"\n{_day(last)} * Closing balances\n"
        self._has_closing = True
        unit = _symbol(account.currency)
        name = account_name(account.id, account.name)
        return f"{head}    {name}  0 {unit} = {account.balance} {unit}\n"


def negated(number: str) -> str:
    """Returns the number with the other sign."""
    return number[1:] if number.startswith("-") else f"-{number}"


def _symbol(currency: str) -> str:
    name = commodity(currency)
    return name if name.isalpha() else f'"{name}"'


def _comment(text: str) -> str:
    """Returns a text for one line, in which hledger sees nothing of its own: commas end a tag."""
    return re.sub(
        r"[%,\[\]\x00-\x1f\x7f-\x9f\u2028\u2029]",
        lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()),
        text,
    )


WRITERS: Final[Mapping[Format, type[Writer]]] = {
    "csv": CsvWriter,
    "json": JsonWriter,
    "beancount": BeancountWriter,
    "hledger": HledgerWriter,
}
