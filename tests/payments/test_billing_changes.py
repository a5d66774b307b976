"""What happens in billing comes in ``pgledger_changes`` too, once and in order."""

from pgledger import Ledger
from support.database import Connect
from support.subscriptions import Tenant, call, create_plan


def test_billing_is_told_in_the_order_in_which_it_happens(connect: Connect):
    conn = connect(autocommit=True)
    tenant = Tenant(conn)
    subscription = tenant.create(create_plan(conn))["id"]
    tenant.pause(subscription)
    tenant.resume(subscription)
    lines = [{"description": "Work", "amount": "100"}]
    invoice = tenant.one("ledger_create_invoice", currency="USD", lines=lines)["id"]
    tenant.one("ledger_finalize_invoice", id=invoice)
    tenant.one("ledger_record_payment", invoice_id=invoice, amount=30)
    tenant.one("ledger_record_payment", invoice_id=invoice, amount=70)
    given_up = tenant.one("ledger_create_invoice", currency="USD", lines=lines)["id"]
    tenant.one("ledger_finalize_invoice", id=given_up)
    tenant.one("ledger_mark_invoice_voided", id=given_up)
    call(conn, "ledger_create_feature", app_id="shop", key="seats", name="Seats", type="boolean")
    feature = call(conn, "ledger_get_feature_by_key", app_id="shop", key="seats")[0]["id"]
    for tenant_id in ("t1", "t2", "t1"):
        conn.execute("select ledger_invalidate_entitlement('shop', %s, 'seats')", (tenant_id,))
    changes = Ledger(conn).changes()
    payments = [change.entity_id for change in changes if change.entity == "payment"]
    told = [(c.entity, c.change, c.entity_id, c.version, c.tenant_id) for c in changes]
    assert told == [
        ("subscription", "created", subscription, 1, "t1"),
        ("subscription", "paused", subscription, 2, "t1"),
        ("subscription", "resumed", subscription, 3, "t1"),
        ("invoice", "finalized", invoice, 1, "t1"),
        ("payment", "recorded", payments[0], 1, "t1"),
        ("payment", "recorded", payments[1], 1, "t1"),
        ("invoice", "paid", invoice, 2, "t1"),
        ("invoice", "finalized", given_up, 1, "t1"),
        ("invoice", "voided", given_up, 2, "t1"),
        ("entitlement", "invalidated", f"{feature} t1", 1, "t1"),
        ("entitlement", "invalidated", f"{feature} t2", 1, "t2"),
        ("entitlement", "invalidated", f"{feature} t1", 2, "t1"),
    ]
    assert {change.app_id for change in changes} == {"shop"}
    details = changes[5].details
    assert details is not None
    assert (details["invoice_id"], details["amount"]) == (invoice, "70.00")
    assert [check for check in Ledger(conn).verify() if check.violations] == []
