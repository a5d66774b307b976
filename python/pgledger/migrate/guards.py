"""How everything of ours should stand: owners, rights, triggers, row security, settings.

The list and the comparison are functions of the database, below ``sql/repeatable``, where
``pgledger_verify()`` calls them. Here their bodies are run as one query, out of the package's
files: what a database says of itself decides about nothing that an administrator then executes.
"""

import contextlib
import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from .decision import Decision, Reason, decide
from .files import SqlFile
from .install import Expression, install_sql
from .results import Fault, MigrationError
from .session import Cursor, execute, fetch
from .sqltext import literal
from .state import State, read_state
from .trust import read_owner

LIST: Final = "expected_guards"
_WHOLE: Final = "guard_faults"
# The functions that one query is made of.
_PARTS: Final = frozenset(
    {
        _WHOLE,
        LIST,
        "actual_guards",
        "owner_faults",
        "policies",
        "policy_faults",
        "right_words",
        "rights_added",
        "rights_held",
        "rights_missing",
        "rights_wanted",
        "row_security_faults",
        "setting_faults",
        "trigger_faults",
    }
)
_FUNCTION: Final = re.compile(
    r"create or replace function (?:@extschema@\.|pgledger\.)?\w+\((?P<parameters>[^)]*)\)\s+"
    r"returns table \((?P<columns>[^)]*)\).*?\bas \$\$\n(?P<body>.*?)\n\$\$;",
    re.DOTALL,
)
# They depend on the surface alone: each is one part of the query, which several others read.
_SHARED: Final = (LIST, "actual_guards", "policies", "rights_held", "rights_wanted")
_CALL: Final = re.compile(
    r"\bpgledger\.(?P<name>\w+)\((?P<arguments>[^()]*)\) as (?P<alias>\w+)(?P<named> \()?"
)


@dataclass(frozen=True, slots=True)
class _Function:
    parameters: tuple[str, ...]
    columns: tuple[str, ...]
    body: str


def _first_words(text: str) -> tuple[str, ...]:
    return tuple(part.split()[0] for part in text.split(",") if part.strip())


def _functions(files: Sequence[SqlFile]) -> Mapping[str, _Function]:
    """Returns the functions of the comparison; none of them where files have no list."""
    found: dict[str, _Function] = {}
    for file in files:
        name = file.name.rpartition("/")[2].removesuffix(".sql")
        if file.kind == "repeatable" and name in _PARTS:
            match = _FUNCTION.search(file.text)
            if match is not None:
                found[name] = _Function(
                    _first_words(match["parameters"]), _first_words(match["columns"]), match["body"]
                )
    return found if found.keys() >= _PARTS else {}


def _expanded(name: str, functions: Mapping[str, _Function]) -> str:
    """Returns a function's body with the bodies of those that it calls in the places of the calls.

    What a caller passes on is a parameter of its own or a column, so all values can be put in at
    the end.
    """

    def put_in(call: re.Match[str]) -> str:
        function = functions.get(call["name"])
        if function is None:
            return call[0]
        body = _expanded(call["name"], functions)
        arguments = [part.strip() for part in call["arguments"].split(",")]
        for parameter, argument in zip(function.parameters, arguments, strict=False):
            body = re.sub(rf"\b{call['name']}\.{parameter}\b", argument, body)
        columns = "" if call["named"] else f" ({', '.join(function.columns)})"
        source = call["name"] if call["name"] in _SHARED else f"(\n{body}\n)"
        return f"{source} as {call['alias']}{columns}{call['named'] or ''}"

    return _CALL.sub(put_in, functions[name].body)


def faults_query(
    files: Sequence[SqlFile], surface: str, *, roles: bool, known: Sequence[int] | None = None
) -> str | None:
    """Returns the query for all faults, as the body of ``guard_faults`` has them.

    Args:
        files: The package's files.
        surface: Schema of the public functions and views.
        roles: Whether pgledger's own roles are to own everything.
        known: Objects that were there before this migration; None if all were.

    Returns:
        The query; None where the files have no list.
    """
    functions = _functions(files)
    if not functions:
        return None
    values = {
        "surface": f"{literal(surface)}::name",
        "with_roles": "true" if roles else "false",
        "known": "null::oid[]" if known is None else f"array[{', '.join(map(str, known))}]::oid[]",
    }
    shared = ",\n".join(
        f"{name} ({', '.join(functions[name].columns)}) as materialized (\n"
        f"{_expanded(name, functions)}\n)"
        for name in _SHARED
    )
    return re.sub(
        rf"\b(?:{'|'.join((_WHOLE, *_SHARED))})\.({'|'.join(values)})\b",
        lambda found: values[found[1]],
        f"with {shared}\n{_expanded(_WHOLE, functions)}",
    )


