"""One registry of errors: what is raised is in it, what is in it can be provoked.

Each error is provoked in the form of one transfer and, where it can be wrong there, as the second
request of three of a batch. It has to arrive as its Python class, with the same words.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
import pytest

import pgledger
from pgledger import PgledgerError, errors
from support.database import Connect

CODE = re.compile(r"LG\d{3}")

CLASSES: dict[str, type[PgledgerError]] = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, PgledgerError) and kind is not PgledgerError
}

UNKNOWN_ACCOUNT = "pgla_7ZZZZZZZZZZZZZZZZZZZZZZZZZ"
UNKNOWN_TRANSFER = "pglt_7ZZZZZZZZZZZZZZZZZZZZZZZZZ"


@dataclass(frozen=True)
class Case:
    """One way to provoke an error.

    Attributes:
        name: Class of the error.
        says: What its message has to name; ``{shop}`` and the like stand for ids.
        call: A statement that provokes it, with parameters as in ``%(shop)s``.
        request: Or else what is wrong with one transfer: arguments over those of a sound one.
        hint: What its hint says, where it is not the registry's.
    """

    name: str
    says: tuple[str, ...]
    call: LiteralString | None = None
    request: Mapping[str, Any] | None = None
    hint: str | None = None


CASES: Mapping[str, Case] = {
    "id": Case("InvalidId", ("id 'pglt_1'", "1 characters"), request={"id": "pglt_1"}),
    "account's id": Case(
        "InvalidId", ("from_account_id 'shop'", "pgla_"), request={"from_account_id": "shop"}
    ),
    "other account's id": Case(
        "InvalidId",
        (f"to_account_id '{UNKNOWN_TRANSFER}'", "pgla_"),
        request={"to_account_id": UNKNOWN_TRANSFER},
    ),
    "id without a prefix": Case(
        "InvalidId",
        ("'01JTVST7XAES5BXHWZN4KR4VEU'", "U are not used"),
        call="select pgledger_ulid_to_uuid('01JTVST7XAES5BXHWZN4KR4VEU')",
    ),
    "prefix": Case("InvalidIdPrefix", ("'Pgla'",), call="select pgledger_generate_id('Pgla')"),
    "null": Case("NullArgument", ("from_account_id",), request={"from_account_id": None}),
    "other null": Case("NullArgument", ("to_account_id",), request={"to_account_id": None}),
    "null limit": Case(
        "NullArgument",
        ("allow_negative_balance",),
        call="select pgledger_create_account('x', 'USD', allow_negative_balance => null)",
    ),
    "name": Case(
        "InvalidName", ("' '", "can be seen"), call="select pgledger_create_account(' ', 'USD')"
    ),
    "currency": Case(
        "InvalidCurrency",
        ("'U S D'", "space"),
        call="select pgledger_create_account('x', 'U S D')",
    ),
    "app": Case(
        "InvalidScope",
        ("app_id 'a b'",),
        call="select pgledger_get_account(%(shop)s, app_id => 'a b')",
    ),
    "tenant": Case(
        "InvalidScope",
        ("tenant_id 'a b'",),
        call="select pgledger_create_account('x', 'USD', tenant_id => 'a b')",
    ),
    "group": Case(
        "InvalidScope",
        ("group_id ''", "empty"),
        call="select pgledger_create_transfers_bulk('{}', '{}', '{}', group_id => '')",
    ),
    "metadata": Case("InvalidMetadata", ("array",), request={"metadata": "[]"}),
    "event_at": Case(
        "InvalidTime", ("event_at infinity", "not finite"), request={"event_at": "infinity"}
    ),
    "future": Case(
        "EventAtInFuture", ("event_at 9999-01-01",), request={"event_at": "9999-01-01T00:00:00Z"}
    ),
    "amount": Case(
        "InvalidAmount",
        ("amount -1.5", "negative"),
        request={"amount": "-1.5"},
        hint="swap the accounts",
    ),
    "null amount": Case("InvalidAmount", ("amount null",), request={"amount": None}),
    "same account": Case("SameAccount", ("{shop}",), request={"to_account_id": "{shop}"}),
    "unequal arrays": Case(
        "InvalidBatch",
        ("amounts", "2", "1"),
        call="select pgledger_create_transfers_bulk(array[%(shop)s], array[%(buyer)s], '{1,2}')",
    ),
    "two-dimensional array": Case(
        "InvalidBatch",
        ("transfer_requests has 2 dimensions",),
        call="select pgledger_create_transfers_from_rows(array_fill("
        "row(%(shop)s, %(buyer)s, 1)::pgledger_transfer_request, array[2, 2]))",
    ),
    "large batch": Case(
        "BatchTooLarge",
        ("100001", "100000"),
        call="select pgledger_create_transfers_from_rows(array_fill("
        "row(%(shop)s, %(buyer)s, 1)::pgledger_transfer_request, array[100001]))",
    ),
    "large bulk": Case(
        "BatchTooLarge",
        ("100001", "100000"),
        call="select pgledger_create_transfers_bulk(array_fill(%(shop)s::text, array[100001]),"
        " array_fill(%(buyer)s::text, array[100001]), array_fill(1::numeric, array[100001]))",
    ),
    "much metadata in a bulk": Case(
        "BatchTooLarge",
        ("bytes of metadata", "67108864"),
        call="select pgledger_create_transfers_bulk(array_fill(%(shop)s::text, array[1200]),"
        " array_fill(%(buyer)s::text, array[1200]), array_fill(1::numeric, array[1200]),"
        " metadatas => array_fill(jsonb_build_object('k', repeat('x', 60000)), array[1200]))",
    ),
    "much metadata that is shared": Case(
        "BatchTooLarge",
        ("bytes of metadata", "67108864"),
        call="select pgledger_create_transfers_from_rows(array_fill("
        "row(%(shop)s, %(buyer)s, 1)::pgledger_transfer_request, array[1200]),"
        " metadata => jsonb_build_object('k', repeat('x', 60000)))",
    ),
    "much metadata of usage": Case(
        "BatchTooLarge",
        ("bytes of metadata", "67108864"),
        call="select ledger_ingest_usage('shop', array_fill('one'::text, array[1200]),"
        " array_fill('calls'::text, array[1200]), array_fill(1::numeric, array[1200]),"
        " metadatas => array_fill(jsonb_build_object('k', repeat('x', 60000)), array[1200]))",
    ),
    "page size": Case(
        "InvalidPage",
        ("page_size 0",),
        call="select pgledger_account_entries(%(shop)s, page_size => 0)",
    ),
    "page's start": Case(
        "InvalidPage",
        ("after_version -7",),
        call="select pgledger_account_entries(%(shop)s, after_version => -7)",
    ),
    "no account": Case(
        "AccountNotFound", (UNKNOWN_ACCOUNT,), request={"from_account_id": UNKNOWN_ACCOUNT}
    ),
    "no other account": Case(
        "AccountNotFound", (UNKNOWN_ACCOUNT,), request={"to_account_id": UNKNOWN_ACCOUNT}
    ),
    "other app's account": Case(
        "AccountNotFound",
        ("{shop}", "'other'"),
        call="select pgledger_get_account(%(shop)s, app_id => 'other')",
    ),
    "no transfer": Case(
        "TransferNotFound",
        (UNKNOWN_TRANSFER, "'other'"),
        call=f"select pgledger_get_transfer('{UNKNOWN_TRANSFER}', app_id => 'other')",
    ),
    "currencies": Case(
        "CurrencyMismatch",
        ("{shop}", "{euros}", "USD", "EUR"),
        request={"to_account_id": "{euros}"},
    ),
    "taken id": Case("IdempotencyConflict", ("{taken}",), request={"id": "{taken}", "amount": "3"}),
    "taken account's id": Case(
        "IdempotencyConflict",
        ("{shop}",),
        call="select pgledger_create_account('another', 'USD', id => %(shop)s)",
    ),
    "funds": Case(
        "InsufficientFunds",
        ("{purse}", "(purse)", "0 less 12 ", "-12"),
        request={"from_account_id": "{purse}", "amount": "12"},
    ),
    "funds of an overdraft": Case(
        "InsufficientFunds",
        ("{credit}", "(credit)", "may not fall below -500: 0 less 501 would leave -501"),
        request={"from_account_id": "{credit}", "amount": "501"},
    ),
    "positive balance": Case(
        "PositiveBalanceNotAllowed",
        ("{debt}", "(debt)", "0 plus 12 "),
        request={"to_account_id": "{debt}", "amount": "12"},
    ),
    "balance beyond an upper limit": Case(
        "PositiveBalanceNotAllowed",
        ("{credit}", "may not rise above 7.5: 0 plus 8 would leave 8"),
        request={"to_account_id": "{credit}", "amount": "8"},
    ),
    "decimal places of a currency": Case(
        "InvalidAmount",
        ("amount 0.125", "USD has 2 decimal places"),
        request={"to_account_id": "{cents}", "amount": "0.125"},
        hint="Round the amount",
    ),
    "frozen account": Case(
        "AccountFrozen",
        ("{frozen}", "(frozen)", "nothing may leave it"),
        request={"from_account_id": "{frozen}"},
    ),
    "frozen other account": Case(
        "AccountFrozen", ("{frozen}", "nothing may reach it"), request={"to_account_id": "{frozen}"}
    ),
    "closed account": Case(
        "AccountClosed", ("{closed}", "(closed)"), request={"to_account_id": "{closed}"}
    ),
    "closed period": Case(
        "PeriodClosed",
        ("event_at 1999-12-31 00:00:00+00 lies", "the books are closed until 2000-01-01"),
        request={"event_at": "1999-12-31T00:00:00Z"},
        hint="pgledger_reopen_period",
    ),
    "hold": Case(
        "HoldNotFound",
        ("hold pglh_7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "does not exist"),
        call="select pgledger_get_hold('pglh_7ZZZZZZZZZZZZZZZZZZZZZZZZZ')",
    ),
    "ended hold": Case(
        "HoldEnded",
        ("hold {voided}", "was voided at"),
        call="select pgledger_post_hold(%(voided)s)",
    ),
    "expired hold": Case(
        "HoldExpired",
        ("hold {expired}", "expired at"),
        call="select pgledger_post_hold(%(expired)s)",
    ),
    "more than is held": Case(
        "HoldAmountExceeded",
        ("hold {held}", "has 3 left of 3, less than 4"),
        call="select pgledger_post_hold(%(held)s, 4)",
    ),
    "reversed whole": Case(
        "TransferReversed",
        ("transfer {reversed}", "was reversed already: nothing is left of its 5"),
        call="select pgledger_reverse_transfer(%(reversed)s)",
    ),
    "more than is left to reverse": Case(
        "ReversalExceeded",
        ("transfer {refunded}", "has 3 left of 5 to reverse, less than 4"),
        call="select pgledger_reverse_transfer(%(refunded)s, 4)",
    ),
    "cursor of another database": Case(
        "CursorNotFound",
        ("cursor 9.1.0123456789abcdef is not of this database",),
        call="select pgledger_changes('9.1.0123456789abcdef')",
    ),
    "limit of a new account": Case(
        "InvalidArgument",
        ("min_balance -5", "allow_negative_balance is false"),
        call="select pgledger_create_account('x', 'USD', false, min_balance => -5)",
    ),
    "required version": Case(
        "VersionMismatch",
        ("account {purse} (purse) is at version", "not at 77 as required"),
        request={
            "from_account_id": "{cents}",
            "to_account_id": "{purse}",
            "require_to_version": 77,
        },
    ),
    "required balance": Case(
        "BalanceConditionFailed",
        ("account {cents} (cents) would have a balance of", "outside (999,) as required"),
        request={
            "from_account_id": "{cents}",
            "to_account_id": "{purse}",
            "require_from_balance": "(999,)",
        },
    ),
    "required version below zero": Case(
        "InvalidArgument",
        ("require_to_version -1", "below zero"),
        request={"require_to_version": -1},
    ),
    "required range without a number": Case(
        "InvalidArgument",
        ("require_from_balance empty", "no balance lies in it"),
        request={"require_from_balance": "empty"},
    ),
    "balance": Case(
        "BalanceOutOfRange",
        ("{full}", "(full)", "1000000000000000000000000000001"),
        request={"to_account_id": "{full}", "amount": "2"},
    ),
    "ahead": Case(
        "AccountAheadOfClock",
        ("{ahead}", "2999-01-01", "more than a day ahead of the clock"),
        request={"to_account_id": "{ahead}"},
    ),
    "twins": Case(
        "AccountAmbiguous",
        ("'twin' in USD", "2 have it", "pgla_"),
        call="select pgledger_ensure_account('twin', 'USD') from (select"
        " count(pgledger_create_account('twin', 'USD')) from generate_series(1, 2)) as made",
    ),
    "change": Case(
        "ImmutableRecord",
        ("UPDATE", "pgledger.transfers"),
        call="update pgledger.transfers set metadata = null",
    ),
    "removal": Case(
        "ImmutableRecord", ("DELETE", "pgledger.accounts"), call="delete from pgledger.accounts"
    ),
    "limit of an account beyond it": Case(
        "LimitAlreadyBroken",
        ("{full}", "(full)", "max_balance of 7", "its balance is 9"),
        call="select pgledger_set_limits(%(full)s, null, 7)",
    ),
    "closing with a balance": Case(
        "AccountNotEmpty",
        ("{full}", "(full)", "its balance is 9", "with 0 held"),
        call="select pgledger_close_account(%(full)s)",
    ),
    "freezing what is closed": Case(
        "AccountClosed",
        ("{closed}", "(closed)"),
        call="select pgledger_freeze_account(%(closed)s, 'in')",
        hint="pgledger_reopen_account",
    ),
    "argument": Case(
        "InvalidArgument",
        ("slug 'a b'", "space"),
        call="select ledger_create_plan('app', 'a b', 'Plan', 'USD')",
    ),
    "plan": Case(
        "InvalidPlan",
        ("$.features[0].limit", "-2"),
        call="""
            select ledger_create_plan(
              'app', 'bad', 'Bad', 'USD', features => '[{"key": "calls", "limit": "-2"}]'
            )
        """,
    ),
    "currency of a plan": Case(
        "UnknownCurrency",
        ("'XQX'", "'app'"),
        call="select ledger_create_plan('app', 'bad', 'Bad', 'XQX')",
    ),
    "quantity": Case(
        "InvalidQuantity",
        ("quantity NaN", "not a number"),
        call="select ledger_record_usage('app', 'acme', 'calls', 'NaN')",
    ),
    "usage in the future": Case(
        "UsageInFuture",
        ("event_at 9999-01-01", "01:00:00 ahead"),
        call="select ledger_record_usage('app', 'acme', 'calls', event_at => '9999-01-01Z')",
    ),
    "purged usage": Case(
        "UsagePurged",
        ("event_at 2020-01-01",),
        call="select ledger_record_usage('app', 'gone', 'calls', event_at => '2020-01-01Z')",
    ),
    "unknown usage": Case(
        "UsageNotFound",
        (f"evt_{'7' * 26}", "2025-01-01", "'app'"),
        call=f"select ledger_remove_usage('app', 'acme', 'evt_{'7' * 26}', '2025-01-01Z')",
    ),
    "unknown plan": Case(
        "PlanNotFound",
        (f"plan_{'7' * 26}", "'app'"),
        call=f"select ledger_get_plan('app', 'plan_{'7' * 26}')",
    ),
    "plan of another app": Case(
        "PlanNotFound", ("{plan}", "'other'"), call="select ledger_get_plan('other', %(plan)s)"
    ),
    "unknown feature": Case(
        "FeatureNotFound",
        ("'nothing'", "'app'"),
        call="select ledger_check_entitlement('app', 'acme', 'nothing')",
    ),
    "subscription of another tenant": Case(
        "SubscriptionNotFound",
        ("{subscription}",),
        call="select ledger_get_subscription('app', 'zebra', %(subscription)s)",
    ),
    "lines of an invoice": Case(
        "InvalidInvoice",
        ("$.lines[1].amount", '"-" is not a plain decimal number'),
        call="""
            select ledger_create_invoice(
              'app', 'acme', 'USD',
              '[{"description": "a", "amount": "1"}, {"description": "b", "amount": "-"}]'
            )
        """,
    ),
    "tax rates of an invoice": Case(
        "InvalidInvoice",
        ("$.tax_rates[0].percentage", "101 is above 100"),
        call="""
            select ledger_create_invoice(
              'app', 'acme', 'USD', '[{"description": "a", "amount": "1"}]',
              '[{"name": "Tax", "percentage": 101}]'
            )
        """,
    ),
    "invoice of another tenant": Case(
        "InvoiceNotFound",
        ("invoice {invoice}", "'app'", "'zebra'"),
        call="select ledger_get_invoice('app', 'zebra', %(invoice)s)",
    ),
    "payment on a draft": Case(
        "InvalidState",
        ("invoice {invoice} is draft and cannot become paid",),
        call="select ledger_record_payment('app', 'acme', %(invoice)s, 1)",
        hint="finalize it first",
    ),
    "unknown coupon": Case(
        "CouponNotFound",
        ("coupon 'NOTHING'", "'app'", "'acme'"),
        call="select ledger_redeem_coupon('app', 'acme', 'NOTHING')",
    ),
    "coupon of another app": Case(
        "CouponNotFound",
        ("coupon {coupon}", "'other'"),
        call="select ledger_archive_coupon('other', %(coupon)s)",
    ),
    "slug": Case(
        "AlreadyExists",
        ("'pro'", "'app'"),
        call="select ledger_create_plan('app', 'pro', 'Another', 'USD')",
    ),
    "archived plan": Case(
        "Archived",
        ("{archived}",),
        call="select ledger_create_subscription('app', 'zebra', %(archived)s)",
    ),
    "import of what cannot be": Case(
        "ImportRefused",
        ("1 faults", "account shop", "its id is not valid"),
        call="select pgledger_import_history()",
    ),
    "plan in use": Case(
        "InUse", ("{plan}", "deleted"), call="select ledger_delete_plan('app', %(plan)s)"
    ),
    "state": Case(
        "InvalidState",
        ("{canceled}", "canceled", "paused"),
        call="select ledger_pause_subscription('app', 'former', %(canceled)s)",
        hint="Subscribe again",
    ),
    "second subscription": Case(
        "ActiveSubscriptionExists",
        ("acme",),
        call="select ledger_create_subscription('app', 'acme', %(plan)s)",
    ),
    "coupon that is over": Case(
        "CouponNotValid",
        ("coupon 'OVER'", "until 2020-01-01 00:00:00"),
        call="select ledger_redeem_coupon('app', 'acme', 'OVER')",
    ),
    "coupon that is used up": Case(
        "CouponExhausted",
        ("coupon 'ONCE'", "1 of 1 times"),
        call="select ledger_redeem_coupon('app', 'zebra', 'ONCE')",
    ),
    "coupon that a tenant has used up": Case(
        "CouponExhausted",
        ("coupon 'EACH'", "1 of 1 times by tenant 'acme'"),
        call="select ledger_redeem_coupon('app', 'acme', 'EACH')",
    ),
    "clock that jumped": Case(
        "AdvanceTooFar",
        ("app 'app'", "more than 00:00:00.000001 later"),
        call="select ledger_advance('app', max_span => '1 microsecond')",
    ),
    "zone that was dropped": Case(
        "UnknownTimeZone",
        ("time zone 'Europe/Kiew' of subscription sub_",),
        call="select ledger_check_entitlement('app', 'kyiv', 'calls')",
    ),
}

SOUND = Case("", ())

calls = pytest.mark.parametrize("case", [pytest.param(c, id=k) for k, c in CASES.items()])
requests = pytest.mark.parametrize(
    "case", [pytest.param(c, id=k) for k, c in CASES.items() if c.request is not None]
)


def without_time(error: psycopg.Error) -> str:
    return re.sub("ahead of .*", "", error.diag.message_primary or "")


@dataclass(frozen=True)
class Books:
    conn: psycopg.Connection[Any]
    ids: Mapping[str, str]

    def fill(self, value: Any) -> Any:
        return value.format_map(self.ids) if isinstance(value, str) and "{" in value else value

    def request(self, case: Case) -> dict[str, Any]:
        """Returns the arguments of one transfer, with what the case makes wrong of them."""
        sound = {
            "from_account_id": self.ids["shop"],
            "to_account_id": self.ids["buyer"],
            "amount": "1.00",
            "event_at": None,
            "metadata": None,
            "id": None,
            "require_from_version": None,
            "require_to_version": None,
            "require_from_balance": None,
            "require_to_balance": None,
        }
        wrong = {name: self.fill(value) for name, value in (case.request or {}).items()}
        return sound | wrong

    def says(self, statement: LiteralString, parameters: Mapping[str, Any]) -> str:
        """Returns the message of what a statement raises, but for the time it was raised at."""
        return without_time(self.error(statement, parameters))

    def error(self, statement: LiteralString, parameters: Mapping[str, Any]) -> psycopg.Error:
        """Returns what a statement raises, and goes on in the same transaction."""
        with pytest.raises(psycopg.Error) as raised, self.conn.transaction():
            self.conn.execute(statement, parameters)
        return raised.value


SINGLE: LiteralString = """
    select pgledger_create_transfer(
      %(from_account_id)s, %(to_account_id)s, %(amount)s, event_at => %(event_at)s,
      metadata => %(metadata)s, id => %(id)s, require_from_version => %(require_from_version)s,
      require_to_version => %(require_to_version)s,
      require_from_balance => %(require_from_balance)s,
      require_to_balance => %(require_to_balance)s
    )
