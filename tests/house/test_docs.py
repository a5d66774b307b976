"""What the README and docs/ tell a reader to type works, and prints what they show.

A document is read from top to bottom, as by somebody who types along on a server of their own:

- ``sql`` blocks go to one psql session, connected to the database ``shop`` as a superuser;
- ``sh`` blocks run in bash, with the server's programs, ``pgledger`` and those of other pages on
  the path and libpq's variables set. Lines that begin with make, pip or npm are held against the
  Makefile, pyproject.toml and what .ci installs instead; test_packaging.py and test_demo.py do what
  they say. Measurements are cut short;
- ``python`` blocks share one namespace;
- ``ini`` blocks are read by a parser;
- a block of any language below ``<!-- file: NAME -->`` is written into the file of that name, in
  the directory where ``sh`` runs.

A ``text`` block that follows one of these is what it prints. Ids, times of recording, durations and
addresses may differ, and a line of ``…`` stands for any lines. A block without one may print what
it likes, but no error.

``PGLEDGER_WRITE_DOCS=1`` writes what was printed into the documents where it differs;
``PGLEDGER_WRITE_DOCS=all`` also where only ids and times do, so that those of a document agree.
"""

import configparser
import contextlib
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from packaging.requirements import Requirement

from pgledger.embedded import EmbeddedServer
from pgledger.migrate import migrate
from scripts.demo_story.psql import PsqlSession
from scripts.generated import reference
from scripts.generated.catalog import read_catalog
from support.node import DBMATE, NODE, NODE_MODULES, database_url
from support.server import running_server, short_directory

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs/integrations").glob("*.md"))]
DOCUMENTS = ["README.md", *(str(path.relative_to(ROOT)) for path in PAGES)]
DATABASE = "shop"
COMMAND_SECONDS = 180
WRITES = os.environ.get("PGLEDGER_WRITE_DOCS", "")
RUNS = ("sql", "sh", "python", "ini")
PROGRAMS = {
    "pgledger": [sys.executable, "-m", "pgledger"],
    "python": [sys.executable],
    "alembic": [sys.executable, "-m", "alembic"],
    "node": [str(NODE)],
    "dbmate": DBMATE,
}
# Tables of the earlier project, whose names `pgledger migrate --compat` brings back.
EARLIER_TABLES = ("pgledger_accounts", "pgledger_entries", "pgledger_transfers")
# What the pages about other libraries install beside this package.
OTHERS = ("alembic", "asyncpg", "django", "sqlalchemy")


# --- reading a document ---------------------------------------------------------------------------


@dataclass
class Block:
    """A fenced block, and the text block that says what it prints, if one follows."""

    document: str
    language: str
    line: int
    text: str
    expected: str | None = None
    expected_line: int | None = None
    file: str | None = None

    @property
    def place(self) -> str:
        return f"{self.document}:{self.line}"

    def may_show(self, error: str) -> bool:
        """Whether the document says that this ends with an error."""
        return self.expected is not None and (bool(WRITES) or error in self.expected)


def fenced_blocks(document: str) -> list[Block]:
    """Returns all fenced blocks of a document in order, those of printed text among them."""
    found: list[Block] = []
    block: Block | None = None
    file: str | None = None
    for number, line in enumerate((ROOT / document).read_text().splitlines(), start=1):
        fence = re.match(r"```(.*)", line)
        if block is None and fence:
            block = Block(document, fence[1].strip(), number, "", file=file)
            file = None
        elif block is not None and fence:
            assert line == "```", f"{document}:{number}: a fence in a fence"
            found.append(block)
            block = None
        elif block is not None:
            block.text += line + "\n"
        elif named := re.fullmatch(r"<!-- file: (\S+) -->", line):
            file = named[1]
    assert block is None, f"{document}: the last fence is not closed"
    return found


def blocks(document: str) -> list[Block]:
    """Returns the blocks to run, each with what it prints."""
    lines = (ROOT / document).read_text().splitlines()
    to_run: list[Block] = []
    previous: Block | None = None
    for block in fenced_blocks(document):
        if block.language == "text":
            assert previous is not None, f"{block.place}: nothing prints this"
            end = previous.line + previous.text.count("\n") + 1
            between = "".join(lines[end : block.line - 1]).strip()
            assert not between, f"{block.place}: it is not clear what prints this"
            previous.expected, previous.expected_line = block.text, block.line
            previous = None
        else:
            known = block.file is not None or block.language in RUNS
            assert known, f"{block.place}: nobody runs {block.language!r}"
            to_run.append(block)
            previous = block
    return to_run


