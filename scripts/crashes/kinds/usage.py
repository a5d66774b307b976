"""Usage events with keys."""

from pgledger import Billing
from scripts.crashes.deeds import Deed, Kind, Session

APP = "crashes"


class Usage(Kind):
    name = "usage"

    def prepare(self, conn: Session, accounts: list[str]) -> None:
        super().prepare(conn, accounts)
        conn.execute("select ledger_create_feature(%s, 'calls', 'Calls', 'metered', 'sum')", [APP])

    def make(self, conn: Session, deed: Deed) -> None:
        Billing(conn).record_usage(
            APP,
            f"tenant-{deed.worker % 3}",
            "calls",
            quantity=1 + deed.chance % 9,
            idempotency_key=deed.name,
        )

    def found(self, conn: Session) -> dict[str, int]:
        return dict(
            conn.execute(
                "select idempotency_key, count(*) from pgledger.usage_events group by 1"
            ).fetchall()
        )


KIND = Usage()
