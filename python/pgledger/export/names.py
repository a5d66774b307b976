"""Names of accounts and currencies in the words that beancount and hledger allow.

An account's last part is its id without the prefix, so no two accounts ever share a name, and the
account is known by it whatever becomes of the rest. The rest is for people: what a program would
not read stands there as a dash.
"""

import functools
import hashlib
import re
import unicodedata
from typing import Final

# The first part of a path that says what kind of account it is; all others are among the last one.
_KINDS: Final = {
    "assets": "Assets",
    "liabilities": "Liabilities",
    "equity": "Equity",
    "income": "Income",
    "expenses": "Expenses",
}
_OTHERS: Final = ("Equity", "Ledger")
# No account of a ledger has this name, because it does not end with an id.
OPENING: Final = "Equity:Opening-Balances"

_PLAIN_COMMODITY: Final = re.compile(r"[A-Z][A-Z0-9'._]{0,22}[A-Z0-9]")
# Words of beancount's own.
_WORDS: Final = {"TRUE", "FALSE", "NULL"}


def account_name(account_id: str, name: str) -> str:
    """Returns the name of an account: kind, parts of its path, id.

    Args:
        account_id: Id of the account, pgla_ and a ULID.
        name: Its name in the ledger.
    """
    kind, *rest = name.split(".")
    parts = [_KINDS[kind], *map(_part, rest)] if kind in _KINDS and rest else None
    if parts is None:
        parts = [*_OTHERS, *map(_part, name.split("."))]
    return ":".join([*parts, account_id.partition("_")[2]])


@functools.lru_cache(maxsize=10_000)
def _part(text: str) -> str:
    kept = "".join(
        character
        if unicodedata.category(character) in {"Lu", "Ll", "Lt", "Lm", "Lo", "Nd"}
        else "-"
        for character in unicodedata.normalize("NFC", text)
    )
    first = kept[:1].upper()
    if len(first) == 1 and unicodedata.category(first) in {"Lu", "Nd"}:
        return first + kept[1:]
    return f"X{kept}"


@functools.lru_cache(maxsize=10_000)
def commodity(currency: str) -> str:
    """Returns a currency's name: its own where that is allowed.

    Others begin with ``X-``, which no name that is kept has, and end with a part of their hash, so
    that two currencies never share a name.
    """
    if _PLAIN_COMMODITY.fullmatch(currency) and currency not in _WORDS:
        return currency
    readable = re.sub(r"[^A-Z0-9]", "", currency.upper())[:8]
    digest = hashlib.sha256(currency.encode()).hexdigest()[:12].upper()
    return "-".join(part for part in ("X", readable, digest) if part)
