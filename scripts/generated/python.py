"""Writes those modules of pgledger that are generated: rows, statements, calls and errors."""

from scripts.generated.calls import calls_module
from scripts.generated.catalog import Catalog
from scripts.generated.errors import errors_module
from scripts.generated.parts import BILLING, LEDGER, functions_of, method_name
from scripts.generated.rows import rows_module
from scripts.generated.statements import statements_module
from scripts.generated.words import Words


def modules(catalog: Catalog) -> dict[str, str]:
    """Returns the text of each module, by its file's name. Ruff has still to lay it out."""
    calls = {
        function.name: f"{part.owner}.{method_name(function)}"
        for part in (LEDGER, BILLING)
        for function in functions_of(catalog, part)
    }
    texts = {"errors.py": errors_module(catalog.errors, calls)}
    for part in (LEDGER, BILLING):
        words = Words(calls, part.owner)
        texts[f"_generated/{part.name}_rows.py"] = rows_module(catalog, part, words)
        texts[f"_generated/{part.name}_statements.py"] = statements_module(catalog, part)
        texts[f"_generated/{part.name}_async.py"] = calls_module(catalog, part, words)
    return texts
