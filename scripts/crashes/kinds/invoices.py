"""Invoices with ids of the worker's choice that become final and are paid."""

from decimal import Decimal

from pgledger import Billing
from scripts.crashes.deeds import Deed, Kind, Session
from scripts.crashes.kinds.usage import APP


class Invoices(Kind):
    name = "invoices"
    size = 2

    def make(self, conn: Session, deed: Deed) -> None:
        billing = Billing(conn)
        tenant = f"tenant-{deed.worker % 3}"
        amount = Decimal(1 + deed.chance % 1000) / 100
        draft = billing.create_invoice(
            APP,
            tenant,
            "USD",
            [{"description": "Support", "amount": str(amount)}],
            metadata={"deed": deed.name},
            id=deed.id("inv"),
        )
        if draft.status == "draft":
            billing.finalize_invoice(APP, tenant, draft.id)
        billing.record_payment(
            APP, tenant, draft.id, amount, reference=deed.name, id=deed.id("pay")
        )

    def found(self, conn: Session) -> dict[str, int]:
        return dict(
            conn.execute(
                "select name, sum(pieces)::integer from ("
                " select metadata ->> 'deed', count(*) from pgledger.invoices"
                " where status = 'paid' group by 1"
                " union all"
                " select reference, count(*) from pgledger.invoice_payments group by 1"
                ") as found (name, pieces) group by 1"
            ).fetchall()
        )


KIND = Invoices()
