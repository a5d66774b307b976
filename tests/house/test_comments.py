"""The comments of public functions are the manual: each has the form that readers and tools expect.

Paragraphs in this order: what it does, further ones, one with a line for each argument, what comes
back, errors by name.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from scripts.generated.catalog import NULL_AT_END as NULL

WIDTH = 78


@dataclass
class Manual:
    """One function and its comment, taken apart."""

    name: str
    arguments: list[str]
    defaults: list[str | None]
    is_void: bool
    comment: str
    described: list[tuple[str, str]] = field(default_factory=list)
    returns: str | None = None
    errors: str | None = None
    rest: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for paragraph in self.comment.split("\n\n"):
            first = re.match(r"(\w+): ", paragraph)
            if first is None:
                self.rest.append(paragraph)
            elif first[1] == "Returns":
                self.returns = unwrapped(paragraph)
            elif first[1] == "Errors":
                self.errors = unwrapped(paragraph)
            else:
                for item in re.split(r"\n(?! )", paragraph):
                    name, _, text = unwrapped(item).partition(": ")
                    self.described.append((name, text))


def unwrapped(text: str) -> str:
    return re.sub(r"\n *", " ", text)


@pytest.fixture
def manuals(conn: psycopg.Connection[Any]) -> list[Manual]:
    rows = conn.execute(
        r"""
        select
          pg_proc.oid::regprocedure::text,
          coalesce(pg_proc.proargnames[:pg_proc.pronargs], '{}'),
          array(
            select pg_get_function_arg_default(pg_proc.oid, place)
            from generate_series(1, pg_proc.pronargs) as place
            order by place
          ),
          pg_proc.prorettype = 'void'::regtype,
          obj_description(pg_proc.oid, 'pg_proc')
        from pg_proc
        where pg_proc.pronamespace <> 'pgledger'::regnamespace
          and pg_proc.proname ~ '^(pg)?ledger_'
        order by 1
        """
    ).fetchall()
    assert len(rows) > 70
    return [Manual(*row) for row in rows]


def test_paragraphs_come_in_order(manuals):
    for manual in manuals:
        kinds = [
            {"Returns": "returns", "Errors": "errors"}.get(first[1], "arguments")
            if (first := re.match(r"(\w+): ", paragraph))
            else "text"
            for paragraph in manual.comment.split("\n\n")
        ]
        order = ["text", "arguments", "returns", "errors"]
        assert kinds[0] == "text", manual.name
        assert kinds == sorted(kinds, key=order.index), manual.name
        for kind in order[1:]:
            assert kinds.count(kind) <= 1, manual.name


def test_lines_fit_a_page(manuals):
    for manual in manuals:
        assert "\n\n\n" not in manual.comment, manual.name
        for line in manual.comment.splitlines():
            assert len(line) <= WIDTH, (manual.name, line)
            assert line == line.rstrip(), (manual.name, line)
            assert "\t" not in line, (manual.name, line)


def test_continuations_are_indented(manuals):
    for manual in manuals:
        for paragraph in manual.comment.split("\n\n"):
            lines = paragraph.splitlines()
            if paragraph.startswith(("Returns: ", "Errors: ")):
                assert all(re.match("  [^ ]", line) for line in lines[1:]), manual.name
            elif re.match(r"\w+: ", paragraph):
                assert all(re.match(r"  [^ ]|\w+: ", line) for line in lines), manual.name
            else:
                assert all(line[0] != " " for line in lines), manual.name


def test_texts_are_plain_sentences(manuals):
    for manual in manuals:
        assert re.fullmatch(r"[A-Z][a-z]+s .*\.", unwrapped(manual.rest[0])), manual.name
        for paragraph in manual.rest:
            assert paragraph.endswith("."), (manual.name, paragraph)
        for strange in ("[[", "]]", "`", ":meth:", ":func:", ":class:", "Decimal(", "None"):
            assert strange not in manual.comment, (manual.name, strange)


def test_every_argument_is_described_in_order(manuals):
    for manual in manuals:
        assert [name for name, _ in manual.described] == manual.arguments, manual.name
        for name, text in manual.described:
            assert re.fullmatch(r"[A-Z].*\.", text), (manual.name, name, text)


def test_what_is_null_by_default_may_be_null(manuals):
    for manual in manuals:
        for (name, text), default in zip(manual.described, manual.defaults, strict=True):
            if re.match("NULL::", default or ""):
                assert NULL.search(text), (manual.name, name, text)


def test_what_may_be_null_says_so_at_its_end(manuals):
    for manual in manuals:
        for name, text in manual.described:
            assert not re.search(r"\bor null\b(?!\.$)", text), (manual.name, name, text)
            # One or the other: "null for now, or null" says it twice.
            assert not ("null for" in text and text.endswith("or null.")), (manual.name, name)
            assert not re.search(r"null for [^;]*;", text), (manual.name, name, text)


def test_choices_are_words_at_the_end(manuals):
    for manual in manuals:
        for name, text in manual.described:
            choices = re.search(r"\b[Oo]ne of: (.*)\.$", text)
            assert (choices is not None) == ("ne of: " in text), (manual.name, name, text)
            if choices:
                words = NULL.sub("", f"{choices[1]}.").removesuffix(".").split(", ")
                assert len(words) > 1, (manual.name, name)
                assert all(re.fullmatch(r"[a-z_]+", word) for word in words), (manual.name, words)


def test_what_comes_back_is_told(manuals):
    for manual in manuals:
        assert (manual.returns is None) == manual.is_void, manual.name
        if manual.returns is not None:
            assert manual.returns.endswith("."), manual.name


def test_errors_are_registered_names(conn, manuals):
    registered = {name for (name,) in conn.execute("select name from pgledger_errors_v1")}
    for manual in manuals:
        if manual.errors is None:
            continue
        assert manual.errors.endswith("."), manual.name
        # Reasons stand in parentheses, and may hold commas and further parentheses.
        names = manual.errors.removeprefix("Errors: ").removesuffix(".")
        while names != (shorter := re.sub(r" \([^()]*\)", "", names)):
            names = shorter
        for name in names.split(", "):
            assert name in registered, (manual.name, name)
        assert len(set(names.split(", "))) == len(names.split(", ")), manual.name
