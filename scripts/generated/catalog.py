"""The public surface as a migrated database describes it: the one source of all that is generated.

A function's comment is its manual. Its paragraphs are: what it does; more about it; one line an
argument, ``name: …``; ``Returns: …``; ``Errors: …``. A line that goes on is indented. The texts of
arguments and of result columns end with ``one of: a, b`` and with ``, or null`` or ``; null for …``
where that holds.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

ROOT: Final = Path(__file__).resolve().parents[2]
REPEATABLE: Final = ROOT / "sql" / "repeatable"

Connection = psycopg.Connection[Any]

_NULL: Final = r"(?:,? or null|; null for [^;]+)"
# How a text says that null is taken, or can come, and perhaps what for.
NULL_AT_END: Final = re.compile(rf"{_NULL}\.?\Z")
_CHOICES: Final = re.compile(rf"\b[Oo]ne of: ([\w*]+(?:, [\w*]+)*?){_NULL}?\.?\Z")
_ENTRY: Final = re.compile(r"([a-z_]+): (.*)")
_ERROR: Final = re.compile(r"([A-Z]\w+)(?: \(([^()]*(?:\([^()]*\)[^()]*)*)\))?(?:, |\.\Z|\Z)")

# The order in which readers look for a capability's functions: by their verbs.
_VERBS: Final = (
    *("create", "set", "generate", "preview", "ingest", "record", "get", "find", "list", "query"),
    *("aggregate", "check", "remaining", "consume", "price", "account", "balance", "redeem"),
    *("update", "change", "refresh", "finalize", "mark", "pause", "resume", "cancel", "archive"),
    *("delete", "invalidate", "purge", "advance", "map", "unmap", "verify"),
)


class CommentError(Exception):
    """A comment does not have the form that the generators need."""


@dataclass(frozen=True)
class Field:
    """An argument of a function, or a column of a result.

    Attributes:
        name: Its name.
        type: Its SQL type, in PostgreSQL's short words.
        text: What the comment says of it.
        default: SQL expression of an argument's default; None if it has to be given.
        variadic: Whether it takes all further arguments.
    """

    name: str
    type: str
    text: str
    default: str | None = None
    variadic: bool = False

    @property
    def is_nullable(self) -> bool:
        """Whether null is taken, or can come."""
        return bool(NULL_AT_END.search(self.text))

    @property
    def choices(self) -> tuple[str, ...]:
        """The only values that it can have; empty if the comment lists none."""
        found = _CHOICES.search(self.text)
        return tuple(found[1].split(", ")) if found else ()


@dataclass(frozen=True)
class ResultType:
    """A composite type that functions return."""

    name: str
    text: str
    columns: tuple[Field, ...]


@dataclass(frozen=True)
class Function:
    """A public function.

    Attributes:
        name: Its name.
        folder: Its capability, for example ``catalogue``.
        arguments: Its arguments in order.
        result: SQL type of what comes back, without ``setof``.
        returns_set: Whether any number of rows comes back.
        summary: The first sentence of its comment.
        paragraphs: The rest of the comment, without the parts below.
        returns: What comes back, in words; empty for nothing.
        errors: Names of errors in the order of the checks, each with why, or None.
        other_errors: The paragraph about errors where it is not a list.
        roles: Roles that may call it.
        comment: The whole comment.
    """

    name: str
    folder: str
    arguments: tuple[Field, ...]
    result: str
    returns_set: bool
    summary: str
    paragraphs: tuple[str, ...]
    returns: str
    errors: tuple[tuple[str, str | None], ...]
    other_errors: str
    roles: tuple[str, ...]
    comment: str

    @property
    def is_billing(self) -> bool:
        """Whether it belongs to the billing store rather than to the ledger."""
        return self.name.startswith("ledger_")

    @property
    def may_return_nothing(self) -> bool:
        """Whether a row comes back, or none."""
        return self.returns.rstrip(".").endswith("or no row")


@dataclass(frozen=True)
class View:
    """A public view."""

    name: str
    folder: str
    text: str
    columns: tuple[Field, ...]
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Error:
    """A registered error."""

    code: str
    name: str
    message: str
    hint: str
    meaning: str


@dataclass(frozen=True)
class Catalog:
    """The whole surface."""

    functions: tuple[Function, ...]
    types: Mapping[str, ResultType]
    views: tuple[View, ...]
    errors: tuple[Error, ...]


def numbered_folders() -> dict[str, str]:
    """Returns the folders below ``sql/repeatable`` by the capabilities they are named after."""
    return {
        path.name.split("_", 1)[1]: path.name
        for path in sorted(REPEATABLE.iterdir())
        if path.is_dir() and any(path.rglob("*.sql"))
    }


def folders() -> dict[str, str]:
    """Returns the capability of each function's or view's file, by the name of the object."""
    return {
        path.stem: path.relative_to(REPEATABLE).parts[0].split("_", 1)[1]
        for path in REPEATABLE.rglob("*.sql")
    }


def read_catalog(connection: Connection) -> Catalog:
    """Reads the surface of a migrated database.

    Raises:
        CommentError: A comment does not have the form that it must have.
    """
    types = _read_types(connection)
    functions = _read_functions(connection)
    rows = connection.execute(
        "select code, name, message, hint, meaning from pgledger.error_registry()"
    ).fetchall()
    return Catalog(functions, types, _read_views(connection), tuple(Error(*row) for row in rows))


def bare_name(name: str) -> str:
    """Returns the name of a function or type without the prefix of its part."""
    return name.removeprefix("pg").removeprefix("ledger_")


def short_type(name: str) -> str:
    """Returns a type's name as people write it."""
    return name.replace("timestamp with time zone", "timestamptz")


