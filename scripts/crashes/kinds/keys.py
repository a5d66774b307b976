"""Single transfers with idempotency keys."""

from pgledger import Ledger
from scripts.crashes.deeds import Deed, Kind, Session, transfers_of


class Keys(Kind):
    name = "keys"

    def make(self, conn: Session, deed: Deed) -> None:
        source, target = deed.pair()
        Ledger(conn).create_transfer(
            self.accounts[source],
            self.accounts[target],
            1 + deed.chance % 100,
            metadata={"deed": deed.name},
            idempotency_key=deed.name,
        )

    def found(self, conn: Session) -> dict[str, int]:
        return transfers_of(conn, self.name)


KIND = Keys()
