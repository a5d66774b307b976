"""What is asked for in an export."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Format = Literal["csv", "json", "beancount", "hledger"]
Axis = Literal["recorded", "event"]


@dataclass(frozen=True, slots=True)
class Export:
    """Which transfers to write, and how.

    Attributes:
        format: Form of what is written.
        app_id: Set of books.
        prefix: Only transfers of accounts at or below this path; None for all accounts.
        account_ids: Only transfers of these accounts; with ``prefix``, of both. Empty for all.
        from_time: Only what is not before this time, and what balances were then.
        until: Only what is before this time.
        axis: Which time counts: when a transfer was recorded, or when it happened.
    """

    format: Format
    app_id: str = ""
    prefix: str | None = None
    account_ids: tuple[str, ...] = ()
    from_time: datetime | None = None
    until: datetime | None = None
    axis: Axis = "recorded"

    @property
    def has_filter(self) -> bool:
        """Whether some accounts are left out."""
        return self.prefix is not None or bool(self.account_ids)
