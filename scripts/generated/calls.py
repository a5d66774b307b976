"""Writes ``_generated/*_async.py``: a method for each function."""

import json
import keyword
import re
from typing import Final

from scripts.generated.catalog import Catalog, CommentError, Field, Function
from scripts.generated.parts import (
    HEADER,
    SCALARS,
    Part,
    class_name,
    functions_of,
    json_type,
    literal,
    method_name,
    row_name,
    row_types,
)
from scripts.generated.words import Words, block, escaped, sentence

# Functions whose methods take something else than the function's arguments. Their statements are
# generated. Their methods are written by hand, in pgledger._ledger_async, pgledger._holds_async and
# pgledger._billing_async.
BY_HAND: Final = frozenset(
    {
        "pgledger_create_holds_bulk",
        "pgledger_create_holds_outcomes",
        "pgledger_create_transfers_bulk",
        "pgledger_create_transfers_bulk_by_name",
        "pgledger_create_transfers_bulk_count",
        "pgledger_create_transfers_bulk_ids",
        "pgledger_post_holds_bulk",
        "pgledger_create_transfers_outcomes",
        "pgledger_preview_transfers",
        "ledger_ingest_usage",
    }
)


def calls_module(catalog: Catalog, part: Part, words: Words) -> str:
    functions = [f for f in functions_of(catalog, part) if f.name not in BY_HAND]
    methods = "\n".join(method(function, catalog, words) for function in functions)
    types = row_types(catalog, part)
    classes = ", ".join(sorted(class_name(kind.name) for kind in types))
    rows = ", ".join(sorted(row_name(kind.name) for kind in types))
    texts = set(re.findall(r"\b(\w+_text)\(", methods))
    json_texts = ", ".join(sorted(texts & _JSON_TEXTS))
    json_import = f"from pgledger._wire_json import {json_texts}\n" if json_texts else ""
    return f'''{HEADER}
"""The calls of {part.what}'s functions on an asynchronous connection, a method each."""

# ruff: noqa: A002 -- arguments are named as in SQL, where an id is an id

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

from psycopg import AsyncConnection
from psycopg.rows import scalar_row
from psycopg.types.range import Range

from pgledger._calling_async import AsyncCaller
from pgledger._generated.{part.name}_rows import {classes}
from pgledger._generated.{part.name}_statements import {rows}, statements_for
from pgledger._wire import {", ".join(sorted(texts - _JSON_TEXTS))}
{json_import}

class Async{part.owner}Calls(AsyncCaller):
    """A method for each function of {part.what}."""

    __slots__ = ("_statements",)

    def __init__(self, conn: AsyncConnection[Any], *, schema: str | None = None) -> None:
        super().__init__(conn, schema=schema)
        self._statements = statements_for(schema)

{methods}'''


_JSON_TEXTS: Final = frozenset({"sequence_text", "mapping_text", "keys_text", "numbers_text"})


def parameter(argument: Field) -> str:
    """Returns an argument as a method declares it."""
    if argument.choices:
        kind = literal(argument.choices)
    elif argument.type == "numeric":
        kind = "Decimal | int"
    elif argument.type == "text[]":
        kind = "Iterable[str]"
    elif argument.type == "numeric[]":
        kind = "Iterable[Decimal | int]"
    elif argument.type == "jsonb":
        kind = json_type(argument)
    else:
        kind = SCALARS[argument.type]
    if argument.is_nullable:
        kind += " | None"
    if argument.default is None:
        return f"{argument.name}: {kind}"
    return f"{argument.name}: {kind} = {python_default(argument)}"


# A constant as PostgreSQL writes it: "3", "1.5", "true", "NULL::text", "'it''s'::text".
_CONSTANT: Final = re.compile(
    r"(?:(?P<word>NULL|true|false)|(?P<number>-?\d+(?:\.\d+)?)|'(?P<text>(?:[^']|'')*)')"
    r"(?:::[a-z ]+(?:\[\])?)?"
)
_EMPTY_JSON: Final = {"[]": "()", "{}": "MappingProxyType({})"}
_CLOCK: Final = re.compile(r"(?=.)(?:(\d+) days)? ?(?:(\d+):(\d\d):(\d\d))?")


def python_default(argument: Field) -> str:
    """Returns a default in Python's words.

    Raises:
        CommentError: It is not one of a few simple constants.
    """
    found = _CONSTANT.fullmatch(argument.default or "")
    if found is None:
        raise _unknown_default(argument)
    text = (found["text"] or "").replace("''", "'")
    # A negative number comes in quotes.
    number = found["number"] or text
    if found["word"] == "NULL" or (found["word"] and argument.type == "boolean"):
        return {"NULL": "None", "true": "True", "false": "False"}[found["word"]]
    if argument.type in {"integer", "bigint", "numeric"} and re.fullmatch(r"-?\d+", number):
        return number
    if argument.type == "numeric" and re.fullmatch(r"-?\d+\.\d+", number):
        return f'Decimal("{number}")'
    if argument.type in {"text", "name"} and found["text"] is not None:
        return json.dumps(text, ensure_ascii=False)
    if argument.type == "jsonb" and text in _EMPTY_JSON:
        return _EMPTY_JSON[text]
    clock = _CLOCK.fullmatch(text)
    if argument.type == "interval" and clock:
        units = ("days", "hours", "minutes", "seconds")
        parts = zip(units, (int(part or 0) for part in clock.groups()), strict=True)
        return f"timedelta({', '.join(f'{unit}={value}' for unit, value in parts if value)})"
    raise _unknown_default(argument)


