"""What became of all deeds, and whether the books hold."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pgledger import Ledger
from scripts.crashes.deeds import Deed, Kind, Session

SHOWN: Final = 5

# What must hold of invoices and of usage, as queries that find what does not.
BILLING: Final[Mapping[str, str]] = {
    "invoices' numbers run from 1 without a gap": """
        select app_id, count(number), max(number)
        from pgledger.invoices
        group by app_id
        having count(number) <> coalesce(max(number), 0)
        or count(number) <> (
          select coalesce(max(invoice_number), 0)
          from pgledger.apps where apps.app_id = invoices.app_id
        )
    """,
    "drafts alone have no number": """
        select id from pgledger.invoices where (number is null) <> (status = 'draft')
    """,
    "totals are the sums of lines": """
        select id from pgledger.invoices
        where total <> (
          select coalesce(sum(amount), 0)
          from pgledger.invoice_lines where invoice_key = invoices.key
        )
    """,
    "what is paid is the sum of payments": """
        select id from pgledger.invoices
        where amount_paid <> (
          select coalesce(sum(amount), 0)
          from pgledger.invoice_payments where invoice_key = invoices.key
        )
        or (status = 'paid') <> (status <> 'draft' and amount_paid >= amount_due)
    """,
    "usage is the sum of its events": """
        select meters.tenant_id, meters.feature_key
        from pgledger.meters
        where ledger_aggregate_usage(
          app_id, tenant_id, feature_key, '1970-01-01 00:00:00+00', '9000-01-01 00:00:00+00'
        )
        <> (
          select coalesce(sum(quantity), 0)
          from pgledger.usage_events where meter_key = meters.key
        )
    """,
}


@dataclass(slots=True)
class Tally:
    """What was counted, over all kills.

    Attributes:
        counts: How many deeds were acknowledged, of unknown outcome, failed, and asked for again.
        lost: Names of deeds that were acknowledged and are not there.
        half: Those of which a part is there, or the row without what it is about.
        phantom: Those that are there though their worker knows that they failed.
        doubled: Those that are there more than once.
        faults: What does not hold of the books.
        recoveries: Seconds that each recovery took.
    """

    counts: Counter[str] = field(default_factory=Counter[str])
    lost: set[str] = field(default_factory=set[str])
    half: set[str] = field(default_factory=set[str])
    phantom: set[str] = field(default_factory=set[str])
    doubled: set[str] = field(default_factory=set[str])
    faults: set[str] = field(default_factory=set[str])
    recoveries: list[float] = field(default_factory=list[float])

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.half or self.phantom or self.doubled or self.faults)

    def compare(self, conn: Session, kinds: Mapping[str, Kind], deeds: Iterable[Deed]) -> set[str]:
        """Compares what is there with what the workers know, and returns what is there."""
        rows = {name for (name,) in conn.execute("select name from deeds")}
        found: dict[str, int] = {}
        for kind in kinds.values():
            found |= kind.found(conn)
        for deed in deeds:
            kind = kinds[deed.name.partition("-")[0]]
            pieces = found.get(deed.name, 0)
            has_row = deed.name in rows if kind.has_row else pieces > 0
            if deed.knowledge == "acknowledged" and not (pieces or has_row):
                self.lost.add(deed.name)
            elif deed.knowledge == "failed" and (pieces or has_row):
                self.phantom.add(deed.name)
            if pieces > kind.pieces(deed):
                self.doubled.add(deed.name)
            elif 0 < pieces < kind.pieces(deed) or has_row != (pieces > 0):
                self.half.add(deed.name)
        return {name for name, pieces in found.items() if pieces}

    def verify(self, conn: Session) -> None:
        """Looks whether the ledger's books and billing's hold."""
        for check in Ledger(conn).verify():
            if not check.ok:
                self.faults.add(
                    f"verify: {check.check_name}: {check.violations} of {check.rows_checked}"
                )
        for name, query in BILLING.items():
            wrong = conn.execute(query.encode()).fetchall()
            if wrong:
                self.faults.add(f"billing: not {name}: {wrong[:SHOWN]}")

    def lines(self) -> list[str]:
        counts = self.counts
        said = [
            f"acknowledged {counts['acknowledged']:,}, rolled back or failed {counts['failed']:,}",
            f"answers lost {counts['unknown']:,}, {counts['unknown there']:,} of them come through",
            f"asked again {counts['again']:,}",
        ]
        for name in ("lost", "half", "phantom", "doubled"):
            found: set[str] = getattr(self, name)
            said.append(f"{name} {len(found)}{_some(sorted(found))}")
        said.append(f"checks of the books that failed {len(self.faults)}")
        said += [f"  {fault}" for fault in sorted(self.faults)]
        worst = max(self.recoveries, default=0.0)
        said.append(f"recoveries {len(self.recoveries)}, the worst took {worst:.2f} s")
        return said


def _some(names: Sequence[str]) -> str:
    more = ", …" if len(names) > SHOWN else ""
    return f": {', '.join(names[:SHOWN])}{more}" if names else ""