@dataclass(frozen=True, slots=True)
class Findings:
    """What a look at a database has found.

    Attributes:
        faults: What stands otherwise than it should.
        others: What others were given besides, in words.
    """

    faults: tuple[Fault, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def need_files(self) -> bool:
        """Whether functions and views have to be made again.

        What has another owner may be another function altogether: it has to get its body back with
        its owner.
        """
        return any(
            fault.mended_by == "files" or re.match(r"the (function|view) .* belongs", fault.text)
            for fault in self.faults
        )


def read_findings(
    cursor: Cursor, files: Sequence[SqlFile], surface: str, *, roles: bool
) -> Findings:
    """Looks at everything, with the rights of whoever is connected: catalogs are readable."""
    query = faults_query(files, surface, roles=roles)
    if query is None:
        return Findings()
    with _bare_path(cursor):
        found = fetch(cursor, query)
    rows = [Fault(aspect, text, mended_by) for aspect, text, _, mended_by in found]
    return Findings(
        tuple(fault for fault in rows if fault.mended_by != "nobody"),
        tuple(fault.text for fault in rows if fault.mended_by == "nobody"),
    )


def known_objects(cursor: Cursor, surface: str) -> list[int]:
    """Returns the objects of our schemas, before a migration makes others."""
    return [row[0] for row in fetch(cursor, install_sql("read_known.sql", surface=surface))]


def mend_sql(
    files: Sequence[SqlFile],
    surface: str,
    *,
    roles: bool,
    mended_by: str,
    known: Sequence[int] | None = None,
) -> str:
    """Returns what puts right what the current role can put right."""
    query = faults_query(files, surface, roles=roles, known=known)
    if query is None:
        return ""
    return install_sql("mend.sql", faults=Expression(f"({query})"), mended_by=mended_by)


def hand_over(cursor: Cursor, files: Sequence[SqlFile], state: State, decision: Decision) -> None:
    """Puts right what the owner could not: who the owner is."""
    execute(cursor, mend_sql(files, decision.surface, roles=decision.roles, mended_by="migrator"))
    owner = read_owner(cursor)
    if owner is not None and owner.name != decision.owner:
        raise MigrationError(
            f"the schema pgledger belongs to {owner.name}, not to {decision.owner}, and "
            f"{state.user} may not hand it over",
            f"It was restored without its owners. Connect as {owner.name} or as a superuser; "
            "or use --no-roles, and everything belongs to whoever owns the schema.",
        )


def look(
    cursor: Cursor,
    files: Sequence[SqlFile],
    schema: str | None,
    *,
    roles: bool,
    accept_newer: bool = False,
    to_look: bool = False,
) -> tuple[State, Decision, Findings]:
    """Looks at a database, and decides what to do.

    What new files bring is not missing yet. Where functions or views have to be made again, all
    files of functions and views are applied.
    """
    state = read_state(cursor, files, to_look=to_look)
    decision = decide(state, files, schema, roles=roles, accept_newer=accept_newer)
    # What a newer release made is compared with its own list, not with ours.
    if decision.fresh or decision.newer_version is not None:
        return state, decision, Findings()
    findings = read_findings(cursor, files, decision.surface, roles=decision.roles)
    if decision.files:
        kept = tuple(fault for fault in findings.faults if fault.aspect != "missing")
        return state, decision, replace(findings, faults=kept)
    if findings.need_files:
        again = tuple(file for file in files if file.kind == "repeatable")
        reasons: dict[str, Reason] = {file.name: "wrong" for file in again}
        decision = replace(decision, files=again, reasons=reasons)
    return state, decision, findings


@contextlib.contextmanager
def _bare_path(cursor: Cursor) -> Generator[None]:
    """Lets statements find only PostgreSQL's own functions and operators, whatever was planted."""
    before = fetch(cursor, "select pg_catalog.current_setting('search_path')")[0][0]
    set_path = "select pg_catalog.set_config('search_path', %s, true)"
    execute(cursor, set_path, ("pg_catalog, pg_temp",))
    yield
    execute(cursor, set_path, (before,))
