"""Writes ``sql/repeatable/*/README.md``: the map of each folder, from the call graph.

Calls, tables and locks are found in the words of the bodies: the name after ``pgledger.``, whether
a bracket follows it, and the words before ``for update``. Comments and strings do not count.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scripts.generated.capabilities import CAPABILITIES
from scripts.generated.catalog import (
    REPEATABLE,
    ROOT,
    Catalog,
    Connection,
    Function,
    numbered_folders,
)
from scripts.generated.parts import method_name

HEADER: Final = "<!-- Written by scripts/build_catalog.py from the SQL beside it: change that. -->"

# What everything calls to check, to fail and to make ids; listed nowhere but in its own map.
CORE: Final = "00_core"

_COMMENTS: Final = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_STRINGS: Final = re.compile(r"'(?:[^']|'')*'")
_CALL: Final = re.compile(r"\b(?:pgledger\.)?([a-z]\w*)\s*\(")
_TABLE: Final = re.compile(r"\bpgledger\.(\w+)\b(?!\s*\()")
_WRITE: Final = re.compile(r"\b(?:insert\s+into|update|delete\s+from)\s+pgledger\.(\w+)")
_FROM: Final = re.compile(r"\b(?:from|join)\s+pgledger\.(\w+)\b(?!\s*\()")
_LOCK: Final = re.compile(r"\bfor\s+(no\s+key\s+update|update|key\s+share|share)\b")


@dataclass
class Room:
    """A function as its body shows it.

    Attributes:
        name: Its name.
        folder: The numbered folder that it stands in.
        summary: The first sentence of its comment.
        calls: Functions of ours that it calls itself.
        reads: Tables that it reads.
        writes: Tables that it writes.
        locks: Tables whose rows it locks, each with the kind of lock.
    """

    name: str
    folder: str
    summary: str
    calls: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    locks: set[str] = field(default_factory=set)


def read_rooms(connection: Connection) -> dict[str, Room]:
    """Returns all functions of ours by name; overloads count as one."""
    tables = {
        name
        for (name,) in connection.execute(
            "select relname from pg_class "
            "where relnamespace = 'pgledger'::regnamespace and relkind in ('r', 'p')"
        ).fetchall()
    }
    rows = connection.execute(
        """
        select proname, prosrc, coalesce(obj_description(oid, 'pg_proc'), '')
        from pg_proc
        where pronamespace = 'pgledger'::regnamespace
          or pronamespace = 'public'::regnamespace and proname ~ '^(pg)?ledger_'
        order by proname
        """
    ).fetchall()
    folders = {
        path.stem: path.relative_to(REPEATABLE).parts[0] for path in REPEATABLE.rglob("*.sql")
    }
    names = {name for name, _, _ in rows}
    rooms: dict[str, Room] = {}
    for name, source, comment in rows:
        room = rooms.setdefault(
            name, Room(name, folders[name], " ".join(comment.split("\n\n")[0].split()))
        )
        body = _STRINGS.sub("''", _COMMENTS.sub(" ", source))
        room.calls |= {found for found in _CALL.findall(body) if found in names and found != name}
        room.writes |= set(_WRITE.findall(body)) & tables
        room.reads |= set(_FROM.findall(body)) & tables
        room.locks |= set(_locks(body, tables))
    return rooms


def _locks(body: str, tables: set[str]) -> Iterable[str]:
    for found in _LOCK.finditer(body):
        before = [table for table in _FROM.findall(body[: found.start()]) if table in tables]
        if before:
            yield f"{before[-1]} for {' '.join(found[1].split())}"


def reached(name: str, rooms: Mapping[str, Room]) -> list[str]:
    """Returns the names of all functions that one calls, directly or not, each once."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for call in rooms[waiting.pop()].calls - found:
            found.add(call)
            waiting.append(call)
    return sorted(found - {name})


def migrations() -> dict[str, str]:
    """Returns the file that makes each table, by the table's name."""
    return {
        table: path.name
        for path in sorted((ROOT / "sql" / "migrations").glob("*.sql"))
        for table in re.findall(r"^create table pgledger\.(\w+)", path.read_text(), re.MULTILINE)
    }