# --- comparing ------------------------------------------------------------------------------------

VARYING = (
    (r"\b(pgl[ateh]|plan|feat|sub|evt|cpn|red|inv|pay)_[0-7][0-9A-HJKMNP-TV-Z]{25}\b", r"\1_ULID"),
    (r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\+00\b", "TIME"),
    (r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000\b", "TIME"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00", "TIME"),
    (r"\b0\.\d+\.\d+(\.dev\d+)?\b", "VERSION"),
    (r"\bdatabase (\S+) at \S+:\d+", r"database \1 at HOST"),
    (r"\b[\d,.]+ m?s\b", "DURATION"),
    # Columns are as wide as what is in them.
    (r"-{2,}", "--"),
    (r"[ \t]+", " "),
)


def comparable(text: str) -> list[str]:
    for pattern, replacement in VARYING:
        text = re.sub(pattern, replacement, text)
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line]


def matches(found: list[str], expected: list[str]) -> bool:
    """Whether lines are the expected ones, of which … stands for any number of them."""
    pattern = "".join(
        r"(?:[^\n]*\n)*" if line == "…" else re.escape(line) + r"\n" for line in expected
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in found)) is not None


def rewritten(document: str, block: Block, found: str) -> None:
    """Puts what was printed in the place of what a document shows."""
    path = ROOT / document
    shown = "".join(f"{line.rstrip()}\n" for line in found.strip("\n").splitlines())
    old = f"```{block.language}\n{block.text}```\n\n```text\n{block.expected}```\n"
    new = f"```{block.language}\n{block.text}```\n\n```text\n{shown}```\n"
    text = path.read_text()
    assert text.count(old) == 1, f"{block.place}: cannot be told from another block"
    path.write_text(text.replace(old, new))


# --- typing along ---------------------------------------------------------------------------------


class Reader:
    """Somebody who types what a document says, on a server of their own."""

    def __init__(
        self, server: EmbeddedServer, directory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.server = server
        self.directory = directory
        self.namespace: dict[str, Any] = {"__name__": "reader"}
        self._psql: Any = None
        (directory / "sql").symlink_to(ROOT / "sql")
        (directory / "performance_check.py").symlink_to(ROOT / "performance_check.py")
        (directory / "node_modules").symlink_to(NODE_MODULES)
        programs = directory / "bin"
        programs.mkdir()
        for name, command in PROGRAMS.items():
            program = programs / name
            program.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
            program.chmod(0o755)
        for name in [name for name in os.environ if name.startswith("PG")]:
            if name == "PGLEDGER_DSN" or not name.startswith("PGLEDGER_"):
                monkeypatch.delenv(name)
        for name, value in server.environment(DATABASE).items():
            if name.startswith("PG") and name != "PGCLIENTENCODING":
                monkeypatch.setenv(name, value)
        monkeypatch.setenv("DATABASE_URL", database_url(server, DATABASE))
        monkeypatch.setenv("PATH", f"{programs}:{server.bin_dir}:{os.environ['PATH']}")
        monkeypatch.setenv("PYTHONPATH", str(ROOT / "python"))
        monkeypatch.setenv("PGTZ", "UTC")
        # Words in one language, and bytes of any.
        monkeypatch.setenv("LC_ALL", "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8")
        monkeypatch.setenv("LC_MESSAGES", "C")
        monkeypatch.chdir(directory)

    def prepare(self) -> None:
        """Makes the database and installs pgledger, for documents that begin after that."""
        with psycopg.connect(self.server.dsn(), autocommit=True) as connection:
            connection.execute(f"create database {DATABASE}")
        migrate(self.server.dsn(DATABASE))

    def run(self, block: Block) -> str:
        if block.file is not None:
            path = self.directory / block.file
            assert path.resolve().is_relative_to(self.directory.resolve()), block.place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
            return ""
        printed: str = getattr(self, f"_run_{block.language}")(block)
        return printed

    def close(self) -> None:
        if self._psql is not None:
            self._psql.close()

    def _run_sql(self, block: Block) -> str:
        if self._psql is None:
            self._psql = PsqlSession(self.server.program("psql"), self.server.environment(DATABASE))
        printed: str = self._psql.run(block.text)
        is_error = "ERROR:" in printed or "invalid command" in printed
        assert not is_error or block.may_show("ERROR:"), f"{block.place}: {printed}"
        return printed

    def _run_python(self, block: Block) -> str:
        printed = io.StringIO()
        code = compile("\n" * block.line + block.text, str(ROOT / block.document), "exec")
        with contextlib.redirect_stdout(printed):
            exec(code, self.namespace)
        return printed.getvalue()

    def _run_ini(self, block: Block) -> str:
        parser = configparser.ConfigParser()
        parser.read_string(block.text)
        assert parser.sections(), f"{block.place}: no section"
        return ""

    def _run_sh(self, block: Block) -> str:
        commands = commands_of(block)
        if any("--keep-running" in command for command in commands):
            (command,) = commands
            return self._run_until_interrupted(command)
        if not commands:
            return ""
        environment = dict(os.environ)
        if any("performance_check.py" in command for command in commands):
            # It starts a server of its own when none is named.
            for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE"):
                environment.pop(name, None)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join(commands)],
            env=environment,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        is_error = done.returncode != 0
        assert not is_error or block.may_show("pgledger: "), f"{block.place}: {done.stdout}"
        return done.stdout

    def _run_until_interrupted(self, command: str) -> str:
        process = subprocess.Popen(
            shlex.split(command),
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        printed = ""
        try:
            for line in process.stdout:
                printed += line
                # The line after it says how to connect.
                if "until Ctrl-C" in line:
                    printed += process.stdout.readline()
                    break
        finally:
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=COMMAND_SECONDS)
        assert process.returncode == 0, printed + rest
        return printed