"""
BULK: LiteralString = """
    select pgledger_create_transfers_bulk(
      %(from_account_id)s, %(to_account_id)s, %(amount)s::text[]::numeric[],
      event_ats => %(event_at)s::text[]::timestamptz[], metadatas => %(metadata)s::text[]::jsonb[],
      require_from_versions => %(require_from_version)s,
      require_to_versions => %(require_to_version)s,
      require_from_balances => %(require_from_balance)s::text[]::numrange[],
      require_to_balances => %(require_to_balance)s::text[]::numrange[], ids => %(id)s
    )
"""
ROWS: Mapping[str, LiteralString] = {
    "rows": """
        select pgledger_create_transfers(
          (%(shop)s, %(buyer)s, '1.00'),
          (%(from_account_id)s, %(to_account_id)s, %(amount)s),
          (%(shop)s, %(buyer)s, '1.00')
        )
    """,
    "array": """
        select pgledger_create_transfers_from_rows(
          array[
            (%(shop)s, %(buyer)s, '1.00'),
            (%(from_account_id)s, %(to_account_id)s, %(amount)s),
            (%(shop)s, %(buyer)s, '1.00')
          ]::pgledger_transfer_request[],
          group_id => 'order-1'
        )
    """,
}


def billing_ids(create: Callable[..., str]) -> dict[str, str]:
    """Makes an app with plans and coupons that are used, archived or over, and purged usage."""
    create("select id from ledger_create_feature('app', 'calls', 'Calls')")
    made = {
        "plan": create(
            "select id from ledger_create_plan('app', 'pro', 'Pro', 'USD', %s)",
            '[{"key": "calls"}]',
        ),
        "archived": create("select id from ledger_create_plan('app', 'old', 'Old', 'USD')"),
    }
    create("select id from ledger_archive_plan('app', %s)", made["archived"])
    for name, tenant in (("subscription", "acme"), ("canceled", "former")):
        made[name] = create(
            "select id from ledger_create_subscription('app', %s, %s)", tenant, made["plan"]
        )
    create("select id from ledger_create_subscription('app', 'kyiv', %s)", made["plan"])
    create(
        "update pgledger.subscriptions set time_zone = 'Europe/Kiew'"
        " where tenant_id = 'kyiv' returning id"
    )
    create(
        "select id from ledger_cancel_subscription('app', 'former', %s, at_period_end => false)",
        made["canceled"],
    )
    made["coupon"] = create(
        "select id from ledger_create_coupon('app', 'ONCE', percentage => 5, max_redemptions => 1)"
    )
    create(
        "select id from ledger_create_coupon("
        "'app', 'EACH', percentage => 5, max_redemptions_per_tenant => 1)"
    )
    create(
        "select id from ledger_create_coupon("
        "'app', 'OVER', percentage => 5, valid_until => '2020-01-01Z')"
    )
    for code in ("ONCE", "EACH"):
        create("select id from ledger_redeem_coupon('app', 'acme', %s)", code)
    made["invoice"] = create(
        "select id from ledger_create_invoice('app', 'acme', 'USD', %s)",
        '[{"description": "Work", "amount": "10"}]',
    )
    create("select id from ledger_record_usage('app', 'gone', 'calls', 1, '2021-01-01Z')")
    create("select ledger_purge_usage('app', '2022-01-01Z')::text")
    return made


@pytest.fixture
def books(connect: Connect) -> Books:
    """Accounts in and out of their limits, committed; the caller is a superuser."""
    conn = connect(autocommit=True)

    def create(statement: LiteralString, *parameters: Any) -> str:
        row = conn.execute(statement, parameters).fetchone()
        assert row is not None
        return row[0]

    made = {
        "shop": create("select id from pgledger_create_account('shop', 'USD')"),
        "buyer": create("select id from pgledger_create_account('buyer', 'USD')"),
        "euros": create("select id from pgledger_create_account('euros', 'EUR')"),
        "purse": create("select id from pgledger_create_account('purse', 'USD', false)"),
        "debt": create("select id from pgledger_create_account('debt', 'USD', true, false)"),
        "credit": create(
            "select id from pgledger_create_account("
            "'credit', 'USD', min_balance => -500, max_balance => 7.5)"
        ),
        "cents": create("select id from pgledger_create_account('cents', 'USD')"),
        "frozen": create("select id from pgledger_create_account('frozen', 'USD')"),
        "closed": create("select id from pgledger_create_account('closed', 'USD')"),
        "full": create("select id from pgledger_create_account('full', 'USD')"),
        "ahead": create("select id from pgledger_create_account('ahead', 'USD')"),
        "taken": create("select pgledger_generate_id('pglt')"),
    }
    create(
        "select pgledger_create_transfer(%s, %s, 999999999999999999999999999999)",
        made["shop"],
        made["full"],
    )
    create(
        "select pgledger_create_transfer(%s, %s, 1, id => %s)",
        made["full"],
        made["shop"],
        made["taken"],
    )
    create("select pgledger_create_transfer(%s, %s, 1)", made["shop"], made["full"])
    create(
        "update pgledger.accounts set created_at = '2999-01-01Z', updated_at = '2999-01-01Z'"
        " where id = %s returning id",
        made["ahead"],
    )
    conn.execute("insert into pgledger.import_accounts (id) values ('shop')")
    conn.execute("update pgledger.accounts set amount_scale = 2 where name = 'cents'")
    conn.execute("select pgledger_close_period('', '2000-01-01Z')")
    create("select pgledger_freeze_account(%s, 'both')", made["frozen"])
    create("select pgledger_close_account(%s)", made["closed"])
    for name, amount in (("reversed", None), ("refunded", 2)):
        made[name] = create(
            "select id from pgledger_create_transfer(%s, %s, 5)", made["buyer"], made["cents"]
        )
        create("select id from pgledger_reverse_transfer(%s, %s)", made[name], amount)
    for name, lasts in (("held", "1 hour"), ("voided", "1 hour"), ("expired", "1 microsecond")):
        made[name] = create(
            "select id from pgledger_create_hold(%s, %s, 3, expires_in => %s)",
            made["buyer"],
            made["cents"],
            lasts,
        )
    create("select id from pgledger_void_hold(%s)", made["voided"])
    made |= billing_ids(create)
    # The shop has lent all it can, so that only the full account is at its limit afterwards.
    create("select pgledger_create_transfer(%s, %s, 1000000)", made["buyer"], made["shop"])
    return Books(conn, made)


def registry(conn: psycopg.Connection[Any]) -> dict[str, str]:
    return dict(conn.execute("select code, name from pgledger_errors_v1 order by code").fetchall())


def state(conn: psycopg.Connection[Any]) -> Any:
    return conn.execute(
        """
        select
          (select array_agg((id, balance, version) order by id)::text from pgledger_accounts_v1),
          (select count(*) from pgledger_transfers_v1)
        """
    ).fetchone()


# The registry


def test_registry_is_the_python_classes(conn):
    assert {name: kind.sqlstate for name, kind in CLASSES.items()} == {
        name: code for code, name in registry(conn).items()
    }


def test_classes_are_exported_and_nothing_else_is():
    assert set(errors.__all__) == {*CLASSES, "PgledgerError"}
    assert issubclass(PgledgerError, psycopg.DatabaseError)
    assert pgledger.PgledgerError is PgledgerError
    for kind in CLASSES.values():
        assert kind.__bases__ == (PgledgerError,)
        assert kind.__doc__


def test_psycopg_knows_each_code(conn):
    for code, name in registry(conn).items():
        assert psycopg.errors.lookup(code) is CLASSES[name]


def test_registry_rows_are_complete(conn):
    rows = conn.execute(
        "select code, name, message, hint, retryable from pgledger_errors_v1"
    ).fetchall()
    for column in (0, 1):
        values = [row[column] for row in rows]
        assert len(values) == len(set(values))
    for code, name, message, hint, retryable in rows:
        assert CODE.fullmatch(code)
        assert re.fullmatch(r"([A-Z][a-z]+)+", name)
        assert message
        assert re.sub("%s", "", message).count("%") == 0
        # Whole sentences, so that the HINT line of psql reads as one.
        assert hint.endswith(".")
        # What trying again can help with is PostgreSQL's own.
        assert retryable is False


def test_names_raised_in_bodies_are_registered_and_the_other_way_round(conn):
    bodies = conn.execute(
        """
        select pg_proc.proname, pg_proc.prosrc
        from pg_proc
        where (
          pg_proc.pronamespace = 'pgledger'::regnamespace and pg_proc.proname <> 'error_registry'
        )
        or pg_proc.proname ~ '^(pg)?ledger_'
        """
    ).fetchall()
    raised = set[str]()
    for name, body in bodies:
        assert not CODE.search(body), name
        given = re.findall(r"\bpgledger\.fail\(\s*([^,]*?)\s*,\s*(?:array|v_)", body)
        assert len(given) == len(re.findall(r"\bpgledger\.fail\(", body)), name
        given += re.findall(r"\berror := (.*?);", body)
        for expression in given:
            named = re.findall(r"'([A-Z]\w+)'", expression)
            # A name stands in the call itself, or usage_fault has found it; what a subscription
            # failed with was raised before.
            assert named or (name, expression) in FOUND_BEFORE or expression == "v_answer.error"
            raised |= set(named)
    assert raised == set(registry(conn).values())


FOUND_BEFORE = {("advance_alone", "sqlerrm")}


def test_bodies_raise_in_no_other_way(conn):
    raising = conn.execute(
        r"""
        select pg_proc.proname
        from pg_proc
        where (
          pg_proc.pronamespace = 'pgledger'::regnamespace or pg_proc.proname ~ '^(pg)?ledger_'
        )
        and pg_proc.prosrc ~* '\mraise\s+exception\M|\massert\M|\minto\s+strict\M'
        order by pg_proc.proname
        """
    ).fetchall()
    # Three raise PostgreSQL's own 40001, for a transaction that is to be run again; four assert
    # what the checks before them have made impossible; one takes back what it has tried.
    assert raising == [
        ("fail",),
        ("pgledger_preview_transfers",),
        ("placed_hold_outcome",),
        ("placed_outcome",),
        ("post_keyed_holds",),
        ("post_transfers",),
        ("run_again",),
        ("take_usage",),
        ("usage_fault",),
    ]


def test_errors_named_in_comments_are_registered(conn):
    comments = conn.execute(
        """
        select pg_proc.proname, obj_description(pg_proc.oid, 'pg_proc')
        from pg_proc
        where pg_proc.proname ~ '^(pg)?ledger_'
        """
    ).fetchall()
    assert comments
    named = set(registry(conn).values())
    for function, comment in comments:
        listed = re.findall(r"Errors: ([A-Z][\w, ]*)\.", comment)
        for name in ", ".join(listed).split(", "):
            assert name in named | {""}, (function, name)


# Each error


def test_every_error_has_a_case(conn):
    assert {case.name for case in CASES.values()} == set(registry(conn).values())


def has_said(error: psycopg.Error, case: Case, books: Books) -> str:
    kind = CLASSES[case.name]
    assert type(error) is kind, error
    assert error.sqlstate == kind.sqlstate
    assert isinstance(error, PgledgerError)
    message = error.diag.message_primary or ""
    for part in case.says:
        assert books.fill(part) in message
    assert message[-1] != "."
    ((usual,),) = books.conn.execute(
        "select hint from pgledger_errors_v1 where code = %s", [kind.sqlstate]
    )
    hint = error.diag.message_hint or ""
    assert hint.endswith(".")
    assert case.hint in hint if case.hint else hint == usual
    performed = re.compile(r'"SELECT pgledger\.(fail|check_|refuse_)')
    assert not performed.search(error.diag.context or "")
    assert error.diag.severity == "ERROR"
    return message


@calls
def test_provoked_as_its_class(books, case):
    before = state(books.conn)
    if case.call is None:
        error = books.error(SINGLE, books.request(case))
    else:
        error = books.error(case.call, books.ids)
    message = has_said(error, case, books)
    assert not message.startswith("request ")
    assert state(books.conn) == before


@requests
def test_batch_names_the_request(books, case):
    """The second of three is at fault; its message is the single call's, after its number."""
    sound = books.request(SOUND)
    wrong = books.request(case)
    expected = "request 2 of 3: " + books.says(SINGLE, wrong)
    before = state(books.conn)
    arrays = {name: [sound[name], wrong[name], sound[name]] for name in sound}
    errors_raised = [books.error(BULK, arrays)]
    more = set(case.request) - {"from_account_id", "to_account_id", "amount"}
    if not more:
        errors_raised += [
            books.error(statement, {**books.ids, **wrong}) for statement in ROWS.values()
        ]
    if not {"id", "event_at", "metadata"} & more:
        # A batch with ids of the caller's choice goes another way.
        ((chosen,),) = books.conn.execute("select pgledger_generate_id('pglt')").fetchall()
        errors_raised.append(books.error(BULK, {**arrays, "id": [chosen, None, None]}))
    for error in errors_raised:
        has_said(error, case, books)
        assert without_time(error) == expected
    assert state(books.conn) == before


