"""The migrator's own SQL: the files below ``sql/install``, with values put in.

Each file is one statement below a comment that says who runs it and when. Some are run from Python,
some are part of scripts for psql, some both. So all take values in the same way: ``:name`` is
replaced by the quoted literal of a value. This also works in DO blocks, where neither psycopg nor
psql replace anything. ``-- include: FILE`` stands for another file's statement, and
``:include_NAME`` for the array of its rows.
"""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .files import SQL_DIR
from .sqltext import literal

_HEADER: Final = re.compile(r"\A/\*.*?\*/\n", re.DOTALL)
_INCLUDE: Final = re.compile(r"^( *)-- include: (\w+\.sql)$", re.MULTILINE)
# The rows of another file as an array, where an expression has to stand.
_INCLUDED_ROWS: Final = re.compile(r":include_(\w+)")
# Not a cast (::), not an assignment (:=), and not part of a word.
_PLACEHOLDER: Final = re.compile(r"(?<![:\w]):([a-z][a-z0-9_]*)\b")


@dataclass(frozen=True, slots=True)
class Expression:
    """An SQL expression, which is put in as it is; all other values are quoted.

    Attributes:
        text: The expression. It must never hold anything that a user gave.
    """

    text: str


Value = str | int | Sequence[str] | Expression | None


def install_sql(name: str, /, **values: Value) -> str:
    """Returns a file's statement with its semicolon, ready to run.

    Args:
        name: The file's name.
        **values: What its placeholders, and those of the files that it includes, stand for.
    """
    quoted = {key: _quoted(value) for key, value in values.items()}
    return _PLACEHOLDER.sub(lambda found: quoted[found[1]], _statement(name))


@functools.cache
def _statement(name: str) -> str:
    text = (SQL_DIR / "install" / name).read_bytes().replace(b"\r\n", b"\n").decode()
    text = _INCLUDE.sub(_included, _HEADER.sub("", text))
    return _INCLUDED_ROWS.sub(_included_rows, text)


def _included_rows(found: re.Match[str]) -> str:
    return f"array({_statement(f'{found[1]}.sql').rstrip().removesuffix(';')})"


def _included(found: re.Match[str]) -> str:
    text = _statement(found[2]).rstrip().removesuffix(";")
    return "\n".join(f"{found[1]}{line}" if line else "" for line in text.split("\n"))


def _quoted(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return literal(value)
    # One a line, because the script lists a hundred names.
    parts = ",".join(f"\n      {literal(part)}" for part in value)
    return f"array[{parts}]::text[]"
