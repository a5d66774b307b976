"""The steps of a rhythm: what is done about a customer's bills."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pgledger import errors
from scripts.random_lives.rhythm import Step
from scripts.random_lives.store import Row, Store
from scripts.random_lives.times import HOUR

# More than any life needs: a call that always has something to do would never end.
MOST_ROUNDS: Final = 200


# What a step may be refused for, without an effect.
REFUSALS: Final = (
    errors.InvalidState,
    errors.InvalidArgument,
    errors.UsagePurged,
)


@dataclass(slots=True)
class Billing:
    """Draws up invoices by hand and by ``ledger_advance``."""

    store: Store
    # When usage is reported, and when it happened.
    used: Sequence[tuple[datetime, datetime]]
    previews: bool
    # Invoices that were taken back, and are to be drawn up again: subscription, kind, time.
    owed: list[tuple[str, str, datetime]] = field(default_factory=list[tuple[str, str, datetime]])

    def advance(self, how: str) -> None:
        if self.previews and self.store.subscriptions:
            self.preview(self.store.subscriptions[-1], "period", None)
        for _ in range(MOST_ROUNDS):
            rows = self.store.call("ledger_advance", invoices=how, max_span=None)
            if not rows:
                return
            # A start waits as long as another subscription is live.
            failed = [
                row["error"]
                for row in rows
                if row["error"] is not None and "active subscription already" not in row["error"]
            ]
            self.store.faults += [f"ledger_advance: {error}" for error in failed]
            self.store.note(f"advance {how}: {dict(Counter(row['change'] for row in rows))}")
        self.store.faults.append("ledger_advance never ends")

    def step(self, step: Step) -> None:
        if self.previews and self.store.subscriptions:
            kind = ("period", "start", "interim", "change")[step.number % 4]
            self.preview(self.store.subscriptions[-1], kind, None)
        match step.action:
            case "advance":
                self.advance("final")
            case "draft":
                self.advance("draft")
            case "move":
                self.advance("none")
            case "refresh" | "finalize" | "delete" | "void":
                statuses = ["draft"]
                if step.action == "void":
                    statuses = ["pending", "past_due", "paid"]
                there = self.store.invoices(*statuses)
                if there:
                    self.treat(step.action, there[step.number % len(there)])
            case "purge":
                self.purge()
            case _:
                self.draw(step)
        if step.number % 3 == 0:
            self.draw_again()

    def treat(self, action: str, invoice: Row) -> bool:
        """Does something with an invoice; what is refused by its state has no effect."""
        about = f"{action} {invoice['kind']} of {invoice['period_start']:%Y-%m-%d %H:%M}"
        function = f"ledger_{action}_invoice"
        if action == "void":
            function = "ledger_mark_invoice_voided"
        debt = (invoice["subscription_id"], invoice["kind"], invoice["period_start"])
        seen = None
        if self.previews and action == "finalize" and invoice["kind"] in {"period", "start"}:
            seen = self.preview(*debt)
        try:
            # Undone if it could not be drawn up again because events were purged.
            with self.store.conn.transaction():
                row = self.store.one(function, id=invoice["id"])
                if action in {"void", "delete"}:
                    self.request("ledger_preview_invoice", *debt)
                    self.owed.append(debt)
        except REFUSALS as error:
            self.store.note(f"{about}: {type(error).__name__}")
            return False
        self.store.note(about)
        if seen is not None and seen["total"] != row["total"]:
            self.store.faults.append(f"{about}: previewed as {seen['total']}, is {row['total']}")
        return True

    def request(self, function: str, subscription: str, kind: str, at: datetime | None) -> Row:
        return self.store.one(function, subscription_id=subscription, kind=kind, at=at)

    def draw_again(self) -> None:
        """Draws up again what was taken back, and leaves it as drafts."""
        for debt in self.owed:
            self.request("ledger_generate_invoice", *debt)
            self.store.note(f"draw up again {debt[1]} of {debt[2]:%Y-%m-%d %H:%M}")
        self.owed = []

    def draw(self, step: Step) -> None:
        subscriptions = [one for one in self.store.subscriptions if self.store.periods(one)]
        if not subscriptions:
            return
        subscription = subscriptions[step.number % len(subscriptions)]
        periods = self.store.periods(subscription)
        # Often the present one.
        at = periods[step.number // 2 % len(periods)] if step.number % 2 else None
        kind = step.action.removesuffix("_draft")
        self.draw_one(subscription, kind, at, finalize=step.action == kind)

    def draw_one(
        self, subscription: str, kind: str, at: datetime | None, *, finalize: bool
    ) -> None:
        about = f"draw up {kind} of {'now' if at is None else f'{at:%Y-%m-%d %H:%M}'}"
        try:
            row = self.request("ledger_generate_invoice", subscription, kind, at)
        except REFUSALS as error:
            self.store.note(f"{about}: {type(error).__name__}")
            return
        self.store.note(about)
        if finalize and row["status"] == "draft":
            self.treat("finalize", row)

    def preview(self, subscription: str, kind: str, at: datetime | None) -> Row | None:
        try:
            return self.request("ledger_preview_invoice", subscription, kind, at)
        except REFUSALS as error:
            self.store.note(f"preview {kind}: {type(error).__name__}")
            return None

    def purge(self) -> None:
        """Purges as far as the usage allows that will still be reported."""
        # What was taken back could not be drawn up again.
        if self.owed:
            return
        ahead = [used_at for at, used_at in self.used if at >= self.store.now]
        before = min([self.store.now - HOUR, *ahead])
        gone = 0
        for _ in range(MOST_ROUNDS):
            (count,) = self.store.call("ledger_purge_usage", before=before)[0].values()
            gone += count
            if not count:
                break
        self.store.note(f"purge before {before:%Y-%m-%d %H:%M}: {gone}")

    def finalize_all(self) -> None:
        """Makes all drafts final, in whatever order is allowed."""
        drafts = self.store.invoices("draft")
        while drafts:
            left = [invoice for invoice in drafts if not self.treat("finalize", invoice)]
            if len(left) == len(drafts):
                break
            drafts = left
        for invoice in drafts:
            # The one of a period that goes on waits for its end.
            present = self.store.periods(invoice["subscription_id"])[0]
            if invoice["kind"] != "period" or invoice["period_start"] != present:
                about = f"{invoice['kind']} of {invoice['period_start']:%Y-%m-%d %H:%M}"
                self.store.faults.append(f"a draft cannot become final: {about}")
