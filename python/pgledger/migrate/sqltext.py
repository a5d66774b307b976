"""SQL as text: where its statements end, and how values and names are quoted in it."""

import re
from collections.abc import Iterable
from typing import Final

_OPAQUE: Final = re.compile(
    r"""
    --[^\n]*
  | /\*
  | (?<![\w$])[eE]'(?:[^'\\]|\\.|'')*'
  | '(?:[^']|'')*'
  | "(?:[^"]|"")*"
  | (?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE: Final = re.compile(r"/\*|\*/")
CONCURRENTLY: Final = re.compile(r"\bconcurrently\b[ \t]*", re.IGNORECASE)
_OUR_ROLE: Final = r"pgledger_(?:owner|poster|reader|auditor|tenant|tenant_views)\b"
# Statements that grant something to our roles, make policies for them, or make them owners.
_GRANT: Final = re.compile(
    rf"""
    ^[ \t]*(?:
      grant\b [^;]*? \bto
      | create\s+policy\b [^;]*? \bto
      | alter\s+view\b [^;]*? \bowner\s+to
    )\s+
    (?P<grantees> {_OUR_ROLE} (?:\s*,\s*{_OUR_ROLE})* )
    (?= \s*(?:with\s+grant\s+option\s*)?; | \s+using\b | \s+with\s+check\b )
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)


def _comment_end(text: str, start: int) -> int:
    """Returns where a block comment ends; in SQL they nest."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(text)


def mask(text: str) -> str:
    """Returns SQL of the same length with comments, strings and quoted names blanked."""
    parts: list[str] = []
    position = 0
    while found := _OPAQUE.search(text, position):
        end = _comment_end(text, found.start()) if found[0] == "/*" else found.end()
        parts.append(text[position : found.start()])
        parts.append(re.sub(r"[^\n]", " ", text[found.start() : end]))
        position = end
    parts.append(text[position:])
    return "".join(parts)


def split_statements(text: str) -> list[str]:
    """Splits SQL at its semicolons, leaving those in strings, bodies and comments alone.

    Args:
        text: SQL statements, without psql's own commands.

    Returns:
        The statements without their semicolons; comments stay with the statement after them.
    """
    masked = mask(text)
    statements: list[str] = []
    start = 0
    for end in [found.start() for found in re.finditer(";", masked)] + [len(text)]:
        if masked[start:end].strip():
            statements.append(text[start:end].strip())
        start = end + 1
    return statements


def _replace(text: str, spans: Iterable[tuple[int, int]], new: str) -> str:
    parts: list[str] = []
    position = 0
    for start, end in spans:
        parts += [text[position:start], new]
        position = end
    parts.append(text[position:])
    return "".join(parts)


def without_roles(text: str) -> str:
    """Returns SQL in which the current role takes the place of pgledger's roles.

    This is for grants, row-security policies and the ownership of views.

    Args:
        text: An SQL file's contents.
    """
    return _replace(
        text, (found.span("grantees") for found in _GRANT.finditer(mask(text))), "current_user"
    )


def without_concurrently(text: str) -> str:
    """Returns SQL without the word CONCURRENTLY, for a database that nobody else uses yet."""
    return _replace(text, (found.span() for found in CONCURRENTLY.finditer(mask(text))), "")


def literal(value: str) -> str:
    """Quotes a text for SQL, under any setting of standard_conforming_strings."""
    quoted = value.replace("'", "''")
    return f"E'{quoted.replace(chr(92), chr(92) * 2)}'" if "\\" in value else f"'{quoted}'"


def identifier(name: str) -> str:
    """Quotes a name for SQL."""
    return '"' + name.replace('"', '""') + '"'
