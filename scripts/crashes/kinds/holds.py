"""Holds with ids of the worker's choice, posted under a key or voided."""

from collections import Counter

from pgledger import Ledger
from scripts.crashes.deeds import Deed, Kind, Session, transfers_of


class Holds(Kind):
    name = "holds"
    size = 2

    def make(self, conn: Session, deed: Deed) -> None:
        ledger = Ledger(conn)
        source, target = deed.pair()
        hold = ledger.create_hold(
            self.accounts[source],
            self.accounts[target],
            10,
            id=deed.id("pglh"),
            metadata={"deed": deed.name},
        )
        if self.is_voided(deed):
            ledger.void_hold(hold.id, idempotency_key=deed.name)
        else:
            ledger.post_hold(
                hold.id, amount=7, metadata={"deed": deed.name}, idempotency_key=deed.name
            )

    @staticmethod
    def is_voided(deed: Deed) -> bool:
        return deed.chance % 4 == 3

    def found(self, conn: Session) -> dict[str, int]:
        # A hold that was voided is as much as one that was posted.
        made = dict(
            conn.execute(
                "select metadata ->> 'deed', sum(case when status = 2 then 2 else 1 end)::integer"
                " from pgledger.holds group by 1"
            ).fetchall()
        )
        return dict(Counter(made) + Counter(transfers_of(conn, self.name)))


KIND = Holds()
