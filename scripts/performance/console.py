"""What is said on standard error while a measurement runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Self

TICK_SECONDS = 0.2
Tick = Callable[[], None]


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Progress:
    """A bar on standard error where that is a terminal, and nothing elsewhere."""

    def __init__(self, total: float, unit: str) -> None:
        self._bar: Any = None
        self._done = 0.0
        self._since = time.monotonic()
        if sys.stderr.isatty():
            try:
                from tqdm import tqdm
            except ImportError:
                return
            form = "{l_bar}{bar}| {n:,.0f}/{total:,.0f} {unit}"
            self._bar = tqdm(total=total, unit=unit, bar_format=form, leave=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def tick(self) -> None:
        """Shows how many seconds the present step has taken."""
        self._show(self._done + time.monotonic() - self._since)

    def step(self, amount: float) -> None:
        """Ends a step that counts for so much."""
        self._done += amount
        self._since = time.monotonic()
        self._show(self._done)

    def _show(self, done: float) -> None:
        if self._bar is not None:
            self._bar.n = min(done, self._bar.total)
            self._bar.refresh()
