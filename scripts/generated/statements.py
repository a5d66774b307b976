"""Writes ``_generated/*_statements.py``: the text of each call, and readers of its rows."""

from collections.abc import Mapping

from scripts.generated.catalog import Catalog, Function, ResultType
from scripts.generated.parts import (
    HEADER,
    Part,
    class_name,
    functions_of,
    method_name,
    row_name,
    row_types,
)
from scripts.generated.rows import COLUMN_TYPES


def casts_of(kind: ResultType) -> dict[str, str]:
    """Returns the columns that are sent as json, in which numbers keep their digits."""
    return {
        column.name: "json"
        for column in kind.columns
        if column.type == "jsonb" and column.name != "metadata"
    }


def row_readers(kind: ResultType) -> dict[str, str]:
    """Returns the function that reads a column's value, if the loader alone is not enough."""
    readers = {}
    for column in kind.columns:
        if column.name in COLUMN_TYPES:
            readers[column.name] = COLUMN_TYPES[column.name][1]
        elif column.type == "text[]":
            readers[column.name] = "optional_tuple"
    return readers


def statements_module(catalog: Catalog, part: Part) -> str:
    types = row_types(catalog, part)
    classes = ", ".join(sorted(class_name(kind.name) for kind in types))
    readers = sorted({reader for kind in types for reader in row_readers(kind).values()})
    lines = (
        "from pgledger._invoice_lines import invoice_lines\n" if "invoice_lines" in readers else ""
    )
    wire = ["Calls", "row_factory", *(r for r in readers if r != "invoice_lines")]
    rows = "\n".join(
        f"{row_name(kind.name)} = row_factory("
        + ", ".join(
            [class_name(kind.name), *(f"{name}={by}" for name, by in row_readers(kind).items())]
        )
        + ")"
        for kind in types
    )
    casts = "\n".join(
        f"_{class_name(kind.name).upper()}_CASTS = {casts_of(kind)!r}"
        for kind in types
        if casts_of(kind)
    )
    by_folder: dict[str, list[Function]] = {}
    for function in functions_of(catalog, part):
        by_folder.setdefault(function.folder, []).append(function)
    body = "".join(
        f"\n    def _add_{folder}(self, calls: Calls) -> None:\n"
        + "".join(statement(function, catalog.types) for function in functions)
        for folder, functions in by_folder.items()
    )
    added = "".join(f"        self._add_{folder}(calls)\n" for folder in by_folder)
    name = f"{part.owner}Statements"
    return f'''{HEADER}
"""A statement for each function of {part.what}, and what reads the rows that come back."""

from functools import lru_cache

{lines}from pgledger._wire import {", ".join(wire)}
from pgledger._generated.{part.name}_rows import {classes}

{rows}

{casts}


class {name}:
    """The text of every call, for one schema of the public surface."""

    def __init__(self, schema: str | None) -> None:
        calls = Calls(schema)
{added}{body}

@lru_cache
def statements_for(schema: str | None) -> {name}:
    """Returns the statements for a schema, or for the search_path if it is None."""
    return {name}(schema)
'''


def statement(function: Function, types: Mapping[str, ResultType]) -> str:
    given = "".join(f', {argument.name}="{argument.type}"' for argument in function.arguments)
    target = f"        self.{method_name(function)} = calls."
    kind = types.get(function.result)
    if kind is None:
        return f'{target}value("{function.name}"{given})\n'
    casts = f", _{class_name(kind.name).upper()}_CASTS" if casts_of(kind) else ""
    return f'{target}rows({class_name(kind.name)}, "{function.name}"{casts}{given})\n'
