"""Writes ``docs/reference/``: a page for each capability, one for roles, and their contents."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from scripts.generated.capabilities import CAPABILITIES
from scripts.generated.catalog import Catalog, Error, Field, Function, ResultType, View

HEADER: Final = (
    "<!-- Written by scripts/build_catalog.py from the comments in sql/: change those. -->"
)

INTRODUCTION: Final = """\
# Reference

Every public function, view, type, role and error of pgledger, as a migrated database describes
them. They are in the schema that the migration was told, `public` unless it was told another. What
the words mean is in [concepts](../concepts.md); how to use them, in the [tutorial](../tutorial.md)
and the [billing tutorial](../billing-tutorial.md).

The ledger's names begin with `pgledger_`, those of the billing store with `ledger_`. The store has
plans, subscriptions, usage, entitlements, coupons and invoices. Each of its calls says whose data
it is about: `app_id`, and `tenant_id` where it is a tenant's. What belongs to others is not found.
How an invoice is computed is in [billing](../billing.md).

Arguments with a default may be left out, and any argument may be given by its name:
`event_at => '2025-07-01T12:34:56Z'`. Functions that return a row are called in FROM:
`select * from ledger_get_plan(…)`. The column `limit` is named like a word of SQL, so it is quoted
where it is selected: `"limit"`.

Python's `Ledger` has a method for each function that is about accounts and transfers, `Billing` one
for each of billing's, with the same names: `help(pgledger.Ledger)` and `help(pgledger.Billing)`
show them. In `psql`, `\\x on` and `\\df+ ledger_create_plan` show what stands here.

Nobody can write through a view. A view whose name ends in `_v1` never changes its columns; the one
that ends in `_view` is its newest version. Types of results grow at their end only."""

ROLES: Final = {
    "pgledger_poster": "makes accounts and transfers, writes what billing keeps, and reads",
    "pgledger_reader": "reads through the views and the reading functions",
    "pgledger_auditor": "reads everything, the private tables included, and verifies",
    "pgledger_tenant": (
        "is for the database roles of single tenants: each reads its own rows, through the views "
        "`ledger_tenant_…`"
    ),
}
# Roles that may post or audit are members of the readers.
MEMBERS: Final = {"pgledger_reader": ("pgledger_poster", "pgledger_auditor")}

ROLES_TEXT: Final = """\
`pgledger_owner` owns everything and cannot log in. The others cannot log in either: grant them to
your own roles."""

ERRORS_TEXT: Final = """\
SQLSTATEs of class `LG`. In Python each is a class of that name in `pgledger.errors`, below
`PgledgerError`. `%s` stands for a value. The errors of a batch begin with `request N of M: `,
counted from 1. The same table is the view `pgledger_errors_v1`.