def files_that_test(function: Function) -> list[str]:
    """Returns the test files that call a function, by its name or by its method's."""
    method = method_name(function)
    return _files_with(rf"\b{function.name}\b|\.{method}\(", (ROOT / "tests").rglob("test_*.py"))


def pages_about(function: Function) -> list[str]:
    """Returns the pages that mention a function, apart from the reference."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    return _files_with(rf"\b{function.name}\b", pages)


_TEXTS: Final[dict[Path, str]] = {}


def _files_with(pattern: str, paths: Iterable[Path]) -> list[str]:
    wanted = re.compile(pattern)
    found = []
    for path in sorted(paths):
        text = _TEXTS.setdefault(path, path.read_text(encoding="utf-8"))
        if wanted.search(text):
            found.append(path.relative_to(ROOT).as_posix())
    return found


def maps(catalog: Catalog, connection: Connection) -> dict[str, str]:
    """Returns the text of each map, by its path below ``sql/repeatable``."""
    rooms = read_rooms(connection)
    made_in = migrations()
    return {
        f"{folder}/README.md": _map(catalog, rooms, made_in, capability, folder)
        for capability, folder in numbered_folders().items()
    }


def _map(
    catalog: Catalog,
    rooms: Mapping[str, Room],
    made_in: Mapping[str, str],
    capability: str,
    folder: str,
) -> str:
    title, about = CAPABILITIES[capability]
    here = [room for room in rooms.values() if room.folder == folder]
    parts = [HEADER, f"# {folder}: {title}", about]
    functions = {f.name: f for f in catalog.functions if f.folder == capability}
    tables = sorted(
        {table for room in here for table in (*room.reads, *room.writes) if table in made_in}
    )
    if tables:
        parts += [
            "## Tables",
            "\n".join(
                f"- `{table}`, made by `migrations/{made_in[table]}`"
                + ("" if _is_written(table, here) else "; only read here")
                for table in tables
            ),
        ]
    if functions:
        parts.append("## Public functions")
    for function in functions.values():
        parts += [f"### {function.name}", _public(function, rooms)]
    private = [room for room in here if room.name not in functions]
    if private:
        parts += ["## Private helpers", "\n".join(_private(room, rooms) for room in private)]
    views = [view for view in catalog.views if view.folder == capability]
    if views:
        parts += ["## Views", "\n".join(f"- `{view.name}`: {view.text}" for view in views)]
    return "\n\n".join(parts) + "\n"


def _is_written(table: str, rooms: Iterable[Room]) -> bool:
    return any(table in room.writes for room in rooms)


def _public(function: Function, rooms: Mapping[str, Room]) -> str:
    helpers = reached(function.name, rooms)
    all_rooms = [rooms[function.name], *(rooms[name] for name in helpers)]
    lines = [
        function.summary,
        "",
        f"- for: {_listed(function.roles)}",
        f"- tests: {_listed(files_that_test(function))}",
        f"- pages: {_listed(pages_about(function))}",
        f"- helpers: {_listed(name for name in helpers if rooms[name].folder != CORE)}",
        f"- reads: {_listed(sorted(set().union(*(room.reads for room in all_rooms))))}",
        f"- writes: {_listed(sorted(set().union(*(room.writes for room in all_rooms))))}",
        f"- locks: {_listed(sorted(set().union(*(room.locks for room in all_rooms))))}",
    ]
    return "\n".join(line for line in lines if not line.endswith(": none"))


def _private(room: Room, rooms: Mapping[str, Room]) -> str:
    callers = sorted(other.name for other in rooms.values() if room.name in other.calls)
    facts = [
        f"{what}: {_listed(sorted(names))}"
        for what, names in (
            ("called by", callers),
            ("reads", room.reads),
            ("writes", room.writes),
            ("locks", room.locks),
        )
        if names
    ]
    return f"- `{room.name}`: {room.summary}" + "".join(f"\n  - {fact}" for fact in facts)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"
