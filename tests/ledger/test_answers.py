"""However a transfer or a hold is made, what is answered then is what is found later."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pgledger import (
    HoldRequest,
    Ledger,
    NamedTransferRequest,
    PostingRequest,
    Transfer,
    TransferRequest,
)

ID = "pglt_01JTVST7XAES5BXHWZN4KR4VE0"
APP = "books"


class Books(Ledger):
    """Two accounts of which everything differs that can."""

    def __init__(self, conn):
        super().__init__(conn)
        self.bank = self.create_account("bank", "USD", tenant_id="house", app_id=APP).id
        self.shop = self.create_account("shop", "USD", tenant_id="seller", app_id=APP).id

    def held(self) -> str:
        return self.create_hold(self.bank, self.shop, 4, app_id=APP, group_id="order").id

    def paid(self) -> str:
        return self.create_transfer(self.shop, self.bank, 4, app_id=APP).id

    def pay(self, **given) -> Transfer:
        return self.create_transfer(self.bank, self.shop, 4, app_id=APP, **given)


WAYS: dict[str, Callable[[Books], Transfer | None]] = {
    "plain": lambda books: books.pay(),
    "the other way": lambda books: books.create_transfer(books.shop, books.bank, 4, app_id=APP),
    "with metadata": lambda books: books.pay(metadata={"order": 1}),
    "with a key": lambda books: books.pay(idempotency_key="key"),
    "with an id": lambda books: books.pay(id=ID),
    "with both": lambda books: books.pay(id=ID, idempotency_key="key"),
    "under a condition": lambda books: books.pay(require_from_version=0),
    "by name": lambda books: books.create_transfer_by_name(
        "bank", "shop", 4, "USD", app_id=APP, from_tenant_id="house", to_tenant_id="seller"
    ),
    "in a batch": lambda books: books.create_transfers(
        [TransferRequest(books.bank, books.shop, 4)], app_id=APP
    )[0],
    "in a batch with keys": lambda books: books.create_transfers(
        [TransferRequest(books.bank, books.shop, 4, idempotency_key="key")], app_id=APP
    )[0],
    "in a batch by name": lambda books: books.create_transfers_by_name(
        [
            NamedTransferRequest(
                "bank", "shop", 4, "USD", from_tenant_id="house", to_tenant_id="seller"
            )
        ],
        app_id=APP,
    )[0],
    "of a hold": lambda books: books.post_hold(books.held(), app_id=APP),
    "of a hold in part": lambda books: books.post_hold(
        books.held(), amount=1, final=False, app_id=APP
    ),
    "of a hold with an id": lambda books: books.post_hold(books.held(), id=ID, app_id=APP),
    "the last of a hold": lambda books: books.post_hold(books.held(), amount=1, app_id=APP),
    "the last of a hold with an id": lambda books: books.post_hold(
        books.held(), amount=1, id=ID, app_id=APP
    ),
    "of all of a hold": lambda books: books.post_hold(books.held(), amount=4, app_id=APP),
    "of all of a hold with an id": lambda books: books.post_hold(
        books.held(), amount=4, final=False, id=ID, app_id=APP
    ),
    "of all of a hold with a key": lambda books: books.post_hold(
        books.held(), amount=4, idempotency_key="key", app_id=APP
    ),
    "of all of many holds": lambda books: books.post_holds(
        [PostingRequest(books.held(), amount=4)], app_id=APP
    )[0],
    "of many holds": lambda books: books.post_holds([PostingRequest(books.held())], app_id=APP)[0],
    "a reversal": lambda books: books.reverse_transfer(books.paid(), app_id=APP),
    "a sweep": lambda books: (
        books.sweep(books.shop, books.bank, app_id=APP, keep=-5) or books.pay()
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_transfer_is_answered_as_it_is_found(conn, way):
    books = Books(conn)
    made = WAYS[way](books)
    assert made is not None
    assert made.replayed is False
    found = books.get_transfer(made.id, app_id=APP)
    assert replace(made, replayed=None) == found
    assert {found.from_tenant_id, found.to_tenant_id} == {"house", "seller"}
    sides = {found.from_account_id: found.from_tenant_id, found.to_account_id: found.to_tenant_id}
    assert sides == {books.bank: "house", books.shop: "seller"}
    if way.startswith(("of all", "the last")):
        assert found.origin_id is not None
        assert books.get_hold(found.origin_id, app_id=APP).status == "posted"
        assert books.get_account(books.bank, app_id=APP).held_out == 0
    assert [check for check in books.verify() if not check.ok] == []


HOLDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "with a key": {"idempotency_key": "key"},
    "with an id": {"id": "pglh_01JTVST7XAES5BXHWZN4KR4VE0"},
}


@pytest.mark.parametrize("way", HOLDS)
@pytest.mark.parametrize("many", [False, True])
def test_a_hold_is_answered_as_it_is_found(conn, way, many):
    books = Books(conn)
    given = HOLDS[way]
    if many:
        made = books.create_holds([HoldRequest(books.bank, books.shop, 4, **given)], app_id=APP)[0]
    else:
        made = books.create_hold(books.bank, books.shop, 4, app_id=APP, **given)
    found = books.get_hold(made.id, app_id=APP)
    assert replace(made, replayed=None) == replace(found, replayed=None)
    assert (found.from_tenant_id, found.to_tenant_id) == ("house", "seller")