def test_lowest_request_of_the_first_stage_is_named(books):
    """Values of all requests come before accounts of any, and accounts before limits."""
    purse, shop, buyer = books.ids["purse"], books.ids["shop"], books.ids["buyer"]
    over_limit = (purse, shop, 5)
    unknown = (shop, UNKNOWN_ACCOUNT, 1)
    zero = (shop, buyer, 0)
    both = ("nonsense", buyer, -1)
    for batch, name, number in (
        ([over_limit, unknown, zero, both], "InvalidAmount", 3),
        ([over_limit, unknown, both, zero], "InvalidId", 3),
        ([over_limit, unknown, unknown], "AccountNotFound", 2),
        ([(shop, buyer, 1), over_limit, over_limit], "InsufficientFunds", 2),
    ):
        columns = [list(column) for column in zip(*batch, strict=True)]
        error = books.error(
            "select pgledger_create_transfers_bulk(%(f)s, %(t)s, %(a)s)",
            {"f": columns[0], "t": columns[1], "a": columns[2]},
        )
        assert type(error) is CLASSES[name], error
        assert f"request {number} of {len(batch)}: " in str(error)


def test_single_call_checks_in_the_same_order(books):
    """Each line leaves out the fault that the line before was refused for."""
    wrong = {
        "app_id": "a b",
        "from_account_id": "nonsense",
        "to_account_id": "nonsense",
        "amount": 0,
        "event_at": "infinity",
        "metadata": "[]",
        "id": "nonsense",
        "require_from_version": -1,
        "require_to_version": -1,
        "require_from_balance": "empty",
        "require_to_balance": "empty",
    }
    repairs: list[tuple[str, dict[str, Any]]] = [
        ("InvalidScope", {"app_id": ""}),
        ("InvalidId", {"from_account_id": books.ids["purse"]}),
        ("InvalidId", {"to_account_id": books.ids["purse"]}),
        ("SameAccount", {"to_account_id": UNKNOWN_ACCOUNT}),
        ("InvalidAmount", {"amount": 5}),
        ("InvalidTime", {"event_at": "9999-01-01"}),
        ("EventAtInFuture", {"event_at": None}),
        ("InvalidMetadata", {"metadata": None}),
        ("InvalidId", {"id": books.ids["taken"]}),
        ("InvalidArgument", {"require_from_version": 77}),
        ("InvalidArgument", {"require_to_version": 77}),
        ("InvalidArgument", {"require_from_balance": "(999,)"}),
        ("InvalidArgument", {"require_to_balance": "(999,)"}),
        ("AccountNotFound", {"to_account_id": books.ids["euros"]}),
        ("CurrencyMismatch", {"to_account_id": books.ids["shop"]}),
        ("IdempotencyConflict", {"id": None}),
        ("VersionMismatch", {"require_from_version": None}),
        ("VersionMismatch", {"require_to_version": None}),
        ("BalanceConditionFailed", {"require_from_balance": None}),
        ("BalanceConditionFailed", {"require_to_balance": None}),
        ("InsufficientFunds", {}),
    ]
    single: LiteralString = SINGLE.replace(")s\n    )", ")s, app_id => %(app_id)s\n    )")
    bulk: LiteralString = BULK.replace(")s\n    )", ")s, app_id => %(app_id)s\n    )")
    for name, repair in repairs:
        error = books.error(single, wrong)
        assert type(error) is CLASSES[name], error
        arrays = {key: value if key == "app_id" else [value] for key, value in wrong.items()}
        in_batch = books.error(bulk, arrays)
        assert type(in_batch) is CLASSES[name], in_batch
        prefix = "" if name == "InvalidScope" else "request 1 of 1: "
        assert without_time(in_batch) == prefix + without_time(error)
        wrong |= repair