def joined(lines: Sequence[str]) -> str:
    """Returns lines, each joined with the lines that continue it."""
    return " ".join(line.strip() for line in lines)


def _read_types(connection: Connection) -> dict[str, ResultType]:
    rows = connection.execute(
        """
        select
          pg_class.relname, attname, format_type(atttypid, null),
          col_description(pg_class.oid, attnum), obj_description(reltype, 'pg_type')
        from pg_class
        join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
        where relkind = 'c' and relnamespace = 'public'::regnamespace
        order by relname, attnum
        """
    ).fetchall()
    columns: dict[str, list[Field]] = {}
    texts: dict[str, str] = {}
    for name, column, kind, text, about in rows:
        columns.setdefault(name, []).append(Field(column, short_type(kind), text or ""))
        texts[name] = about or ""
    return {name: ResultType(name, texts[name], tuple(columns[name])) for name in columns}


def _read_views(connection: Connection) -> tuple[View, ...]:
    rows = connection.execute(
        r"""
        select
          relname,
          coalesce(obj_description(oid, 'pg_class'), ''),
          array(
            select array[
              attname, format_type(atttypid, null), coalesce(col_description(attrelid, attnum), '')
            ]
            from pg_attribute
            where attrelid = pg_class.oid and attnum > 0
            order by attnum
          ),
          array(
            select pg_get_userbyid(grantee)::text
            from aclexplode(relacl)
            where grantee not in (0, relowner) and privilege_type = 'SELECT'
            order by 1
          )
        from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'v'
        order by relname like '%\_view', relname
        """
    ).fetchall()
    places = folders()
    return tuple(
        View(
            name,
            places[name],
            text,
            tuple(Field(column, short_type(kind), about) for column, kind, about in columns),
            tuple(roles),
        )
        for name, text, columns, roles in rows
    )


