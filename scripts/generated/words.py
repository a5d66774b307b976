"""Turns the words of a comment into those of a Python docstring."""

import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Final

WIDTH: Final = 100

_JSON: Final = re.compile(r"\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|\[\{.*\}\]")
_WORDS: Final = {"null": "None", "true": "True", "false": "False"}


class Words:
    """Turns names in comments into Python's.

    Args:
        calls: Methods, as docstrings refer to them, by the names of their functions.
        own: Class whose docstrings are written; its own methods are named without the class.
    """

    def __init__(self, calls: Mapping[str, str], own: str) -> None:
        self._calls = calls
        self._own = own

    def pythonic(self, text: str, names: Iterable[str] = ()) -> str:
        """Returns a text in Python's words.

        Args:
            text: The words of a comment.
            names: Names of arguments and columns that the text may speak of.
        """
        known = {name for name in names if "_" in name}
        parts: list[str] = []
        position = 0
        for found in _JSON.finditer(text):
            parts.append(self._words(text[position : found.start()], known))
            parts.append(f"``{found[0]}``")
            position = found.end()
        parts.append(self._words(text[position:], known))
        return "".join(parts)

    def _words(self, text: str, known: set[str]) -> str:
        text = re.sub(
            r"\b(\w+) => (true|false|null|-?\d+|'[^']*')",
            lambda found: f"``{found[1]}={_WORDS.get(found[2], found[2])}``",
            text,
        )
        text = re.sub(
            r"\b([Oo])ne of: ([\w*]+(?:, [\w*]+)*?)(?=(?:,? or null|; null for [^;]+)?\.?\Z)",
            lambda found: (
                f"{found[1]}ne of: " + ", ".join(f"``{one}``" for one in found[2].split(", "))
            ),
            text,
        )
        return re.sub(
            r"(?<![`\w.])([a-z][a-z0-9]*(?:_[a-z0-9]+)*_?\*?)(?![\w`(=])",
            lambda found: self._word(found[1], known),
            text,
        )

    def _word(self, word: str, known: set[str]) -> str:
        if word in _WORDS:
            return _WORDS[word]
        if word in self._calls:
            owner, _, method = self._calls[word].partition(".")
            return f":meth:`{method if owner == self._own else f'pgledger.{owner}.{method}'}`"
        if word in known or "_" in word:
            return f"``{word}``"
        return word


def block(text: str, indent: str, *, first: str = "") -> str:
    """Returns a text in lines of a docstring.

    Args:
        text: The text.
        indent: What each line begins with.
        first: What stands before the text, whose further lines are indented below it.
    """
    return "\n".join(
        textwrap.wrap(
            first + text,
            WIDTH,
            initial_indent=indent,
            subsequent_indent=indent + ("    " if first else ""),
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def escaped(text: str) -> str:
    """Returns a text as it has to stand between the quotes of a docstring."""
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def sentence(text: str) -> str:
    """Returns a text as a sentence: it begins with a capital letter and ends with a full stop."""
    text = text.rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
