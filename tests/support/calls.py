"""A call that succeeds of each public function, all its arguments given as text.

Tests replace one argument of them, or several, by what is odd.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, LiteralString

from support.invoices import Customer, make_feature, make_plan
from support.subscriptions import Session

# Those who call the scene below have put the clock there.
BEGIN = "2025-01-01"
NOW = "2025-02-01"

TENANT_ROLE = "tenant_of_calls"

Text = str | None

ARGUMENTS: LiteralString = """
  select
    pg_proc.proname::text,
    pg_proc.provariadic <> 0,
    pg_proc.proargnames[:pg_proc.pronargs],
    array(
      select format_type(kind.oid, null)
      from unnest(pg_proc.proargtypes) with ordinality as kind (oid, place)
      order by kind.place
    )
  from pg_proc
  where pg_proc.pronamespace = 'public'::regnamespace and pg_proc.proname ~ '^(pg)?ledger_'
  order by 1, 2
"""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the function's name, its arguments' types, and their texts."""

    function: str
    variadic: bool
    types: Mapping[str, str]
    given: Mapping[str, Text] = field(default_factory=dict[str, Text])

    def having(self, **others: Text) -> "Call":
        return replace(self, given={**self.given, **others})

    def of_type(self, *types: str) -> list[str]:
        """Returns the names of the arguments that have one of these types."""
        return [name for name, kind in self.types.items() if kind in types]

    def statement(self) -> bytes:
        """Returns the statement, whose parameters are ``given``."""
        # What is variadic takes no names.
        given = ", ".join(
            f"{'' if self.variadic else f'{name} => '}%({name})s::text::{self.types[name]}"
            for name in self.given
        )
        return f"select * from {self.function}({given})".encode()


def public_functions(session: Session) -> list[Call]:
    """Returns every public function, without arguments."""
    return [
        Call(
            name,
            variadic,
            # A variadic function is called with elements.
            {
                argument: kind.removesuffix("[]") if variadic else kind
                for argument, kind in zip(names or (), types, strict=True)
            },
        )
        for name, variadic, names, types in session.execute(ARGUMENTS)
    ]


def _value(session: Session, statement: LiteralString, *parameters: Any) -> str:
    row = session.execute(statement, parameters).fetchone()
    assert row is not None
    return str(row[0])


def good_calls(session: Session) -> list[Call]:
    """Fills the store with what the calls need, and returns one or more of every function.

    The clock of the session stands at BEGIN when it is called, at NOW afterwards. Whoever maps the
    role TENANT_ROLE creates it first.
    """
    given = _good_arguments(session)
    functions = public_functions(session)
    assert set(given) == {call.function for call in functions}
    calls: list[Call] = []
    for function in functions:
        for arguments in given[function.function]:
            # What was forgotten would never be tried.
            assert set(arguments) == set(function.types), function.function
            calls.append(replace(function, given=arguments))
    return calls


