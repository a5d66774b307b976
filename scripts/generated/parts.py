"""What all generated Python has in common: the two parts, names, types."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from scripts.generated.catalog import Catalog, Field, Function, ResultType, bare_name

HEADER: Final = "# Written by scripts/build_catalog.py from the comments in sql/: change those.\n"

# Functions without a method: the two forms of a batch that people write in SQL by hand, and
# functions that pgledger.ids has its own form of, which asks no database.
WITHOUT_METHOD: Final = frozenset(
    {
        "pgledger_create_transfers",
        "pgledger_create_transfers_from_rows",
        "pgledger_id_timestamp",
        "pgledger_ulid_to_uuid",
        "pgledger_uuid_to_ulid",
    }
)
SCALARS: Final = {
    "text": "str",
    "name": "str",
    "boolean": "bool",
    "integer": "int",
    "bigint": "int",
    "numeric": "Decimal",
    "numeric[]": "list[Decimal]",
    "timestamptz": "datetime",
    "interval": "timedelta",
    "numrange": "Range[Decimal]",
}


@dataclass(frozen=True)
class Part:
    """One of the two systems: the ledger or the billing store.

    Attributes:
        name: The word for it in names of modules.
        prefix: The beginning of its functions' names.
        owner: The class whose methods users call.
        what: Its name in docstrings of modules.
    """

    name: str
    prefix: str
    owner: str
    what: str


LEDGER: Final = Part("ledger", "pgledger_", "Ledger", "the ledger")
BILLING: Final = Part("billing", "ledger_", "Billing", "the billing store")


def functions_of(catalog: Catalog, part: Part) -> list[Function]:
    """Returns the functions that have a method, in the order of the reference."""
    return [
        function
        for function in catalog.functions
        if function.name.startswith(part.prefix) and function.name not in WITHOUT_METHOD
    ]


def method_name(function: Function) -> str:
    """Returns the name of a function's method."""
    return bare_name(function.name).replace("_bulk", "")


def class_name(type_name: str) -> str:
    """Returns the name of a result type's dataclass."""
    bare = bare_name(type_name)
    return "".join(word.capitalize() for word in bare.split("_"))


def row_types(catalog: Catalog, part: Part) -> list[ResultType]:
    """Returns the types of the rows that a part's functions return, each once."""
    names = dict.fromkeys(function.result for function in functions_of(catalog, part))
    return [catalog.types[name] for name in names if name in catalog.types]


def row_name(type_name: str) -> str:
    return bare_name(type_name).upper() + "_ROW"


def literal(choices: Iterable[str]) -> str:
    return "Literal[" + ", ".join(f'"{one}"' for one in choices) + "]"


def json_type(field: Field) -> str:
    """Returns the Python type of JSON: the comment says whether it is an object or an array."""
    if "JSON array" in field.text:
        return "Sequence[Mapping[str, Any]]"
    return "Mapping[str, Any]"