# What a caller sees of them


def test_psql_shows_message_and_hint(psql):
    message, hint = psql("select pgledger_create_account('x', '');", check=False).splitlines()[:2]
    assert message.endswith("ERROR:  currency '' is not valid: it is empty")
    assert hint == (
        "HINT:  A currency is 1 to 32 visible characters without spaces, for example USD."
    )


def test_psql_shows_the_code_when_asked(psql):
    printed = psql("\\set VERBOSITY verbose\nselect pgledger_generate_id('');", check=False)
    assert "ERROR:  LG002: '' is not a valid prefix for ids" in printed


def test_refusal_aborts_the_transaction(books):
    books.conn.execute("begin")
    with pytest.raises(errors.InvalidAmount):
        books.conn.execute(SINGLE, {**books.request(SOUND), "amount": 0})
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        books.conn.execute("select 1")


def test_savepoint_keeps_the_transaction_alive(books):
    conn = books.conn
    conn.execute("create table orders (id integer, paid boolean)")
    sound = books.request(SOUND)
    before = state(conn)
    with conn.transaction():
        conn.execute("insert into orders values (1, true)")
        conn.execute("savepoint payment")
        conn.execute("insert into orders values (2, true)")
        with pytest.raises(errors.InsufficientFunds):
            conn.execute(SINGLE, {**sound, "from_account_id": books.ids["purse"]})
        conn.execute("rollback to payment")
        conn.execute("insert into orders values (2, false)")
        conn.execute(SINGLE, sound)
    assert conn.execute("select id, paid from orders order by id").fetchall() == [
        (1, True),
        (2, False),
    ]
    after = state(conn)
    assert after[1] == before[1] + 1
    # One account is ahead of the clock for its own case, and one has decimal places for its own.
    assert conn.execute(
        "select sum(violations) from pgledger_verify()"
        " where check_name !~ 'clock|places of their currency'"
    ).fetchone() == (0,)


def test_refused_transfer_holds_no_lock_after_its_savepoint(
    books, connect: Callable[..., psycopg.Connection[Any]]
):
    sound = books.request(SOUND)
    other = connect(autocommit=True)
    other.execute("set lock_timeout = '2s'")
    with books.conn.transaction():
        with pytest.raises(errors.InsufficientFunds), books.conn.transaction():
            books.conn.execute(SINGLE, {**sound, "from_account_id": books.ids["purse"]})
        other.execute(SINGLE, {**sound, "to_account_id": books.ids["purse"]})
