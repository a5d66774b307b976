"""What is printed, and how it looks."""

import os
import textwrap
from typing import Final, TextIO

DATABASE: Final = "demo"
WIDTH: Final = 78


class Page:
    """Prints the story; bold and dim only where somebody looks at a terminal."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self._blank_lines = 1
        self.is_terminal = out.isatty()
        self.has_colour = (
            self.is_terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        )

    def _styled(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.has_colour and text else text

    def bold(self, text: str) -> str:
        return self._styled("1", text)

    def dim(self, text: str) -> str:
        return self._styled("2", text)

    def line(self, text: str = "") -> None:
        print(text, file=self.out, flush=True)
        self._blank_lines = 0 if text.strip() else self._blank_lines + 1

    def gap(self, lines: int = 1) -> None:
        """Sees to it that so many blank lines stand before what follows."""
        while self._blank_lines < lines:
            self.line()

    def progress(self, text: str) -> None:
        """Shows a line that the next one replaces; without a terminal, nothing."""
        if self.is_terminal:
            print(f"\r\x1b[K{text}", end="", file=self.out, flush=True)

    def clear(self) -> None:
        if self.is_terminal:
            print("\r\x1b[K", end="", file=self.out, flush=True)

    def chapter(self, title: str, text: str) -> None:
        self.gap(2)
        self.line(self.bold(title))
        self.line(self.bold("-" * len(title)))
        self.say(text)

    def say(self, text: str) -> None:
        self.line(textwrap.fill(" ".join(text.split()), WIDTH))
        self.line()

    def typed(self, sql: str) -> None:
        for number, text in enumerate(sql.splitlines()):
            prompt = f"{DATABASE}{'=' if number == 0 else '-'}> "
            self.line(self.dim(prompt) + self.bold(text))

    def answer(self, output: str) -> None:
        for text in output.splitlines():
            self.line(text)