def _good_arguments(session: Session) -> dict[str, Sequence[Mapping[str, Text]]]:
    make_feature(session, "api", type="metered")
    make_feature(session, "seats", type="seat")
    make_feature(session, "spare", type="metered")
    make_feature(session, "words", type="metered", aggregation="unique_count", unique_key="word")
    features: list[Mapping[str, Any]] = [
        {"key": "api", "limit": 100},
        {"key": "words", "limit": 10},
        {"key": "seats"},
    ]
    prices = [
        {"feature": "api", "model": "per_unit", "unit_amount": "2"},
        {"feature": "seats", "model": "per_unit", "unit_amount": "5"},
    ]
    plan = make_plan(session, "pro", amount="10", features=features, prices=prices)
    other_plan = make_plan(session, "max", amount="30", base={"interval": "year"})
    spare_plan = make_plan(session, "spare")
    add_on = make_plan(session, "extra", amount="3", add_on=True)
    customer = Customer(session)
    subscription = customer.tenant.create(plan)["id"]
    customer.use("api", 3)
    session.execute(
        "select ledger_record_usage('shop', 't1', 'words', metadata => '{\"word\": \"a\"}')"
    )
    paused = Customer(session, "t2")
    paused_subscription = paused.tenant.create(plan)["id"]
    coupon = _value(session, "select id from ledger_create_coupon('shop', 'TEN', percentage => 10)")
    spare_coupon = _value(
        session,
        "select id from ledger_create_coupon('shop', 'FIVE', amount => 5, currency => 'USD')",
    )
    customer.redeem("TEN")
    customer.at(NOW)
    customer.advance()
    paused.tenant.pause(paused_subscription)
    trial_subscription = Customer(session, "t4").tenant.create(plan, trial_days=60)["id"]
    (invoice, *_) = (row["id"] for row in customer.invoices("pending"))
    draft = customer.generate(subscription, kind="interim")["id"]
    line = (
        '[{"description": "work", "quantity": "2", "unit_amount": 1.5, "item": "hours",'
        ' "period_start": "2025-01-01T00:00:00Z", "period_end": "2025-01-02T00:00:00+01:00"},'
        ' {"description": "refund", "amount": "-1"}]'
    )
    unpaid = _value(
        session, "select id from ledger_create_invoice('shop', 't1', 'USD', %s::jsonb)", line
    )
    session.execute("select ledger_finalize_invoice('shop', 't1', %s)", [unpaid])
    customer.tenant.one("ledger_record_payment", invoice_id=invoice, amount=1)
    event = _value(
        session, "select id from ledger_query_usage('shop', 't1', feature_key => 'api') limit 1"
    )
    accounts = [
        _value(session, "select id from pgledger_create_account(%s, 'USD')", name) for name in "ab"
    ]
    transfer = _value(session, "select id from pgledger_create_transfer(%s, %s, 1)", *accounts)
    refunded = _value(session, "select id from pgledger_create_transfer(%s, %s, 2)", *accounts)
    hold = _value(session, "select id from pgledger_create_hold(%s, %s, 3)", *accounts)
    spent = _value(session, "select id from pgledger_create_account('spent', 'USD')")
    session.execute("select pgledger_create_transfer(%s, %s, 7)", [accounts[1], spent])
    ahead = _value(session, "select id from pgledger_create_account('ahead', 'USD')")
    empty = _value(session, "select id from pgledger_create_account('empty', 'USD')")
    closed = _value(session, "select id from pgledger_create_account('closed', 'USD')")
    session.execute("select pgledger_close_account(%s)", [closed])
    session.execute("select pgledger_close_period('closed', '2024-12-01+00')")
    session.execute(
        "update pgledger.accounts set updated_at = updated_at + interval '2 days' where id = %s",
        [ahead],
    )
    feature = _value(session, "select id from ledger_get_feature_by_key('shop', 'api')")
    spare_feature = _value(session, "select id from ledger_get_feature_by_key('shop', 'spare')")
    ulid = transfer.removeprefix("pglt_")
    new_ulid = ulid[:-1] + ("1" if ulid.endswith("0") else "0")

    app = {"app_id": "shop"}
    tenant = app | {"tenant_id": "t1"}
    used = tenant | {"feature_key": "api"}
    hours = {"starts_at": "2025-01-01+00", "ends_at": "2025-02-01+00"}
    page = {"page_size": "10", "page_offset": "1"}
    periods = {"period_from": "2025-01-01+00", "period_until": "2025-02-01+00"}
    imported = line.replace('"hours",', '"hours", "kind": "item",')
    wrong = tenant | {"id": event, "event_at": BEGIN + "+00", "reason": "counted twice"}
    mine = tenant | {"id": subscription}
    at = "2025-01-31 12:00+00"
    prices_shown = [
        '{"model": "graduated", "tiers": [{"up_to": "2", "unit_amount": "3"}, {"flat_amount": 7}]}',
        '{"model": "volume", "tiers": [{"up_to": 90, "unit_amount": 1}, {"unit_amount": "0.5"}]}',
        '{"model": "per_unit", "unit_amount": "2", "minimum": "1", "maximum": "900"}',
        '{"model": "flat", "flat_amount": "12"}',
        '{"model": "package", "package_size": "10", "package_amount": "5", "free": "1"}',
        '{"model": "percentage", "percentage": "2.9", "flat_amount": "0.3"}',
        (
            '{"model": "graduated_percentage", "tiers": [{"up_to": "50", "percentage": "3"},'
            ' {"percentage": "2", "flat_amount": "1"}]}'
        ),
    ]
    by_event = (
        '{"model": "percentage", "percentage": "2.9", "event_fee": "0.3", "event_minimum": "1",'
        ' "event_maximum": "2", "free_events": 1}'
    )
    rates = '[{"name": "VAT", "percentage": "19", "applies_to": ["hours", "api"]}]'
    pricing = (
        '{"base": {"amount": "9", "interval": "month", "interval_count": 2, "billed": "arrears",'
        ' "proration": "second"}, "prices": [{"feature": "api", "model": "volume", "tiers":'
        ' [{"up_to": 10, "unit_amount": 1}, {"unit_amount": 0.5}]},'
        ' {"feature": "seats", "model": "per_unit", "unit_amount": "2", "minimum": "1"}]}'
    )
    limits = (
        '[{"key": "api", "type": "metered", "limit": "5", "period": "day", "soft_limit": false,'
        ' "aggregation": "max"}, {"key": "seats", "limit": 3}]'
    )
    metadata = {"metadata": '{"a": 1}'}
    account = {"id": accounts[0], "reason": "because", "app_id": ""}
    request = f"({accounts[0]},{accounts[1]},1)"
    requests = f'{{"{request}","({accounts[1]},{accounts[0]},2.5)"}}'
    defaults: dict[str, Text] = {
        "default_limit": "100",
        "default_period": "month",
        "default_soft_limit": "true",
    }
    coupon_terms: dict[str, Text] = {
        "duration": "repeating",
        "duration_invoices": "3",
        "applies_to": "{base_fee}",
        "minimum_subtotal": "5",
        "valid_from": "2025-01-01+00",
        "valid_until": "2026-01-01+00",
        "max_redemptions": "100",
        "max_redemptions_per_tenant": "2",
    }
    new_coupon = app | {"code": "NEW", "name": "New", "tenant_id": ""} | metadata | coupon_terms
    new = app | metadata | {"name": "New", "description": "of a kind", "tenant_id": "t1"}
    versions = [
        int(_value(session, "select version from pgledger_get_account(%s)", account))
        for account in accounts
    ]
    conditions = {
        "require_from_version": f"{versions[0]}",
        "require_to_version": f"{versions[1]}",
        "require_from_balance": "(-100,100]",
        "require_to_balance": "(-100,100]",
    }
    bulk = {
        "from_account_ids": f"{{{accounts[0]},{accounts[1]}}}",
        "to_account_ids": f"{{{accounts[1]},{accounts[0]}}}",
        "amounts": "{1,2.5}",
        "event_ats": '{"2025-01-03+00",null}',
        "metadatas": '{"{\\"a\\": 1}",null}',
        "ids": None,
        "app_id": "",
        "group_id": "order-7",
        "allow_future_event_at": "true",
        "require_from_versions": f"{{{versions[0]},null}}",
        "require_to_versions": f"{{null,{versions[0] + 1}}}",
        "require_from_balances": '{null,"(-100,100]"}',
        "require_to_balances": '{"(-100,100]",null}',
        "idempotency_keys": "{first,null}",
    }
    plain = {name: value for name, value in bulk.items() if not name.startswith("require_")}
    usage = {
        "tenant_ids": "{t1,t9}",
        "feature_keys": "{api,seats}",
        "quantities": "{2,0.5}",
        "event_ats": f'{{"{at}",null}}',
        "idempotency_keys": "{k1,null}",
        "metadatas": '{"{\\"a\\": 1}",null}',
    }
    return {
        "ledger_advance": [
            app | {"max_subscriptions": "5", "invoices": "final", "max_span": "32 days"}
        ],
        "ledger_aggregate_usage": [
            used | hours | {"aggregation": kind} for kind in ("sum", "count", "max", "latest")
        ]
        + [used | hours | {"feature_key": "words", "aggregation": "unique_count"}],
        "ledger_aggregate_usage_by_feature": [tenant | hours | {"feature_keys": "{api,seats}"}],
        "ledger_archive_coupon": [app | {"id": coupon}],
        "ledger_archive_feature": [app | {"id": spare_feature}],
        "ledger_archive_plan": [app | {"id": plan}],
        "ledger_cancel_subscription": [
            mine | {"at_period_end": "false", "unused_time": "credit", "cancel_at": None},
            mine | {"at_period_end": "true", "unused_time": "none", "cancel_at": None},
            mine | {"at_period_end": "true", "unused_time": "refund", "cancel_at": "2025-03-10+00"},
        ],
        "ledger_change_plan": [
            mine | {"plan_id": other_plan, "invoice": "now", "trial": trial, "keep_anchor": kept}
            for trial, kept in (("keep", "true"), ("plan", "false"))
        ],
        "ledger_change_time_zone": [mine | {"time_zone": "America/New_York"}],
        "ledger_check_cached_entitlement": [used | {"quantity": "1"}],
        "ledger_check_entitlements": [
            tenant | {"feature_keys": "{api,words}", "quantities": "{1,0.5}"}
        ],
        "ledger_check_entitlement": [
            used | {"quantity": "1"},
            used | {"feature_key": "words", "quantity": "1"},
        ],
        "ledger_consume_entitlement": [used | metadata | {"quantity": "1", "idempotency_key": "k"}],
        "ledger_correct_usage": [wrong | {"quantity": "2"}],
        "ledger_create_coupon": [
            new_coupon | {"percentage": "10", "amount": None, "currency": "USD", "id": None},
            new_coupon | {"percentage": None, "amount": "4", "currency": "USD", "id": None},
        ],
        "ledger_create_feature": [
            new
            | {"key": "new", "type": "metered", "aggregation": "unique_count"}
            | {"unique_key": "word", "id": None}
            | defaults
        ],
        "ledger_create_invoice": [
            tenant | metadata | {"currency": "USD", "lines": line, "tax_rates": rates, "id": None}
        ],
        "ledger_create_plan": [
            new
            | {"slug": "new", "currency": "USD", "features": limits, "pricing": pricing}
            | {"trial_days": "14", "anchor_at_trial_end": "true", "add_on": "false", "id": None}
            | {"priority": "3"}
        ],
        "ledger_create_subscription": [
            tenant
            | metadata
            | {"tenant_id": "t3", "plan_id": some_plan, "started_at": at, "anchor_at": at}
            | {"time_zone": "Europe/Berlin", "trial_days": "7", "quantity": "2", "id": None}
            | {"tax_rates": rates}
            for some_plan in (plan, other_plan, add_on)
        ],
        "ledger_delete_coupon": [app | {"id": spare_coupon}],
        "ledger_delete_feature": [app | {"id": spare_feature}],
        "ledger_delete_invoice": [tenant | {"id": draft}],
        "ledger_delete_plan": [app | {"id": spare_plan}],
        "ledger_finalize_invoice": [tenant | {"id": draft, "due_at": "2025-03-01+00"}],
        "ledger_generate_invoice": [
            tenant
            | {"subscription_id": subscription, "at": "2025-02-01+00"}
            | {"kind": kind, "tax_rates": rates}
            for kind in ("period", "interim")
        ],
        "ledger_get_active_subscription": [tenant],
        "ledger_get_cached_entitlement": [used | {"quantity": "1"}],
        "ledger_get_coupon": [app | {"code": "TEN", "tenant_id": "t1"}],
        "ledger_get_coupon_by_id": [app | {"id": coupon}],
        "ledger_get_feature": [app | {"id": feature}],
        "ledger_get_feature_by_key": [app | {"key": "api", "tenant_id": "t1"}],
        "ledger_get_invoice": [tenant | {"id": invoice}],
        "ledger_get_invoice_by_period": [
            tenant | {"subscription_id": subscription, "at": "2025-01-02+00", "kind": "period"}
        ],
        "ledger_get_plan": [app | {"id": plan}],
        "ledger_get_plan_by_slug": [app | {"slug": "pro", "tenant_id": "t1"}],
        "ledger_get_subscription": [mine],
        "ledger_ingest_usage": [app | usage],
        "ledger_invalidate_entitlement": [used],
        "ledger_import_invoice": [
            tenant
            | metadata
            | {"currency": "USD", "tax_rates": rates, "id": None, "due_at": "2025-03-01+00"}
            | {"lines": imported, "subscription_id": subscription, "at": "2025-02-01+00"}
            | {"kind": "start", "paid_at": at, "reference": "wire 9"}
        ],
        "ledger_invalidate_feature_entitlements": [app | {"feature_key": "api"}],
        "ledger_invalidate_tenant_entitlements": [tenant],
        "ledger_list_coupon_redemptions": [tenant | page],
        "ledger_list_coupons": [app | page | {"active_only": "true", "tenant_id": "t1"}],
        "ledger_list_app_invoices": [app | page | periods | {"status": "pending"}],
        "ledger_list_app_pending_invoices": [app | page],
        "ledger_list_features": [app | page | {"status": "active", "tenant_id": "t1"}],
        "ledger_list_global_features": [page | {"status": "active"}],
        "ledger_list_invoices": [
            tenant | page | periods | {"status": "pending", "newest_first": "true"}
        ],
        "ledger_list_payments": [tenant | {"invoice_id": invoice}],
        "ledger_list_pending_invoices": [tenant | page],
        "ledger_list_plan_versions": [app | page | {"id": plan}],
        "ledger_list_plans": [app | page | {"status": "active", "tenant_id": "t1"}],
        "ledger_list_app_subscriptions": [app | page | {"status": "active", "plan_id": plan}],
        "ledger_list_subscriptions": [tenant | page | {"status": "active"}],
        "ledger_map_tenant_role": [tenant | {"role_name": TENANT_ROLE}],
        "ledger_mark_invoice_paid": [
            tenant | {"id": invoice, "paid_at": "2025-02-01+00", "reference": "wire 7"}
        ],
        "ledger_mark_invoice_uncollectible": [tenant | {"id": invoice}],
        "ledger_mark_invoice_voided": [tenant | {"id": unpaid, "reason": "typed wrong"}],
        "ledger_pause_subscription": [mine],
        "ledger_preview_invoice": [
            tenant
            | {"subscription_id": subscription, "at": "2025-02-15+00"}
            | {"kind": kind, "tax_rates": rates}
            for kind in ("period", "interim")
        ],
        "ledger_price_usage": [
            *(
                {"price": shown, "quantity": "70", "allowance": "3", "exponent": "2"}
                | {"event_quantities": None}
                for shown in prices_shown
            ),
            {"price": by_event, "quantity": "70", "allowance": "0", "exponent": "2"}
            | {"event_quantities": '["20", 50]'},
        ],
        "ledger_purge_usage": [app | {"before": "2025-01-01+00", "max_events": "10"}],
        "ledger_query_usage": [used | hours | page],
        "ledger_remove_usage": [wrong],
        "ledger_record_usage": [
            used | metadata | {"quantity": "2", "event_at": at, "idempotency_key": "k"}
        ],
        "ledger_record_payment": [
            tenant
            | {"invoice_id": unpaid, "amount": "1", "paid_at": at, "reference": "wire 8"}
            | {"id": None}
        ],
        "ledger_redeem_coupon": [
            tenant | {"code": "FIVE", "subscription_id": subscription, "id": None}
        ],
        "ledger_refresh_invoice": [tenant | {"id": draft}],
        "ledger_remaining_entitlement": [used],
        "ledger_resume_subscription": [
            app | {"tenant_id": "t2", "id": paused_subscription},
        ],
        "ledger_set_cached_entitlement": [used | {"ttl": "00:00:30"}],
        "ledger_set_currency": [app | {"code": "XTS", "exponent": "3"}],
        "ledger_set_entitlement_ttl": [app | {"ttl": "00:00:10"}],
        "ledger_set_hook": [app | {"function_schema": None, "function_name": None}],
        "ledger_set_payment_terms": [app | {"days": "30"}],
        "ledger_set_trial_end": [
            app | {"tenant_id": "t4", "id": trial_subscription, "trial_end": "2025-02-20+00"}
        ],
        "ledger_set_usage_skew": [app | {"skew": "01:00"}],
        "ledger_unmap_tenant_role": [{"role_name": TENANT_ROLE}],
        "ledger_update_coupon": [
            app
            | {"metadata": None, "clear": "{metadata}"}
            | {"id": coupon, "name": "Ten", "max_redemptions": "7"}
            | {"valid_from": "2025-01-01+00", "valid_until": "2026-01-01+00"}
            | {"max_redemptions_per_tenant": "3", "status": "active"}
        ],
        "ledger_update_feature": [
            app
            | metadata
            | {"id": spare_feature, "name": "Spare", "description": None, "aggregation": "max"}
            | {"status": "active", "clear": "{description}"}
            | defaults
        ],
        "ledger_update_invoice": [tenant | metadata | {"id": draft, "lines": line}],
        "ledger_update_plan": [
            app
            | metadata
            | {"id": spare_plan, "name": "Spare", "description": None, "features": limits}
            | {"pricing": pricing, "trial_days": "3", "anchor_at_trial_end": "false"}
            | {
                "effective_at": "2025-02-01+00",
                "priority": "3",
                "status": "active",
                "clear": "{description}",
            }
        ],
        "ledger_update_subscription": [
            mine | metadata | {"quantity": "3", "tax_rates": rates, "invoice": "next"}
        ],
        "ledger_usage_by_time": [
            used | hours | {"unit": unit, "time_zone": "Asia/Tokyo", "aggregation": "max"}
            for unit in ("hour", "day", "month")
        ],
        "pgledger_accept_time": [{"account_id": ahead, "reason": "wrong clock", "app_id": ""}],
        "pgledger_account_entries": [
            {"account_id": accounts[0], "page_size": "10", "newest_first": shown}
            | {"after_version": "0", "app_id": ""}
            for shown in ("true", "false")
        ],
        "pgledger_accounts_ahead": [{"app_id": ""}],
        "pgledger_allocate": [{"amount": "-1.01", "weights": "{1,0,2.5}", "scale": "2"}],
        "pgledger_balances": [
            {"prefix": prefix, "depth": "1", "app_id": "", "tenant_id": ""}
            | {"at": at, "axis": "event"}
            for prefix, at in (("a", None), (None, "2025-02-02+00"))
        ],
        "pgledger_balance_at_version": [{"account_id": accounts[0], "version": "1", "app_id": ""}],
        "pgledger_balance_at": [
            {"account_id": accounts[0], "at": "2025-02-02+00", "axis": axis, "app_id": ""}
            for axis in ("recorded", "event")
        ],
        "pgledger_balances_at": [
            {"account_ids": f"{{{accounts[0]},{accounts[1]}}}", "at": "2025-02-02+00"}
            | {"axis": "event", "app_id": ""}
        ],
        "pgledger_statement": [
            {"account_id": accounts[0], "axis": axis, "app_id": ""}
            | {"from_time": "2025-01-01+00", "until": "2025-03-01+00"}
            for axis in ("recorded", "event")
        ],
        "pgledger_trial_balance": [
            {"at": at, "app_id": "", "prefix": "a", "axis": "event"}
            for at in ("2025-02-02+00", None)
        ],
        "pgledger_movements": [
            {"from_time": "2025-01-01+00", "until": "2025-03-01+00", "prefix": "a", "by": by}
            | {"axis": "event", "time_zone": "Asia/Tokyo", "app_id": ""}
            for by in ("week", None)
        ],
        "pgledger_balance_at_block": [{"account_id": accounts[0], "block": "0", "app_id": ""}],
        "pgledger_changes": [{"after": None, "page_size": "10"}],
        "pgledger_seal": [{}],
        "pgledger_verify_seals": [
            {"from_export": None},
            {"from_export": json.dumps({"block": 1, "root": "0" * 64})},
        ],
        "pgledger_close_account": [
            account | {"id": empty, "sweep_to": None},
            account | {"id": spent, "sweep_to": accounts[1]},
        ],
        "pgledger_close_period": [
            {"app_id": "", "until": "2024-12-01+00", "reason": "audited"},
        ],
        "pgledger_create_account": [
            metadata
            | {"name": "new", "currency": "USD", "id": None, "app_id": "shop", "tenant_id": "t1"}
            | {"allow_negative_balance": "false", "allow_positive_balance": "true"}
            | {"min_balance": "0", "max_balance": "500.5", "idempotency_key": "account"}
        ],
        "pgledger_create_hold": [
            metadata
            | {"from_account_id": accounts[0], "to_account_id": accounts[1], "amount": "2"}
            | {"expires_at": None, "expires_in": None, "event_at": at, "id": None}
            | {"app_id": "", "group_id": "order-7", "allow_future_event_at": "true"}
            | {"idempotency_key": f"hold {expiry}"}
            | expiry
            for expiry in ({"expires_at": "2025-03-01+00"}, {"expires_in": "7 days"})
        ],
        "pgledger_create_holds_bulk": [
            plain
            | {"ids": given, "expires_ats": '{null,"2025-03-01+00"}'}
            | {"idempotency_keys": f"{{null,{'hold 1' if given else 'hold 2'}}}"}
            for given in (None, f"{{null,pglh_{new_ulid}}}")
        ],
        "pgledger_create_holds_outcomes": [
            plain
            | {"ids": given, "expires_ats": '{null,"2025-03-01+00"}'}
            | {"idempotency_keys": f"{{{'held 1' if given else 'held 2'},null}}"}
            for given in (None, f"{{null,pglh_{new_ulid}}}")
        ],
        "pgledger_create_transfer": [
            metadata
            | conditions
            | {"from_account_id": accounts[0], "to_account_id": accounts[1], "amount": "2"}
            | {"event_at": at, "id": None, "app_id": "", "allow_future_event_at": shown}
            | {"idempotency_key": f"transfer {shown}"}
            for shown in ("true", "false")
        ],
        "pgledger_create_transfer_by_name": [
            metadata
            | conditions
            | {"from_name": "a", "to_name": "b", "amount": "2", "currency": "USD"}
            | {"event_at": at, "id": None, "app_id": "", "allow_future_event_at": "true"}
            | {"from_tenant_id": "", "to_tenant_id": "", "idempotency_key": "named"}
        ],
        "pgledger_create_transfers_from_rows": [
            metadata
            | {"transfer_requests": requests, "event_at": at, "app_id": ""}
            | {"group_id": "order-7", "allow_future_event_at": "true"}
        ],
        "pgledger_create_transfers": [{"transfer_requests": request}],
        "pgledger_create_transfers_bulk": [
            bulk,
            bulk | {"ids": f"{{null,pglt_{new_ulid}}}"},
        ],
        "pgledger_create_transfers_bulk_by_name": [
            {name: value for name, value in bulk.items() if "account" not in name}
            | {"from_names": "{a,b}", "to_names": "{b,a}", "currencies": "{USD,USD}", "ids": given}
            | {"from_tenant_ids": None, "to_tenant_ids": '{"",null}'}
            | {"idempotency_keys": f"{{null,{'named 1' if given else 'named 2'}}}"}
            for given in (None, f"{{null,pglt_{new_ulid}}}")
        ],
        "pgledger_create_transfers_bulk_count": [bulk],
        "pgledger_create_transfers_bulk_ids": [bulk],
        "pgledger_create_transfers_outcomes": [
            bulk,
            bulk | {"ids": f"{{null,pglt_{new_ulid}}}"},
        ],
        "pgledger_ensure_account": [
            metadata
            | {"name": "new", "currency": "USD", "app_id": "shop", "tenant_id": "t1"}
            | {"allow_negative_balance": "true", "allow_positive_balance": "true"}
            | {"min_balance": "-500", "max_balance": "1000", "idempotency_key": "ensured"}
        ],
        "pgledger_expire_holds": [{"max_holds": "10", "app_id": ""}],
        "pgledger_extend_hold": [
            {"hold_id": hold, "expires_at": "2025-03-01+00", "app_id": ""}
            | {"idempotency_key": "extend"}
        ],
        "pgledger_find_account": [{"name": "a", "currency": "USD", "app_id": "", "tenant_id": ""}],
        "pgledger_freeze_account": [account | {"direction": "out"}],
        "pgledger_generate_id": [{"prefix": "order"}],
        "pgledger_get_account": [{"id": accounts[0], "app_id": ""}],
        "pgledger_get_hold": [{"id": hold, "app_id": ""}],
        "pgledger_get_transfer": [{"id": transfer, "app_id": ""}],
        "pgledger_id_timestamp": [{"id": transfer}],
        "pgledger_list_accounts": [
            metadata
            | {"after_id": accounts[0], "page_size": "10", "prefix": "a", "currency": "USD"}
            | {"created_from": "2025-01-01+00", "created_until": "2025-03-01+00"}
            | {"app_id": "", "tenant_id": ""}
        ],
        "pgledger_list_transfers": [
            metadata
            | {"after_id": transfer, "page_size": "10", "account_id": account_id}
            | {"group_id": "order-7", "app_id": "", "tenant_id": ""}
            | {
                f"{axis}_{end}": f"2025-0{month}-01+00"
                for axis in ("recorded", "event")
                for end, month in (("from", 1), ("until", 3))
            }
            for account_id in (accounts[0], None)
        ],
        "pgledger_import_begin": [{}],
        "pgledger_import_faults": [{"app_id": ""}],
        "pgledger_import_history": [{"app_id": "elsewhere"}],
        "pgledger_list_subtree": [
            {"prefix": "a", "page_size": "10", "after_id": accounts[0]}
            | {"app_id": "", "tenant_id": ""}
        ],
        "pgledger_preview_transfers": [bulk],
        "pgledger_post_hold": [
            metadata
            | {"hold_id": hold, "amount": "2", "event_at": at, "id": None}
            | {"app_id": "", "allow_future_event_at": "true", "final": shown}
            | {"idempotency_key": f"post {shown}"}
            for shown in ("true", "false")
        ],
        "pgledger_purge_idempotency_keys": [
            {"before": "2025-01-01+00", "max_keys": "10", "allow_recent": "true", "app_id": ""}
        ],
        "pgledger_post_holds_bulk": [
            {name: bulk[name] for name in ("metadatas", "event_ats", "app_id")}
            | {"hold_ids": f"{{{hold},{hold}}}", "amounts": "{1,0.5}", "finals": "{false,null}"}
            | {"ids": given, "allow_future_event_at": "true"}
            | {"idempotency_keys": f"{{null,{'posting 1' if given else 'posting 2'}}}"}
            for given in (None, f"{{null,pglt_{new_ulid}}}")
        ],
        "pgledger_raise_sequences": [{}],
        "pgledger_reopen_account": [account | {"id": closed}],
        "pgledger_reopen_period": [
            {"app_id": "closed", "until": until, "reason": "a late paper"}
            for until in ("2024-11-01+00", None)
        ],
        "pgledger_reverse_transfer": [
            metadata
            | {"transfer_id": transfer, "amount": amount, "event_at": at, "id": None}
            | {"app_id": "", "allow_future_event_at": "true"}
            | {"idempotency_key": amount and "refund 1"}
            for amount in ("0.25", None)
        ],
        "pgledger_reverse_transfer_over_limits": [
            metadata
            | {"transfer_id": refunded, "reason": "chargeback", "amount": "0.5"}
            | {"event_at": at, "id": None, "app_id": "", "allow_future_event_at": "true"}
            | {"idempotency_key": "refund 2"}
        ],
        "pgledger_reversed_amount": [{"transfer_id": transfer, "app_id": ""}],
        "pgledger_set_clock_warning": [{"warn_after": "00:01:00"}],
        "pgledger_set_currency": [{"code": "USD", "scale": "2", "app_id": ""}],
        "pgledger_set_limits": [
            {"account_id": accounts[0], "reason": "agreed", "app_id": ""}
            | {"min_balance": "-500.5", "max_balance": "900", "allow_existing": "false"}
        ],
        "pgledger_sweep": [
            metadata
            | {"from_account_id": accounts[1], "to_account_id": accounts[0], "max_amount": "2"}
            | {"keep": "-5", "event_at": at, "id": None, "app_id": ""}
            | {"allow_future_event_at": "true", "idempotency_key": "sweep"}
        ],
        "pgledger_ulid_to_uuid": [{"ulid": ulid}],
        "pgledger_unfreeze_account": [account | {"direction": "both"}],
        "pgledger_update_account": [account | metadata | {"name": "renamed"}],
        "pgledger_uuid_to_ulid": [{"uuid": "01941f29-7c00-7000-8000-000000000000"}],
        "pgledger_use_iso_currencies": [{"app_id": ""}],
        "pgledger_verify": [{"app_id": ""}],
        "pgledger_verify_rest": [{}],
        "pgledger_verify_slice": [{"after": "(1,0,0,0,,,,,0)", "page_size": "10"}],
        "pgledger_void_hold": [{"hold_id": hold, "app_id": "", "idempotency_key": "void"}],
    }
