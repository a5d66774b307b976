"""Writes the books down for other programs: as CSV, as JSON, for beancount and for hledger."""

from typing import TYPE_CHECKING, Any

from .asked import Axis, Export, Format

if TYPE_CHECKING:
    from .run import ExportProgress, ExportResult, export
else:

    def __getattr__(name: str) -> Any:
        # What talks to a database needs psycopg, and psycopg needs libpq; the help does not.
        if name in {"ExportProgress", "ExportResult", "export"}:
            from . import run

            return getattr(run, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["Axis", "Export", "ExportProgress", "ExportResult", "Format", "export"]