def commands_of(block: Block) -> list[str]:
    """Returns the commands of a block that can be run here; looks at the others."""
    runnable: list[str] = []
    for command in re.sub(r"\\\n\s*", "", block.text).splitlines():
        words = shlex.split(command, comments=True)
        if not words:
            continue
        if words[0] == "make":
            check_make(block, words[1:])
        elif words[0] == "pip":
            check_pip(block, words[1:])
        elif words[0] == "npm":
            check_npm(block, words[1:])
        elif "performance_check.py" in command:
            runnable.append(shortened(command))
        else:
            runnable.append(command)
    return runnable


def check_make(block: Block, words: list[str]) -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.M)
    asked = [word for word in words if "=" not in word]
    assert asked, f"{block.place}: make without a target"
    for target in asked:
        assert target in targets, f"{block.place}: the Makefile has no {target}"


def check_pip(block: Block, words: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert words[0] == "install", f"{block.place}: pip {words[0]}"
    for word in words[1:]:
        requirement = Requirement(re.sub(r"^\.(?=\[|$)", project["name"], word))
        if requirement.name in OTHERS:
            continue
        assert requirement.name == project["name"], f"{block.place}: {word} is not this package"
        unknown = requirement.extras - set(project["optional-dependencies"])
        assert not unknown, f"{block.place}: there is no extra {unknown}"


def check_npm(block: Block, words: list[str]) -> None:
    packages = json.loads((ROOT / ".ci/node/package.json").read_text())["dependencies"]
    assert words[0] == "install", f"{block.place}: npm {words[0]}"
    for word in words[1:]:
        assert word in packages, f"{block.place}: no test has {word}"


def shortened(command: str) -> str:
    """Returns a measurement that says the same and takes a second."""
    command = re.sub(r" --(duration|workers)[ =]\S+", "", command)
    command = re.sub(r"( --transfers[ =])\S+", r"\g<1>20", command)
    command = command.replace(" --mode calls", " --mode calls --batch-size 10")
    return f"{command} --duration 1s --workers 2"


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    # Documents start servers in the directory.
    with short_directory() as directory:
        try:
            with (
                running_server() as server,
                contextlib.closing(Reader(server, directory, monkeypatch)) as found,
            ):
                yield found
        finally:
            monkeypatch.undo()


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(document, marks=pytest.mark.slow if "performance" in document else ())
        for document in DOCUMENTS
    ],
)
def test_what_a_document_says_to_type_prints_what_it_shows(document: str, reader: Reader) -> None:
    to_run = blocks(document)
    if not any(f"createdb {DATABASE}\n" in block.text for block in to_run):
        reader.prepare()
    for block in to_run:
        printed = reader.run(block)
        if block.expected is None:
            continue
        found, expected = comparable(printed), comparable(block.expected)
        is_exact = WRITES == "all" and "…" not in expected
        if WRITES and (is_exact or not matches(found, expected)):
            rewritten(document, block, printed)
        else:
            assert matches(found, expected), (
                f"{document}:{block.expected_line} shows\n{block.expected}\nand printed was\n"
                f"{printed}"
            )


