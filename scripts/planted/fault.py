"""What a planted fault is."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
REPEATABLE: Final = Path("sql/repeatable")


class StaleFaultError(Exception):
    """A fault cannot be planted any more: the text that it changes is another by now."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A change of one SQL file after which something is wrong, so that a test has to fail.

    Attributes:
        name: What is wrong then, in a few words; no two faults share it.
        file: The file below ``sql/repeatable``, without ``.sql``.
        old: Text that stands in it once.
        new: What stands there instead.
        tests: Files of tests, without ``test_`` and ``.py``, that are tried first; without any,
            those that the folder's map names for the function.
        like: Names of tests in them that are tried before the others, as ``pytest -k`` takes them.
        whole: Whether only a new database shows it: what ``create or replace`` leaves as it is.
    """

    name: str
    file: str
    old: str
    new: str
    tests: str = ""
    like: str = ""
    whole: bool = False

    @property
    def path(self) -> Path:
        """The file, from the root of the tree."""
        return REPEATABLE / f"{self.file}.sql"

    @property
    def function(self) -> str:
        return self.path.stem

    def planted(self, root: Path = ROOT) -> str:
        """Returns the file's text with the fault in it.

        Raises:
            StaleFaultError: There is no such file, or the text is not in it exactly once.
        """
        try:
            text = (root / self.path).read_text(encoding="utf-8")
        except OSError:
            raise StaleFaultError(f"{self.name}: there is no {self.path}") from None
        if (count := text.count(self.old)) != 1:
            raise StaleFaultError(
                f"{self.name}: {self.path} has {count} times instead of once: {self.old!r}"
            )
        return text.replace(self.old, self.new)

    def check(self, root: Path = ROOT) -> None:
        """Looks whether it can be planted, and changes more than comments and blanks.

        Raises:
            StaleFaultError: It cannot, or does not.
        """
        planted = self.planted(root)
        if code(planted) == code((root / self.path).read_text(encoding="utf-8")):
            raise StaleFaultError(f"{self.name}: {self.path} says the same as before")

    def digest(self, root: Path = ROOT) -> str:
        """Returns what differs as soon as the planted text does, or the tests to try."""
        return hashlib.sha256(f"{self.planted(root)}\0{self.tests}".encode()).hexdigest()[:16]


def code(text: str) -> str:
    """Returns the SQL without its comment at the head, comments in lines, and blanks."""
    lines = text.partition("*/")[2].splitlines() if text.startswith("/*") else text.splitlines()
    return " ".join(" ".join(line.partition("-- ")[0] for line in lines).split())
