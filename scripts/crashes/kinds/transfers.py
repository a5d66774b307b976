"""Single transfers with ids of the worker's choice."""

from pgledger import Ledger
from scripts.crashes.deeds import Deed, Kind, Session, transfers_of


class Transfers(Kind):
    name = "transfers"

    def make(self, conn: Session, deed: Deed) -> None:
        source, target = deed.pair()
        Ledger(conn).create_transfer(
            self.accounts[source],
            self.accounts[target],
            1 + deed.chance % 100,
            id=deed.id("pglt"),
            metadata={"deed": deed.name},
        )

    def found(self, conn: Session) -> dict[str, int]:
        return transfers_of(conn, self.name)


KIND = Transfers()