# --- what else documents can get wrong ------------------------------------------------------------


def prose(document: str) -> str:
    return (ROOT / document).read_text()


def anchors(document: str) -> set[str]:
    """Returns the anchors of a document's headings, as a forge makes them."""
    text = re.sub(r"^```.*?^```$", "", prose(document), flags=re.M | re.S)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", text, re.M)
    }


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        if re.match(r"[a-z]+://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), f"{document} links to {link}"
        if anchor:
            assert anchor in anchors(str(target.resolve().relative_to(ROOT))), (
                f"{document} links to {link}"
            )


@pytest.mark.parametrize("document", DOCUMENTS)
def test_names_of_the_ledger_exist(document: str, conn: psycopg.Connection[Any]) -> None:
    rows = conn.execute(
        """
        select proname::text from pg_proc
        union select relname::text from pg_class
        union select typname::text from pg_type
        union select rolname::text from pg_roles
        """
    ).fetchall()
    known = {name for (name,) in rows}
    written = set(re.findall(r"\b(?:pg)?ledger_[a-z0-9_]*[a-z0-9]\b(?!\*)", prose(document)))
    assert written <= known | {"pgledger_floor", *EARLIER_TABLES}


def test_every_error_is_explained_in_operations(conn: psycopg.Connection[Any]) -> None:
    rows = conn.execute("select code, name from pgledger_errors_v1").fetchall()
    text = prose("docs/operations.md")
    for code, name in rows:
        assert re.search(rf"\b{code}\b.*\b{name}\b", text), f"{code} {name}"


def test_the_reference_is_what_the_catalog_says(ledger_dsn: str) -> None:
    with psycopg.connect(ledger_dsn) as connection:
        connection.execute("set search_path = pg_catalog, public")
        pages = reference.pages(read_catalog(connection))
    present = {path.name: path.read_text() for path in (ROOT / "docs/reference").glob("*.md")}
    assert pages == present


def test_the_reference_leads_somewhere() -> None:
    for path in (ROOT / "docs/reference").glob("*.md"):
        for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
            name, _, anchor = link.partition("#")
            target = path.parent / name if name else path
            assert target.exists(), (path, link)
            if anchor:
                assert anchor in anchors(str(target.resolve().relative_to(ROOT))), (path, link)


def test_documents_follow_one_another_through_the_readme() -> None:
    linked = re.findall(r"\]\((docs/(?:integrations/)?[a-z-]+\.md)", prose("README.md"))
    assert set(linked) == set(DOCUMENTS) - {"README.md"}


def test_no_page_counts_what_grows() -> None:
    # What a command prints is compared; a number in a sentence would be wrong with the next file.
    for document in [*DOCUMENTS, "CONTRIBUTING.md"]:
        text = re.sub(r"^```.*?^```$", "", prose(document), flags=re.M | re.S)
        counted = re.findall(r"\b\d[\d,]+ (?:SQL )?(?:files|functions|views|tests)\b", text)
        assert counted == [], document


def test_headings_go_down_one_level_at_a_time() -> None:
    for document in DOCUMENTS:
        text = re.sub(r"^```.*?^```$", "", prose(document), flags=re.M | re.S)
        levels = [len(marks) for marks in re.findall(r"^(#+) ", text, re.M)]
        assert levels[0] == 1, document
        assert all(below <= above + 1 for above, below in pairwise(levels)), document