None of them is cured by running the same transaction again at once. Those that are
are PostgreSQL's own:
`40001` (serialization failure), `40P01` (deadlock) and `55P03` (lock not available), which
`run_transaction` retries."""

TENANT_VIEWS_TEXT: Final = """\
The views `ledger_tenant_…` are for database roles that
[are a tenant's](../operations.md#database-roles-of-tenants), and only for them. Each has the
columns of the view without `tenant_` in its name, and the rows of that tenant."""


def pages(catalog: Catalog) -> dict[str, str]:
    """Returns the text of each page by its file's name."""
    texts = {
        f"{folder}.md": page(catalog, folder, title, about)
        for folder, (title, about) in CAPABILITIES.items()
        if _has_page(catalog, folder)
    }
    texts["roles.md"] = roles_page(catalog)
    texts["README.md"] = contents(catalog)
    return {name: f"{HEADER}\n\n{text}\n" for name, text in texts.items()}


def _has_page(catalog: Catalog, folder: str) -> bool:
    return any(thing.folder == folder for thing in _things(catalog))


def _things(catalog: Catalog) -> list[Function | View]:
    return [*catalog.functions, *catalog.views]


def contents(catalog: Catalog) -> str:
    """Returns the page that leads to the others."""
    parts = [INTRODUCTION]
    for folder, (title, about) in CAPABILITIES.items():
        if not _has_page(catalog, folder):
            continue
        names = dict.fromkeys(f.name for f in catalog.functions if f.folder == folder)
        parts += [f"## [{title}]({folder}.md)", about]
        if names:
            parts.append(", ".join(f"[`{name}`]({folder}.md#{name})" for name in names) + ".")
    parts += ["## [Roles](roles.md)", "Which role may call and read what."]
    return "\n\n".join(parts)


def page(catalog: Catalog, folder: str, title: str, about: str) -> str:
    functions = [function for function in catalog.functions if function.folder == folder]
    views = [view for view in catalog.views if view.folder == folder]
    types = [catalog.types[name] for name in _types_of(catalog, folder, functions)]
    listed: dict[str, str] = {}
    for function in functions:
        listed.setdefault(function.name, function.summary)
    parts = [f"# {title}", about]
    if listed:
        parts.append(
            "\n".join(f"- [`{name}`](#{name}): {code_in(what)}" for name, what in listed.items())
        )
    if types:
        parts.append(
            "Types: " + ", ".join(f"[`{kind.name}`](#{kind.name})" for kind in types) + "."
        )
    if views:
        parts.append(
            "Views: " + ", ".join(f"[`{view.name}`](#{view.name})" for view in views) + "."
        )
    if functions:
        parts += ["## Functions", *_function_entries(functions, catalog.errors, folder)]
    if types:
        parts.append("## Types")
        for kind in types:
            parts += [f"### {kind.name}", code_in(kind.text), columns_table(kind.columns)]
    if views:
        parts += ["## Views"]
        if any(view.name.startswith("ledger_tenant_") for view in views):
            parts.append(TENANT_VIEWS_TEXT)
        for view in views:
            parts += [f"### {view.name}", code_in(view.text), view_columns(view, types)]
    if folder == "core":
        parts += ["## Errors", ERRORS_TEXT, errors_table(catalog.errors)]
    return "\n\n".join(parts)


def _types_of(catalog: Catalog, folder: str, functions: Sequence[Function]) -> list[str]:
    """Returns the types that functions of this capability use, and of no earlier one."""
    earlier = {
        name
        for function in catalog.functions
        for name in _types_in(catalog, function)
        if list(CAPABILITIES).index(function.folder) < list(CAPABILITIES).index(folder)
    }
    own = dict.fromkeys(name for function in functions for name in _types_in(catalog, function))
    return [name for name in own if name not in earlier]


def _types_in(catalog: Catalog, function: Function) -> list[str]:
    named = (function.result, *(argument.type.rstrip("[]") for argument in function.arguments))
    return [name for name in named if name in catalog.types]


def _function_entries(
    functions: Iterable[Function], errors: Sequence[Error], folder: str
) -> list[str]:
    parts: list[str] = []
    seen: set[str] = set()
    for function in functions:
        if function.name not in seen:
            parts.append(f"### {function.name}")
            seen.add(function.name)
        parts += [indented(signature(function)), manual(function, errors, folder)]
    return parts


def signature(function: Function) -> str:
    """Returns a function's declaration, one argument a line where there are several."""
    arguments = [
        ("variadic " if argument.variadic else "")
        + f"{argument.name} {argument.type}"
        + ("" if argument.default is None else f" default {_default(argument)}")
        for argument in function.arguments
    ]
    inner = ",\n".join(f"  {argument}" for argument in arguments)
    listed = f"\n{inner}\n" if len(arguments) > 1 else "".join(arguments)
    returns = ("setof " if function.returns_set else "") + function.result
    return f"{function.name}({listed}) returns {returns}"


def _default(argument: Field) -> str:
    value = re.sub(r"::[a-z ]+(?:\[\])?$", "", argument.default or "")
    return "null" if value == "NULL" else value


def manual(function: Function, errors: Sequence[Error], folder: str) -> str:
    """Lays out a function's comment: what it does, arguments, what comes back, errors."""
    parts = [code_in(function.summary), *(code_in(text) for text in function.paragraphs)]
    if function.arguments:
        parts.append(
            "\n".join(f"- `{one.name}`: {code_in(one.text)}" for one in function.arguments)
        )
    if function.returns:
        parts.append(f"Returns: {code_in(function.returns)}")
    known = {error.name for error in errors}
    page_of_errors = "" if folder == "core" else "core.md"
    if function.errors:
        listed = ", ".join(
            (f"[{name}]({page_of_errors}#errors)" if name in known else name)
            + (f" ({code_in(why)})" if why else "")
            for name, why in function.errors
        )
        parts.append(f"Errors: {listed}.")
    elif function.other_errors:
        parts.append(code_in(function.other_errors))
    return "\n\n".join(parts)


def view_columns(view: View, types: Iterable[ResultType]) -> str:
    """Returns a table of a view's columns, or a link to the type that has the same ones."""
    names = [column.name for column in view.columns]
    for kind in types:
        if [column.name for column in kind.columns][: len(names)] == names:
            return f"Its columns are those of [`{kind.name}`](#{kind.name}), up to `{names[-1]}`."
    if not any(column.text for column in view.columns):
        return "Columns: " + ", ".join(f"`{name}`" for name in names) + "."
    return columns_table(view.columns)


def columns_table(columns: Iterable[Field]) -> str:
    return table(
        ("column", "type", "meaning"),
        [(f"`{column.name}`", column.type, code_in(column.text)) for column in columns],
    )


def errors_table(errors: Iterable[Error]) -> str:
    return table(
        ("code", "name", "meaning", "message", "what to do"),
        [
            (
                f"`{error.code}`",
                error.name,
                code_in(error.meaning),
                f"`{error.message}`",
                code_in(error.hint),
            )
            for error in sorted(errors, key=lambda error: error.code)
        ],
    )


def roles_page(catalog: Catalog) -> str:
    """Returns the page that says which role may call and read what."""
    allowed: dict[str, set[str]] = {}
    for thing in _things(catalog):
        roles = set(thing.roles)
        for role, members in MEMBERS.items():
            if role in roles:
                roles.update(members)
        allowed.setdefault(thing.name, set()).update(roles)
    cells = [
        (f"`{name}`", *("yes" if role in roles else "" for role in ROLES))
        for name, roles in allowed.items()
    ]
    described = "\n".join(f"- `{name}` {what}." for name, what in ROLES.items())
    return "\n\n".join(
        ("# Roles", ROLES_TEXT, described, table(("", *(f"`{name}`" for name in ROLES)), cells))
    )


def code_in(text: str) -> str:
    """Returns a comment in which names of ours and JSON are set as code."""
    parts: list[str] = []
    position = 0
    # JSON, and calls written out with dots for their arguments.
    for found in re.finditer(r"\[?\{.*\}\]?|\(?\b\w+\(\.\.\.\)(?:\)\.\*)?", text):
        parts += [_names_as_code(text[position : found.start()]), f"`{found[0]}`"]
        position = found.end()
    return "".join([*parts, _names_as_code(text[position:])])


def _names_as_code(text: str) -> str:
    return re.sub(
        r"(?<![\w`])([a-z][a-z0-9]*(?:_[a-z0-9]+)+(?:_?\*)?|(?:pgl[a-z]|plan|feat|sub|evt|cpn|red|inv"
        r"|pay|li)_(?![\w…]))"
        # The app of all apps.
        r"|(?<![^ (])(\*)(?=[ ;.,)])",
        lambda found: f"`{found[0]}`",
        text,
    )


def indented(text: str) -> str:
    """Returns an indented block of code: a fenced one would tell readers to run it."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(cell(value) for value in row)} |" for row in rows]
    return "\n".join(lines)