def _read_functions(connection: Connection) -> tuple[Function, ...]:
    cursor = connection.cursor(row_factory=dict_row)
    rows = cursor.execute(
        r"""
        select
          proname as name,
          proretset as returns_set,
          format_type(prorettype, null) as result,
          coalesce(obj_description(oid, 'pg_proc'), '') as comment,
          provariadic <> 0 as is_variadic,
          array(
            select format_type(argument.type, null)
            from unnest(proargtypes) with ordinality as argument (type, place)
            order by place
          ) as types,
          coalesce(proargnames, '{}') as names,
          array(
            select pg_get_function_arg_default(pg_proc.oid, place::integer)
            from unnest(proargtypes) with ordinality as argument (type, place)
            order by place
          ) as defaults,
          array(
            select pg_get_userbyid(grantee)::text
            from aclexplode(proacl)
            where grantee not in (0, proowner) and privilege_type = 'EXECUTE'
            order by 1
          ) as roles
        from pg_proc
        where pronamespace = 'public'::regnamespace and proname ~ '^(pg)?ledger_'
        order by proname, pronargs
        """
    ).fetchall()
    places = folders()
    functions = [_function(row, places[row["name"]]) for row in rows]
    order = numbered_folders()
    return tuple(sorted(functions, key=lambda function: (order[function.folder], *_rank(function))))


def _rank(function: Function) -> tuple[int, str]:
    verb = bare_name(function.name).split("_")[0]
    return (_VERBS.index(verb) if verb in _VERBS else len(_VERBS), function.name)


def _function(row: Mapping[str, Any], folder: str) -> Function:
    comment: str = row["comment"]
    names: list[str] = row["names"][: len(row["types"])]
    texts: dict[str, str] = {}
    paragraphs: list[str] = []
    returns = errors = ""
    for place, paragraph in enumerate(comment.split("\n\n")):
        first = _ENTRY.match(paragraph)
        if paragraph.startswith("Returns: "):
            returns = joined(paragraph.removeprefix("Returns: ").split("\n"))
        elif paragraph.startswith("Errors"):
            errors = joined(paragraph.split("\n"))
        elif place > 0 and first and first[1] in names:
            texts = _entries(row["name"], paragraph)
        else:
            paragraphs.append(joined(paragraph.split("\n")))
    if list(texts) != names:
        raise CommentError(
            f"the comment of {row['name']} describes {', '.join(texts) or 'no argument'}; "
            f"its arguments are {', '.join(names) or 'none'}"
        )
    is_list = errors.startswith("Errors: ")
    return Function(
        name=row["name"],
        folder=folder,
        arguments=tuple(
            Field(
                name,
                short_type(kind),
                texts[name],
                default,
                row["is_variadic"] and place == len(names) - 1,
            )
            for place, (name, kind, default) in enumerate(
                zip(names, row["types"], row["defaults"], strict=True)
            )
        ),
        result=short_type(row["result"]),
        returns_set=row["returns_set"],
        summary=paragraphs[0],
        paragraphs=tuple(paragraphs[1:]),
        returns=returns,
        errors=_errors(row["name"], errors.removeprefix("Errors: ")) if is_list else (),
        other_errors="" if is_list else errors,
        roles=tuple(row["roles"]),
        comment=comment,
    )


def _entries(function: str, paragraph: str) -> dict[str, str]:
    entries: dict[str, str] = {}
    for line in paragraph.split("\n"):
        found = _ENTRY.match(line)
        if found:
            name = found[1]
            entries[name] = found[2]
        elif line.startswith("  ") and entries:
            entries[name] += " " + line.strip()
        else:
            raise CommentError(f"the comment of {function} has a line without a name: {line!r}")
    return entries


def _errors(function: str, text: str) -> tuple[tuple[str, str | None], ...]:
    found: list[tuple[str, str | None]] = []
    position = 0
    while position < len(text):
        match = _ERROR.match(text, position)
        if match is None:
            raise CommentError(f"the comment of {function} lists errors in another form: {text!r}")
        found.append((match[1], match[2]))
        position = match.end()
    return tuple(found)
