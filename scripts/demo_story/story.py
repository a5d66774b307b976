"""Typing a statement, showing its answer, and holding it against what was to come."""

import textwrap

from scripts.demo_story.errors import DemoError
from scripts.demo_story.page import Page
from scripts.demo_story.psql import PsqlSession, Rows, table


class Story:
    """Types into psql, shows what comes back, and holds it against what was to come."""

    def __init__(self, page: Page, psql: PsqlSession) -> None:
        self.page = page
        self._psql = psql
        self._chapter = ""
        self._chapters = 0
        self.statements = 0
        self.checks = 0

    def chapter(self, title: str, text: str) -> None:
        self._chapters += 1
        self._chapter = f"{self._chapters}. {title}"
        self.page.chapter(self._chapter, text)

    def say(self, text: str) -> None:
        self.page.gap()
        self.page.say(text)

    def type(self, sql: str, *, refused: str | None = None) -> str:
        """Types a statement and shows it with its answer.

        Args:
            sql: The statement, as a person would lay it out.
            refused: What the message says if the statement is to be refused.

        Returns:
            What psql printed.
        """
        sql = textwrap.dedent(sql).strip()
        self.page.typed(sql)
        output = self._psql.run(sql)
        self.page.answer(output)
        self.statements += 1
        if refused is None:
            self.check("no error", "ERROR:" not in output and "invalid command" not in output)
        else:
            self.check(f"refused with: {refused}", f"ERROR:  {refused}" in output)
            self.check("a hint", "HINT:  " in output)
        return output

    def query(self, sql: str) -> Rows:
        """Types a query and returns its cells."""
        return table(self.type(sql))

    def equal(self, what: str, found: object, expected: object) -> None:
        self.check(f"{what}: {expected}, not {found}", found == expected)

    def check(self, what: str, holds: bool) -> None:  # noqa: FBT001
        self.checks += 1
        if not holds:
            raise DemoError(f"in the chapter {self._chapter!r}: expected {what}")