def _unknown_default(argument: Field) -> CommentError:
    return CommentError(
        f"the default of {argument.name}, {argument.default}, has no form in Python: "
        "let it be null, or teach scripts/generated/calls.py"
    )


def check_argument(function: str, argument: Field) -> None:
    """Refuses an argument that no method can have.

    Raises:
        CommentError: Its name or its type is none for Python.
    """
    if keyword.iskeyword(argument.name) or argument.name == "self":
        raise CommentError(f"{function} has an argument {argument.name}, a word that Python keeps")
    if argument.type not in SENDERS and argument.type != "jsonb":
        raise CommentError(
            f"{function} has an argument {argument.name} of type {argument.type}, which has no "
            "form in Python: teach scripts/generated/calls.py, or write its method by hand"
        )


# The function that makes the text to send, by the argument's type. {optional} stands where there is
# also a function that takes None.
SENDERS: Final = {
    "text": "{name}",
    "name": "{name}",
    "boolean": '{optional}flag_text("{name}", {name})',
    "integer": '{optional}integer_text("{name}", {name})',
    "bigint": '{optional}integer_text("{name}", {name})',
    "numeric": '{optional}decimal_text("{name}", {name})',
    "timestamptz": 'time_text("{name}", {name})',
    "interval": 'interval_text("{name}", {name})',
    "numrange": 'range_text("{name}", {name})',
    "text[]": 'keys_text("{name}", {name})',
    "numeric[]": 'numbers_text("{name}", {name})',
}


def sent(argument: Field) -> str:
    """Returns the expression that makes the text to send from an argument."""
    if argument.type == "jsonb":
        if argument.name == "metadata":
            return "metadata_text(metadata)"
        is_array = json_type(argument).startswith("Sequence")
        sender = "sequence_text" if is_array else "mapping_text"
        return f'{sender}("{argument.name}", {argument.name})'
    return SENDERS[argument.type].format(
        name=argument.name, optional="optional_" if argument.is_nullable else ""
    )


def method(function: Function, catalog: Catalog, words: Words) -> str:
    for argument in function.arguments:
        check_argument(function.name, argument)
    required = [parameter(one) for one in function.arguments if one.default is None]
    optional = [parameter(one) for one in function.arguments if one.default is not None]
    parameters = ["self", *required, *(["*"] if optional else []), *optional]
    values = "".join(f"{sent(argument)}, " for argument in function.arguments)
    call = f"self._statements.{method_name(function)}, ({values}))"
    if function.result == "void":
        result = "None"
        body = f"await self._fetch_first(scalar_row, {call}"
    elif function.result not in catalog.types:
        result = SCALARS[function.result]
        if _NULL_RESULT.search(function.returns):
            result += " | None"
        body = f"value: {result} = await self._fetch_one(scalar_row, {call}\n        return value"
    else:
        row = class_name(function.result)
        if not function.returns_set:
            result, how = row, "_fetch_one"
        elif function.may_return_nothing:
            result, how = f"{row} | None", "_fetch_first"
        else:
            result, how = f"list[{row}]", "_fetch_all"
        body = f"return await self.{how}({row_name(function.result)}, {call}"
    return f'''
    async def {method_name(function)}({", ".join(parameters)},) -> {result}:
        """{docstring(function, catalog, words)}
        """
        {body}
'''


_NULL_RESULT: Final = re.compile(r"\bor null\.?\Z")


def docstring(function: Function, catalog: Catalog, words: Words) -> str:
    """Returns a method's docstring without its quotes."""
    names = [argument.name for argument in function.arguments]
    summary = words.pythonic(function.summary, names).rstrip(".")
    paragraphs = [words.pythonic(paragraph, names) for paragraph in function.paragraphs]
    paragraphs = [p for p in paragraphs if ").*" not in p]
    if len(summary) + len(function.name) <= 78:
        parts = [f"{summary}: ``{function.name}``."]
    else:
        parts = [f"{summary}."]
        paragraphs.append(f"Calls ``{function.name}``.")
    parts += [block(paragraph, " " * 8) for paragraph in paragraphs]
    if function.arguments:
        parts.append(
            "        Args:\n"
            + "\n".join(
                block(words.pythonic(argument.text, names), " " * 12, first=f"{argument.name}: ")
                for argument in function.arguments
            )
        )
    if function.returns:
        returns = words.pythonic(function.returns, names)
        returns = re.sub(r",? or no row\.?\Z", ", or None.", returns)
        parts.append("        Returns:\n" + block(returns, " " * 12))
    if function.errors:
        meanings = {error.name: error.meaning for error in catalog.errors}
        lines = []
        for name, why in function.errors:
            reason = why if why is not None else re.split(r"(?<=[.;])\s", meanings[name])[0]
            text = sentence(words.pythonic(reason.rstrip(";."), names))
            lines.append(block(text, " " * 12, first=f"{name}: "))
        parts.append("        Raises:\n" + "\n".join(lines))
    elif function.other_errors:
        parts.append(block(words.pythonic(function.other_errors, names), " " * 8))
    return escaped("\n\n".join(parts))
