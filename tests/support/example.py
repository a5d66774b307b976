"""The worked example of CONTRIBUTING.md: its files, by their paths."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]

EXAMPLE: Final[dict[str, str]] = dict(
    re.findall(
        r"^<!-- example: (\S+) -->\n```\w+\n(.*?)^```$",
        (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
)
