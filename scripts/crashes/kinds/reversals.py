"""Transfers that are reversed under a key."""

from pgledger import Ledger
from scripts.crashes.deeds import Deed, Kind, Session, transfers_of


class Reversals(Kind):
    name = "reversals"
    size = 2

    def make(self, conn: Session, deed: Deed) -> None:
        ledger = Ledger(conn)
        source, target = deed.pair()
        made = ledger.create_transfer(
            self.accounts[source],
            self.accounts[target],
            10,
            id=deed.id("pglt"),
            metadata={"deed": deed.name},
        )
        ledger.reverse_transfer(
            made.id, amount=3, metadata={"deed": deed.name}, idempotency_key=deed.name
        )

    def found(self, conn: Session) -> dict[str, int]:
        return transfers_of(conn, self.name)


KIND = Reversals()
