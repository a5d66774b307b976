"""Writes ``_generated/*_rows.py``: a frozen dataclass for each type that functions return."""

from typing import Final

from scripts.generated.catalog import Catalog, Field, ResultType
from scripts.generated.parts import (
    BILLING,
    HEADER,
    SCALARS,
    Part,
    class_name,
    json_type,
    literal,
    row_types,
)
from scripts.generated.words import Words, block, escaped

# Columns of JSON that are read into classes of their own.
COLUMN_TYPES: Final = {"line_items": ("tuple[InvoiceLine, ...]", "invoice_lines")}

# Properties that a row has besides its columns.
PROPERTIES: Final = {
    "pgledger_check": '''
    @property
    def ok(self) -> bool:
        """Whether nothing breaks the rule."""
        return self.violations == 0
'''
}

# Rows that can stand wherever another can: they have its columns, and some of them are never null.
BASES: Final = {"ledger_invoice": "ledger_invoice_preview"}


# Columns that rows got after they were first made: who makes one by hand may leave them out.
LATER: Final = frozenset({"origin_id"})


def annotation(field: Field) -> str:
    """Returns the Python type of a result's column."""
    if field.choices:
        kind = literal(field.choices)
    elif field.name in COLUMN_TYPES:
        kind = COLUMN_TYPES[field.name][0]
    elif field.type == "text[]":
        kind = "tuple[str, ...]"
    elif field.type == "jsonb":
        kind = json_type(field)
    else:
        kind = SCALARS[field.type]
    return f"{kind} | None" if field.is_nullable else kind


def rows_module(catalog: Catalog, part: Part, words: Words) -> str:
    # What others extend comes first.
    types = sorted(row_types(catalog, part), key=lambda kind: kind.name in BASES)
    lines = "from pgledger._invoice_lines import InvoiceLine\n" if part is BILLING else ""
    names = ", ".join(f'"{name}"' for name in sorted(class_name(kind.name) for kind in types))
    head = f'''{HEADER}
"""Rows that {part.what}'s functions return, as frozen dataclasses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

{lines}
__all__ = [{names}]
'''
    return head + "".join(row_class(kind, words) for kind in types)


def field_options(column: Field) -> str:
    """Returns the options of a column's field in its dataclass."""
    # Lists and dicts cannot be hashed, and the id alone is enough to tell rows apart.
    if column.type == "jsonb":
        return " = field(hash=False)"
    # It is about the call and not the row: a transfer equals itself, whichever call returned it.
    if column.name == "replayed":
        may_be_none = annotation(column).endswith("None")
        return f" = field({'default=None, ' if may_be_none else ''}compare=False)"
    if column.name in LATER:
        return " = None"
    return ""


def row_class(kind: ResultType, words: Words) -> str:
    names = [column.name for column in kind.columns]
    attributes = escaped(
        "\n".join(
            block(words.pythonic(column.text, names), " " * 8, first=f"{column.name}: ")
            for column in kind.columns
        )
    )
    fields = "\n".join(
        f"    {column.name}: {annotation(column)}{field_options(column)}" for column in kind.columns
    )
    base = f"({class_name(BASES[kind.name])})" if kind.name in BASES else ""
    summary = words.pythonic(kind.text, names).rstrip(".")
    if len(summary) + len(kind.name) <= 84:
        summary += f": ``{kind.name}``."
    else:
        summary += f".\n\n    The type ``{kind.name}``."
    return f'''

@dataclass(frozen=True, slots=True)
class {class_name(kind.name)}{base}:
    """{escaped(summary)}

    Attributes:
{attributes}
    """

{fields}
{PROPERTIES.get(kind.name, "")}'''
