"""What CONTRIBUTING.md tells a newcomer to use is there, and its example is sound.

What comes of the example in a copy of this tree is tested elsewhere.
"""

import ast
import re
from pathlib import Path

import psycopg
import pytest

from pgledger.migrate.surface import in_surface
from scripts.generated.catalog import folders, read_catalog
from support.example import EXAMPLE

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
DECISIONS = ROOT / "docs" / "decisions"
PARTS_OF_A_DECISION = ["Context", "Decision", "Why", "What it costs"]

(SQL_FILE,) = (Path(name) for name in EXAMPLE if name.endswith(".sql"))


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.M))


def anchors(page: str) -> set[str]:
    text = re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", text, re.M)
    }


def test_targets_of_make_exist():
    named = re.findall(r"(?:^    |`)make ([a-z-]+)", PAGE, re.M)
    assert named
    assert set(named) <= make_targets()


def test_paths_exist():
    named = re.findall(r"`((?:\.ci|docs|python|scripts|sql|tests)/[\w./-]+)`", PAGE)
    assert named
    missing = {name for name in named if not (ROOT / name).exists()}
    assert missing <= EXAMPLE.keys()


@pytest.mark.parametrize(
    "path", [ROOT / "CONTRIBUTING.md", *sorted(DECISIONS.glob("*.md"))], ids=lambda path: path.name
)
def test_links_lead_somewhere(path):
    text = path.read_text()
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+://", link):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


def test_every_decision_is_in_the_index():
    index = re.findall(r"^\d+\. \[.*?\]\((\S+)\)$", (DECISIONS / "README.md").read_text(), re.M)
    files = sorted(path.name for path in DECISIONS.glob("*.md") if path.name != "README.md")
    assert index == files
    assert [name[:4] for name in files] == [f"{n:04}" for n in range(1, len(files) + 1)]


def test_every_decision_has_the_same_parts():
    for path in DECISIONS.glob("0*.md"):
        assert re.findall(r"^## (.*)$", path.read_text(), re.M) == PARTS_OF_A_DECISION, path.name


def test_hooks_call_what_exists():
    text = (ROOT / ".pre-commit-config.yaml").read_text()
    entries = re.findall(r"entry: (.*)$", text, re.M)
    assert len(entries) == text.count("- id: ") == text.count("language: system")
    for entry in entries:
        program, first, *_ = entry.split()
        if program == "make":
            assert first in make_targets()
        else:
            assert Path(program).parent == Path(".venv/bin")


def test_the_example_is_new():
    for name in EXAMPLE:
        assert not (ROOT / name).exists()
        assert (ROOT / name).parent.is_dir()


def test_the_example_is_taken_by_the_database_and_by_the_generator(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
):
    conn.execute("set role pgledger_owner")
    conn.execute(in_surface(EXAMPLE[str(SQL_FILE)], "public").encode())
    conn.execute("reset role")
    folder = SQL_FILE.parent.name.partition("_")[2]
    places = folders() | {SQL_FILE.stem: folder}
    monkeypatch.setattr("scripts.generated.catalog.folders", lambda: places)
    conn.execute("set search_path = pg_catalog, public")
    (function,) = [
        function for function in read_catalog(conn).functions if function.name == SQL_FILE.stem
    ]
    assert function.folder == folder
    assert function.returns
    assert [name for name, _ in function.errors] == ["NullArgument", "InvalidScope"]
    assert function.roles == ("pgledger_reader",)
    assert conn.execute(f"select {SQL_FILE.stem}()".encode()).fetchone() == (0,)


def test_the_examples_python_is_python():
    for name, text in EXAMPLE.items():
        if name.endswith(".py"):
            assert SQL_FILE.stem in text
            ast.parse(text)
