"""Invoices of the application's own making: lists of an app, changed drafts, and imports."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from pgledger import errors, ids
from support.at_once import PATIENCE, all_at_once
from support.clock import SetClock
from support.database import Connect
from support.invoices import (
    Customer,
    amounts,
    assert_adds_up,
    carry_clock,
    lines,
    make_feature,
    make_plan,
    put_clock,
)
from support.subscriptions import Row, Session, call, utc
from support.waiting import WaitUntilBlocked

START = "2025-01-01 00:00"
PER_CALL = {"feature": "calls", "model": "per_unit", "unit_amount": "0.5"}
VAT: list[Row] = [{"name": "VAT", "percentage": "10"}]


def D(text: str | int) -> Decimal:  # noqa: N802 -- short, because tables are made of it
    return Decimal(text)


@pytest.fixture
def conn(connect: Connect, set_clock: SetClock) -> Session:
    conn = connect(autocommit=True, **PATIENCE)
    carry_clock(conn, set_clock, START)
    make_feature(conn, "calls")
    call(conn, "ledger_set_usage_skew", app_id="shop", skew="365 days")
    return conn


@pytest.fixture
def customer(conn: Session) -> Customer:
    return Customer(conn)


def own(amount: str | int = 100, description: str = "Work", **members: Any) -> Row:
    return {"description": description, "amount": str(amount), **members}


def draw(customer: Customer, *given: Row, **options: Any) -> Row:
    return customer.tenant.one(
        "ledger_create_invoice", currency="USD", lines=list(given) or [own()], **options
    )


def update(customer: Customer, invoice: Row, **options: Any) -> Row:
    return customer.tenant.one("ledger_update_invoice", id=invoice["id"], **options)


def import_invoice(customer: Customer, *given: Row, **options: Any) -> Row:
    return customer.tenant.one(
        "ledger_import_invoice", **{"currency": "USD", "lines": list(given) or [own()], **options}
    )


# Lists


def test_invoices_of_all_tenants_of_an_app(conn: Session) -> None:
    customers = [Customer(conn, f"t{number}") for number in range(3)]
    final = []
    for day, customer in enumerate([*customers, *customers], start=1):
        put_clock(conn, f"2025-01-{day:02} 00:00")
        final.append(customer.finalize(draw(customer)["id"]))
    draft = draw(customers[0])
    other = Customer(conn, "t0", "other")
    other.finalize(draw(other)["id"])

    def listed(**options: Any) -> list[str]:
        return [row["id"] for row in call(conn, "ledger_list_app_invoices", **options)]

    newest = [draft["id"], *(row["id"] for row in reversed(final))]
    assert listed(app_id="shop") == newest
    assert listed(app_id="shop", page_size=2, page_offset=1) == newest[1:3]
    assert listed(app_id="shop", status="draft") == newest[:1]
    assert listed(app_id="nobody") == []
    customers[1].void(final[1]["id"])
    customers[2].tenant.one("ledger_mark_invoice_paid", id=final[2]["id"])
    assert listed(app_id="shop", status="voided") == [final[1]["id"]]
    put_clock(conn, "2025-02-04 12:00")
    call(conn, "ledger_advance", app_id="shop", max_span=None)
    rows = call(conn, "ledger_list_app_pending_invoices", app_id="shop")
    assert [(row["id"], row["tenant_id"], row["status"]) for row in rows] == [
        (final[number]["id"], f"t{number % 3}", "past_due" if number < 5 else "pending")
        for number in (0, 3, 4, 5)
    ]
    page = call(conn, "ledger_list_app_pending_invoices", app_id="shop", page_size=2, page_offset=1)
    assert page == rows[1:3]
    assert [row["id"] for row in customers[0].tenant.rows("ledger_list_invoices")] == [
        final[0]["id"],
        final[3]["id"],
        draft["id"],
    ]
    assert [
        row["id"]
        for row in customers[0].tenant.rows("ledger_list_invoices", newest_first=True, page_size=2)
    ] == [draft["id"], final[3]["id"]]


def test_invoices_of_periods(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", amount="10")
    customer.tenant.create(plan)
    customer.finalize(draw(customer)["id"])
    for month in (1, 2, 3):
        customer.at(f"2025-{month:02}-01 00:00")
        customer.advance()

    def starts(function: str, **options: Any) -> list[Any]:
        scope = {"app_id": "shop"}
        if function == "ledger_list_invoices":
            scope["tenant_id"] = "t1"
        return [
            row["period_start"] and row["period_start"].month
            for row in call(customer.conn, function, **scope, **options)
        ]

    for function, step in (("ledger_list_invoices", 1), ("ledger_list_app_invoices", -1)):
        january, february = utc("2025-01-01 00:00"), utc("2025-02-01 00:00")
        assert sorted(starts(function), key=str) == [1, 1, 2, None]
        assert starts(function, period_from=january)[::step] == [1, 1, 2]
        assert starts(function, period_from=february)[::step] == [2]
        assert starts(function, period_until=february)[::step] == [1, 1]
        assert starts(function, period_from=january, period_until=january.replace(day=2)) == [1, 1]


@pytest.mark.parametrize(
    ("function", "options", "error"),
    [
        ("ledger_list_app_invoices", {"app_id": None}, errors.NullArgument),
        ("ledger_list_app_invoices", {"app_id": "*"}, errors.InvalidScope),
        ("ledger_list_app_invoices", {"status": "open"}, errors.InvalidArgument),
        ("ledger_list_app_invoices", {"period_from": "infinity"}, errors.InvalidTime),
        ("ledger_list_app_invoices", {"period_until": "-infinity"}, errors.InvalidTime),
        (
            "ledger_list_app_invoices",
            {"period_from": utc(START), "period_until": utc(START)},
            errors.InvalidTime,
        ),
        ("ledger_list_app_invoices", {"page_size": 0}, errors.InvalidPage),
        ("ledger_list_app_invoices", {"page_offset": -1}, errors.InvalidPage),
        ("ledger_list_app_pending_invoices", {"app_id": ""}, errors.InvalidScope),
        ("ledger_list_app_pending_invoices", {"page_size": 10001}, errors.InvalidPage),
        ("ledger_list_invoices", {"tenant_id": None}, errors.NullArgument),
        ("ledger_list_invoices", {"tenant_id": "t1", "newest_first": None}, errors.NullArgument),
        (
            "ledger_list_invoices",
            {"tenant_id": "t1", "period_from": "infinity"},
            errors.InvalidTime,
        ),
    ],
)
def test_unsound_lists_are_refused(
    conn: Session, function: str, options: Row, error: type[Exception]
) -> None:
    with pytest.raises(error):
        call(conn, function, **({"app_id": "shop"} | options))


# Changed drafts


def test_lines_and_metadata_of_a_one_off_draft_are_replaced(customer: Customer) -> None:
    draft = draw(customer, own(80), own(20, "Parts"), tax_rates=VAT, metadata={"order": 7})
    changed = update(customer, draft, lines=[own(50, item="x")])
    assert (changed["subtotal"], changed["tax"], changed["total"]) == (50, 5, 55)
    assert changed["metadata"] == {"order": 7}
    assert [line["description"] for line in changed["line_items"]] == ["Work", "VAT 10 %"]
    changed = update(customer, draft, metadata={"order": 8})
    assert (changed["metadata"], changed["total"], changed["version"]) == ({"order": 8}, 55, 3)
    assert update(customer, draft, metadata={"order": 8.0}) == changed
    assert update(customer, draft) == changed
    final = customer.finalize(draft["id"])
    assert (final["total"], final["metadata"]) == (55, {"order": 8})
    with pytest.raises(errors.InvalidState, match="is pending and cannot become updated"):
        update(customer, draft, metadata={})


def test_lines_of_the_application_stay_on_a_subscription_s_draft(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", amount="10", prices=[PER_CALL])
    subscription = customer.tenant.create(plan, tax_rates=VAT)["id"]
    call(customer.conn, "ledger_create_coupon", app_id="shop", code="HALF", percentage=50)
    customer.redeem("HALF")
    customer.advance()
    customer.at("2025-01-20 00:00")
    draft = customer.generate(subscription)
    changed = update(customer, draft, lines=[own(30, "Setup", item="setup"), own(-5, "Sorry")])
    assert [line[:2] + line[3:] for line in lines(changed)] == [
        ("base_fee", "base", D(10)),
        ("usage", "calls", D(0)),
        ("item", "setup", D(30)),
        ("item", None, D(-5)),
        ("tax", None, D("3.50")),
    ]
    customer.use("calls", 8)
    refreshed = customer.tenant.one("ledger_refresh_invoice", id=draft["id"])
    assert amounts(refreshed, "usage", "item") == [4, 30, -5]
    assert lines(customer.preview(subscription)) == lines(refreshed)
    assert amounts(update(customer, draft, lines=[own(7)]), "usage", "item") == [4, 7]
    assert amounts(update(customer, draft, lines=[]), "usage", "item") == [4]
    update(customer, draft, lines=[own(7, "Extra")])
    customer.at("2025-02-01 00:00")
    customer.advance()
    final = customer.tenant.one("ledger_get_invoice", id=draft["id"])
    assert (final["status"], amounts(final, "usage", "item")) == ("pending", [4, 7])
    assert_adds_up(final)
    # What it was for is billed, and the application's line is nothing that a later one goes on
    # from.
    customer.at("2025-03-01 00:00")
    customer.advance()
    assert amounts(customer.invoices()[-1], "late_usage", "item") == []
    # Drawn up anew, it has only what is computed.
    customer.void(customer.invoices()[-1]["id"])
    customer.void(final["id"])
    again = customer.generate(subscription, at="2025-01-20 00:00+00")
    assert amounts(again, "usage", "item") == [4]


def test_a_draft_that_was_changed_is_another_request(customer: Customer) -> None:
    chosen = ids.generate("inv")
    draft = draw(customer, id=chosen)
    update(customer, draft, lines=[own(7)])
    with pytest.raises(errors.IdempotencyConflict):
        draw(customer, id=chosen)
    assert draw(customer, own(7), id=chosen)["total"] == 7


UNSOUND: list[tuple[Row, type[Exception], str]] = [
    ({"app_id": "*"}, errors.InvalidScope, "app_id"),
    ({"tenant_id": None}, errors.NullArgument, "tenant_id"),
    ({"tenant_id": "t2"}, errors.InvoiceNotFound, "'t2'"),
    ({"id": "inv_1"}, errors.InvalidId, "inv_1"),
    ({"metadata": [1]}, errors.InvalidMetadata, "array"),
    ({"lines": []}, errors.InvalidInvoice, "it is empty"),
    ({"lines": {}}, errors.InvalidInvoice, "not an array"),
    ({"lines": [own(kind="item")]}, errors.InvalidInvoice, "kind: it is not known here"),
    ({"lines": [own("9" * 30), own()]}, errors.InvalidInvoice, "comes to a total"),
    ({"lines": [own()] * 1001}, errors.InvalidInvoice, "it has 1001 elements"),
]


@pytest.mark.parametrize(("wrong", "error", "says"), UNSOUND)
def test_unsound_changes_are_refused(
    customer: Customer, wrong: Row, error: type[Exception], says: str
) -> None:
    draft = draw(customer)
    arguments = {"app_id": "shop", "tenant_id": "t1", "id": draft["id"]} | wrong
    with pytest.raises(error, match=says):
        call(customer.conn, "ledger_update_invoice", **arguments)
    assert customer.invoices() == [draft]


def test_a_change_waits_for_whoever_makes_the_draft_final(
    connect: Connect, customer: Customer, wait_until_blocked: WaitUntilBlocked
) -> None:
    draft = draw(customer)
    first, second = connect(**PATIENCE), connect(**PATIENCE)
    for session in (first, second):
        put_clock(session, START)
        session.commit()
    Customer(first).finalize(draft["id"])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(update, Customer(second), draft, lines=[own(1)])
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        with pytest.raises(errors.InvalidState):
            waiting.result(timeout=60)
    assert customer.invoices()[0]["total"] == 100


# Imports


def test_an_invoice_that_is_paid_already(customer: Customer) -> None:
    call(customer.conn, "ledger_create_coupon", app_id="shop", code="HALF", percentage=50)
    customer.redeem("HALF")
    paid = import_invoice(
        customer,
        own(80),
        tax_rates=VAT,
        metadata={"number": "A-17"},
        paid_at=utc("2024-12-20 10:00"),
        reference="wire 7",
        due_at=utc("2024-12-24 00:00"),
    )
    assert (paid["kind"], paid["status"], paid["number"]) == ("one_off", "paid", 1)
    assert (paid["total"], paid["discount"], paid["amount_paid"]) == (88, 0, 88)
    assert (paid["paid_at"], paid["due_at"]) == (utc("2024-12-20 10:00"), utc("2024-12-24 00:00"))
    (payment,) = customer.tenant.rows("ledger_list_payments", invoice_id=paid["id"])
    assert (payment["amount"], payment["reference"]) == (88, "wire 7")
    assert customer.redeem_left() == [(1, None)]
    pending = import_invoice(customer)
    assert (pending["status"], pending["amount_due"], pending["number"]) == ("pending", 100, 2)
    credit = import_invoice(customer, own(-7), paid_at=utc(START))
    assert (credit["status"], credit["unapplied"], credit["amount_paid"]) == ("paid", 7, 0)
    for invoice in customer.invoices():
        assert_adds_up(invoice)


def test_an_import_takes_the_place_of_a_period_s_invoice(customer: Customer) -> None:
    """What its lines say is billed, for what they say; anything else is on the next invoice."""
    make_feature(customer.conn, "mails")
    plan = make_plan(
        customer.conn, "pro", amount="31", prices=[PER_CALL, {**PER_CALL, "feature": "mails"}]
    )
    customer.at("2025-02-10 00:00")
    subscription = customer.tenant.create(plan, started_at=utc(START))["id"]
    customer.use("calls", 100, "2025-01-10 00:00")
    customer.use("mails", 10, "2025-01-10 00:00")
    imported = import_invoice(
        customer,
        own("28.50", "Plan", kind="base_fee"),
        own("45", "Calls", kind="usage", item="calls"),
        own("3", "Stickers"),
        subscription_id=subscription,
        at=utc("2025-01-05 00:00"),
        paid_at=utc("2025-02-01 00:00"),
    )
    assert (imported["kind"], imported["status"], imported["total"]) == (
        "period",
        "paid",
        D("76.5"),
    )
    assert imported["period_end"] == utc("2025-02-01 00:00")
    assert lines(imported) == [
        ("base_fee", "base", D(1), D("28.50")),
        ("usage", "calls", D(100), D("45.00")),
        ("item", None, None, D("3.00")),
    ]
    customer.advance()
    start = customer.invoices()[-1]
    assert (start["kind"], amounts(start)) == ("start", [D(31)])
    customer.use("calls", 2, "2025-01-11 00:00")
    customer.at("2025-03-01 00:00")
    customer.advance()
    assert lines(customer.invoices()[-1]) == [
        ("base_fee", "base", D(1), D("31.00")),
        ("usage", "calls", D(0), D("0.00")),
        ("usage", "mails", D(0), D("0.00")),
        ("late_usage", "calls", D(2), D("1.00")),
    ]


def test_a_credit_gives_back_its_share_of_what_an_import_says(customer: Customer) -> None:
    """31 a month, of which the other system asked for 62.00: 21 of 31 days are 42.00."""
    subscription = customer.tenant.create(make_plan(customer.conn, "pro", amount="31"))["id"]
    imported = import_invoice(
        customer,
        own(62, "Plan", kind="base_fee"),
        subscription_id=subscription,
        kind="start",
        tax_rates=VAT,
    )
    assert (imported["kind"], imported["total"]) == ("start", D("68.20"))
    assert customer.advance() == []
    customer.at("2025-01-11 00:00")
    customer.tenant.cancel(subscription, at_period_end=False, unused_time="credit")
    customer.advance()
    imported, credit = customer.invoices()
    assert (credit["subtotal"], credit["tax"]) == (-42, D("-4.20"))
    assert (imported["status"], imported["amount_due"]) == ("pending", 22)
    customer.void(credit["id"])
    assert customer.void(imported["id"])["status"] == "voided"


def test_a_line_can_bill_several_parts(customer: Customer) -> None:
    """Two plans in a period, and a maximum: the amount is split by what each comes to."""
    month = {"interval": "day", "interval_count": 30}
    bounded = {**PER_CALL, "maximum": "30"}
    small, large = (
        make_plan(customer.conn, f"plan-{amount}", amount=amount, base=month, prices=[bounded])
        for amount in ("10", "20")
    )
    subscription = customer.tenant.create(small)["id"]
    customer.use("calls", 100)
    customer.at("2025-01-16 00:00")
    customer.tenant.change_plan(subscription, large)
    customer.at("2025-01-31 00:00")
    imported = import_invoice(
        customer,
        own("10.01", "Plan", kind="base_fee"),
        own("15", "Calls", kind="usage", item="calls"),
        own("19", "Next", kind="base_fee", period_start="2025-01-31T00:00:00Z"),
        subscription_id=subscription,
        at=utc("2025-01-20 00:00"),
    )
    assert sorted(amounts(imported)) == sorted(
        [D("3.34"), D("6.67"), *amounts(imported, "usage", "cap"), D("19.00")]
    )
    assert sum(amounts(imported, "usage", "cap")) == 15
    # All of it is billed, the next period's fee too.
    assert customer.advance() == []
    customer.at("2025-03-02 00:00")
    customer.advance()
    assert amounts(customer.invoices()[-1], "base_fee", "proration", "late_usage") == [20]


UNSOUND_IMPORTS: list[tuple[Row, type[Exception], str]] = [
    ({"app_id": None}, errors.NullArgument, "app_id"),
    ({"tenant_id": "t2"}, errors.SubscriptionNotFound, "'t2'"),
    ({"subscription_id": "sub_1"}, errors.InvalidId, "sub_1"),
    ({"currency": "XQX"}, errors.UnknownCurrency, "XQX"),
    ({"currency": "EUR"}, errors.InvalidArgument, "currency EUR"),
    ({"lines": None}, errors.NullArgument, "lines"),
    ({"lines": []}, errors.InvalidInvoice, "empty"),
    ({"lines": [own(kind="tax")]}, errors.InvalidInvoice, "is none of item, base_fee and usage"),
    ({"lines": [own(kind=7)]}, errors.InvalidInvoice, "kind"),
    ({"lines": [own(kind="usage")]}, errors.InvalidInvoice, "does not come to"),
    ({"lines": [own(kind="usage", item="x")]}, errors.InvalidInvoice, "does not come to"),
    ({"lines": [own(kind="base_fee")] * 2}, errors.InvalidInvoice, r"lines\[1\]"),
    (
        {"lines": [own(kind="base_fee", period_start="2024-01-01T00:00:00Z")]},
        errors.InvalidInvoice,
        "does not come to",
    ),
    ({"lines": [own("9" * 30), own()]}, errors.InvalidInvoice, "comes to a total"),
    ({"tax_rates": None}, errors.NullArgument, "tax_rates"),
    ({"tax_rates": {}}, errors.InvalidInvoice, "tax_rates"),
    ({"metadata": [1]}, errors.InvalidMetadata, "array"),
    ({"due_at": "infinity"}, errors.InvalidTime, "due_at"),
    ({"paid_at": "-infinity"}, errors.InvalidTime, "paid_at"),
    ({"paid_at": "2025-02-10 00:00:01+00"}, errors.InvalidTime, "is ahead of"),
    ({"paid_at": utc(START), "reference": ""}, errors.InvalidArgument, "reference"),
    ({"reference": "wire 7"}, errors.InvalidArgument, "there is no paid_at"),
    ({"id": "sub_1"}, errors.InvalidId, "sub_1"),
    ({"kind": "interim"}, errors.InvalidArgument, "period, start"),
    ({"kind": None}, errors.NullArgument, "kind"),
    ({"at": utc("2024-12-31 00:00")}, errors.InvalidArgument, "no period at that time"),
    ({"at": utc("2025-02-05 00:00")}, errors.InvalidArgument, "which is to come"),
    ({"at": None}, errors.InvalidArgument, "which is to come"),
]


@pytest.mark.parametrize(("wrong", "error", "says"), UNSOUND_IMPORTS)
def test_unsound_imports_are_refused(
    customer: Customer, wrong: Row, error: type[Exception], says: str
) -> None:
    customer.at("2025-02-10 00:00")
    plan = make_plan(customer.conn, "pro", amount="10", prices=[PER_CALL])
    arguments: Row = {
        "app_id": "shop",
        "tenant_id": "t1",
        "currency": "USD",
        "lines": [own()],
        "subscription_id": customer.tenant.create(plan, started_at=utc(START))["id"],
        "at": utc("2025-01-05 00:00"),
    }
    with pytest.raises(error, match=says):
        call(customer.conn, "ledger_import_invoice", **(arguments | wrong))
    assert customer.invoices() == []
    (made,) = call(customer.conn, "ledger_import_invoice", **arguments)
    with pytest.raises(errors.InvalidState, match=f"{made['id']} is pending and cannot become"):
        call(customer.conn, "ledger_import_invoice", **arguments)


def test_an_import_waits_for_the_drafts_before_it(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", amount="10")
    subscription = customer.tenant.create(plan)["id"]
    draft = customer.generate(subscription, kind="start")
    customer.at("2025-02-01 00:00")
    arguments: Row = {"subscription_id": subscription, "at": utc(START)}
    with pytest.raises(errors.InvalidState, match=f"before draft {draft['id']}"):
        import_invoice(customer, **arguments)
    customer.finalize(draft["id"])
    assert import_invoice(customer, **arguments)["status"] == "pending"


def test_a_repeated_import_is_one(customer: Customer) -> None:
    plan = make_plan(customer.conn, "pro", amount="10", prices=[PER_CALL])
    customer.at("2025-02-10 00:00")
    subscription = customer.tenant.create(plan, started_at=utc(START))["id"]
    for options in (
        {},
        {"subscription_id": subscription, "at": utc("2025-01-05 00:00")},
    ):
        kind = {"kind": "base_fee"} if options else {}
        request: Row = {
            "id": ids.generate("inv"),
            "metadata": {"number": 7},
            "tax_rates": VAT,
            "paid_at": utc("2025-01-09 00:00"),
            "reference": "wire",
            **options,
        }
        made = import_invoice(customer, own(9, **kind), own(1), own(2), **request)
        assert import_invoice(customer, own("9.0", **kind), own(1), own(2), **request) == made
        changes: list[Row] = [
            {"metadata": None},
            {"tax_rates": []},
            {"reference": "cash"},
            {"paid_at": utc("2025-01-10 00:00")},
            {"subscription_id": None if options else subscription, "at": utc(START)},
            {"lines": [own(9), own(1), own(3)]},
            {"at": utc("2025-02-05 00:00")} if options else {"tenant_id": "t2"},
        ]
        for change in changes:
            arguments = {
                "app_id": "shop",
                "tenant_id": "t1",
                "currency": "USD",
                "lines": [own(9, **kind), own(1), own(2)],
                **request,
                **change,
            }
            if arguments["subscription_id" if options else "id"] is None:
                arguments["lines"] = [own(9), own(1), own(2)]
            with pytest.raises(errors.IdempotencyConflict):
                call(customer.conn, "ledger_import_invoice", **arguments)
    assert len(customer.invoices()) == 2


def test_many_imports_at_once_are_one(connect: Connect, customer: Customer) -> None:
    plan = make_plan(customer.conn, "extra", amount="10", add_on=True)
    subscriptions = [customer.tenant.create(plan)["id"] for _ in range(2)]
    chosen = [ids.generate("inv") for _ in range(3)]

    def work(taken: str, **options: Any) -> Any:
        def run(session: Session) -> Row:
            put_clock(session, START)
            return import_invoice(Customer(session), id=taken, paid_at=utc(START), **options)

        return run

    same = [work(chosen[0])] * 4
    start = {"kind": "start", "subscription_id": subscriptions[0]}
    results = all_at_once(connect, [*same, *[work(chosen[1], **start)] * 4])
    assert [row["status"] for row in results] == ["paid"] * 8
    assert {row["id"] for row in results} == set(chosen[:2])
    # One id for two subscriptions: one of them has it.
    results = all_at_once(
        connect,
        [
            work(chosen[2], kind="start", subscription_id=subscriptions[1]),
            work(chosen[2], metadata={"other": 1}),
        ],
    )
    failed = [row for row in results if isinstance(row, Exception)]
    assert [type(error) for error in failed] == [errors.IdempotencyConflict]
    assert len(customer.invoices()) == 3
    paid = [
        row
        for made in chosen
        for row in customer.tenant.rows("ledger_list_payments", invoice_id=made)
    ]
    assert [row["invoice_id"] for row in paid] == chosen
