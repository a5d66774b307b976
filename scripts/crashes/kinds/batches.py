"""Batches of transfers, each with a key or an id."""

from pgledger import Ledger, TransferRequest
from scripts.crashes.deeds import ACCOUNTS, Deed, Kind, Session, transfers_of


class Batches(Kind):
    name = "batches"

    def make(self, conn: Session, deed: Deed) -> None:
        dice = deed.dice()
        requests: list[TransferRequest] = []
        for number in range(self.pieces(deed)):
            source, target = dice.sample(range(ACCOUNTS), 2)
            has_key = dice.random() < 0.5
            requests.append(
                TransferRequest(
                    self.accounts[source],
                    self.accounts[target],
                    dice.randint(1, 100),
                    metadata={"deed": deed.name},
                    id=None if has_key else deed.id("pglt", number),
                    idempotency_key=f"{deed.name} {number}" if has_key else None,
                )
            )
        Ledger(conn).create_transfers(requests)

    def pieces(self, deed: Deed) -> int:
        return 2 + deed.chance % 5

    def found(self, conn: Session) -> dict[str, int]:
        return transfers_of(conn, self.name)


KIND = Batches()
