"""History from elsewhere: the command ``pgledger import``.

The work is done by functions in the database, which everybody may call who may act as pgledger's
owner. Here rows are brought to them, in one transaction, and somebody is told how far it is.
"""

from typing import TYPE_CHECKING, Any

from .results import ImportFault, ImportProgress, ImportResult

if TYPE_CHECKING:
    from .run import import_history
else:

    def __getattr__(name: str) -> Any:
        # What talks to a database needs psycopg, and psycopg needs libpq.
        if name == "import_history":
            from .run import import_history

            return import_history
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


from .sources import CsvFiles, EarlierSchema

__all__ = [
    "CsvFiles",
    "EarlierSchema",
    "ImportFault",
    "ImportProgress",
    "ImportResult",
    "import_history",
]
