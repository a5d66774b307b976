"""The list that ships in the package: how everything of ours is to stand."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LIST: Final = (
    Path(__file__).resolve().parents[2] / "sql/repeatable/10_ledger/expected_guards.sql"
).read_text(encoding="utf-8")

_TEXT: Final = r"'((?:[^']|'')*)'"
_ROW: Final = re.compile(r"\(\s*" + r",\s*".join([_TEXT] * 6) + r"\s*\)")


@dataclass(frozen=True)
class Guard:
    """One row of the list.

    Attributes:
        kind: ``table``, ``function``, ``policy`` and so on.
        place: ``private`` or ``surface``; the table of a trigger or policy.
        name: Its name, of a function with the types of its arguments.
        owner: Its owner, without ``pgledger_``.
        granted: What other roles may do, such as ``reader=SELECT``.
        detail: Its settings, or how it is made.
    """

    kind: str
    place: str
    name: str
    owner: str
    granted: str
    detail: str

    @property
    def bare_name(self) -> str:
        """The name without arguments, and with the private schema."""
        bare = self.name.partition("(")[0]
        return f"pgledger.{bare}" if self.place == "private" and self.kind != "schema" else bare

    @property
    def rights(self) -> dict[str, str]:
        """Which role may do what."""
        pairs = (one.split("=") for one in self.granted.split())
        return {f"pgledger_{role}": verb for role, verb in pairs}


def _guards() -> list[Guard]:
    # Long texts are written as several, one below the other.
    joined = re.sub(r"(?<!')'\n\s*'(?!')", "", LIST.partition("  values\n")[2])
    return [
        Guard(*(text.replace("''", "'") for text in row.groups())) for row in _ROW.finditer(joined)
    ]


GUARDS: Final = _guards()


def names(kind: str, place: str = "surface", **columns: str) -> set[str]:
    """Returns the bare names of a kind whose columns have those values."""
    return {
        guard.bare_name
        for guard in GUARDS
        if (guard.kind, guard.place) == (kind, place)
        and all(getattr(guard, column) == value for column, value in columns.items())
    }
