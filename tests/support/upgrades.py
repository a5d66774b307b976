"""A database as an older schema leaves it: made by that schema's own functions, and asked again.

Calls name only arguments that the oldest kept schema has, and answers are compared by the columns
that it had: results grow at their end.
"""

import json
import lzma
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb, set_json_loads

from pgledger import ids

KEPT: Final = Path(__file__).resolve().parents[1] / "install" / "upgrades"

BEGIN: Final = "2025-01-01T00:00:00Z"
NOW: Final = "2025-02-10T12:00:00Z"
LATER: Final = "2025-03-02T12:00:00Z"

Session = psycopg.Connection[Any]
Row = dict[str, Any]
Arguments = Mapping[str, Any]
Request = tuple[str, Arguments]

CARRIED_CLOCK: LiteralString = """
  create or replace function pgledger.clock() returns timestamptz language sql volatile
  as $$ select current_setting('test.now')::timestamptz $$
"""

# Those of schemas that have holds.
LATER_VIEWS: Final = ("pgledger_account_changes_v1", "pgledger_holds_v1")

VIEWS: Final = (
    "pgledger_accounts_v1",
    "pgledger_accounts_view",
    "pgledger_entries_v1",
    "pgledger_transfers_v1",
    "ledger_currencies",
    "ledger_features",
    "ledger_plans",
    "ledger_subscriptions",
    "ledger_invoices",
    "ledger_usage_events",
)


def kept_schemas() -> list[str]:
    """Returns the number of the newest versioned file of each schema that is kept."""
    return sorted(path.name.split(".")[0] for path in KEPT.glob("*.sql.xz"))


def install_kept(connection: Session, number: str) -> None:
    """Installs a kept schema into an empty database, with its own functions."""
    script = lzma.decompress((KEPT / f"{number}.sql.xz").read_bytes())
    # It is one transaction, with a BEGIN and a COMMIT of its own.
    assert connection.autocommit
    connection.pgconn.exec_(script)
    assert connection.execute("select count(*) from pgledger.schema_history").fetchone() != (0,)


@contextmanager
def carried_clock(connection: Session, now: str) -> Iterator[None]:
    """Lets the setting ``test.now`` of each session be the time, and brings the clock back."""
    clock = connection.execute("select pg_get_functiondef('pgledger.clock()'::regprocedure)")
    ((true_clock,),) = clock.fetchall()
    connection.execute(CARRIED_CLOCK)
    put_clock(connection, now)
    try:
        yield
    finally:
        connection.execute(true_clock.encode())


def put_clock(connection: Session, now: str) -> None:
    connection.execute("select set_config('test.now', %s, false)", [now])


def ask(connection: Session, request: Request) -> list[Row]:
    """Calls a function with named arguments and returns its rows as JSON objects."""
    function, arguments = request
    given = ", ".join(f"{name} => %({name})s" for name in arguments)
    values = {
        name: Jsonb(value) if isinstance(value, dict | list) and name in JSON else value
        for name, value in arguments.items()
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(f"select to_jsonb(answer) as row from {function}({given}) answer", values)
        return [row["row"] for row in cursor]


JSON: Final = {"metadata", "features", "pricing", "lines"}


class Old:
    """Fills a database, and knows the calls whose answers must stay.

    Attributes:
        repeats: Calls with an id or a key of their own, made once already.
        conflicts: The same ids with another request.
        reads: Calls that only read.
    """

    def __init__(self, connection: Session) -> None:
        self.connection = connection
        self.repeats: list[Request] = []
        self.conflicts: list[Request] = []
        self.reads: list[Request] = []
        self.accounts: dict[str, str] = {}
        # A float would round what has 18 decimals.
        set_json_loads(partial(json.loads, parse_float=Decimal), connection)
        put_clock(connection, BEGIN)
        self._fill_ledger()
        found = connection.execute("select to_regclass('pgledger.holds') is not null").fetchone()
        self.views: tuple[str, ...] = VIEWS
        if found == (True,):
            self._fill_holds()
            self.views += LATER_VIEWS
        self._fill_billing()

    def answers(self) -> dict[str, list[Row]]:
        """Returns what the calls and the views answer now."""
        answers = {
            f"{place} {function} {dict(arguments)}": ask(self.connection, (function, arguments))
            for place, (function, arguments) in enumerate([*self.reads, *self.repeats])
        }
        for view in self.views:
            statement = f"select to_jsonb(shown) from {view} as shown order by shown::text"
            answers[view] = [row[0] for row in self.connection.execute(statement.encode())]
        return answers

    def _do(self, function: str, **arguments: Any) -> Row:
        """Makes a call that can be repeated."""
        self.repeats.append((function, arguments))
        return ask(self.connection, self.repeats[-1])[0]

    def _account(self, name: str, **arguments: Any) -> None:
        given = {"name": name, "currency": "USD", "id": ids.generate("pgla"), **arguments}
        self.accounts[name] = self._do("pgledger_create_account", **given)["id"]
        other = {**given, "name": "another"}
        self.conflicts.append(("pgledger_create_account", other))
        flag = "allow_negative_balance"
        self.conflicts.append(("pgledger_create_account", {**given, flag: not given.get(flag, 1)}))
        self.reads.append(
            ("pgledger_get_account", {"id": given["id"], "app_id": given.get("app_id", "")})
        )

    def _move(self, source: str, target: str, amount: str, **arguments: Any) -> None:
        given = {
            "from_account_id": self.accounts[source],
            "to_account_id": self.accounts[target],
            "amount": amount,
            "id": ids.generate("pglt"),
            **arguments,
        }
        self._do("pgledger_create_transfer", **given)
        self.conflicts.append(("pgledger_create_transfer", {**given, "amount": "0.07"}))
        app = {"app_id": given.get("app_id", "")}
        self.reads.append(("pgledger_get_transfer", {"id": given["id"], **app}))

    def _fill_ledger(self) -> None:
        for negative in (True, False):
            for positive in (True, False):
                self._account(
                    f"{negative:d}{positive:d}",
                    allow_negative_balance=negative,
                    allow_positive_balance=positive,
                    metadata={"of": [str(negative), None]},
                    tenant_id="t1" if negative else "",
                )
        self._account("idle")
        self._account("points", currency="POINTS")
        self._account("more points", currency="POINTS")
        self._account("elsewhere", app_id="shop", tenant_id="t1")
        self._account("elsewhere too", app_id="shop")
        self._move("11", "01", "100.50", event_at="2024-12-24T18:00:00Z", metadata={"order": 7})
        self._move("10", "01", "0.000000000000000001")
        self._move("01", "10", "0.000000000000000001")
        self._move("01", "11", "40.5", metadata={})
        self._move("points", "more points", "12.345")
        self._move("elsewhere", "elsewhere too", "99.99", app_id="shop")
        ids_given = [ids.generate("pglt"), ids.generate("pglt"), ids.generate("pglt")]
        accounts = self.accounts
        bulk = {
            "from_account_ids": [accounts["11"], accounts["01"], accounts["11"]],
            "to_account_ids": [accounts["01"], accounts["11"], accounts["01"]],
            "amounts": [Decimal(text) for text in ("5.00", "7", "0.125")],
            "event_ats": [None, "2024-12-31T00:00:00Z", None],
            "metadatas": [Jsonb({"line": 1}), None, None],
            "ids": ids_given,
            "group_id": "payout-1",
        }
        self._do("pgledger_create_transfers_bulk", **bulk)
        self.reads += [("pgledger_get_transfer", {"id": ids_given[place]}) for place in range(3)]
        for _ in range(20):
            ask(
                self.connection,
                (
                    "pgledger_create_transfers_bulk_count",
                    {
                        name: bulk[name]
                        for name in ("from_account_ids", "to_account_ids", "amounts")
                    },
                ),
            )
        put_clock(self.connection, LATER)
        self._account("ahead")
        put_clock(self.connection, BEGIN)
        ask(
            self.connection,
            ("pgledger_accept_time", {"account_id": accounts["ahead"], "reason": "a wrong clock"}),
        )
        ask(self.connection, ("pgledger_set_clock_warning", {"warn_after": "02:00"}))
        for name, account in accounts.items():
            app = {"account_id": account, "app_id": "shop" if "else" in name else ""}
            self.reads += [
                ("pgledger_account_entries", {**app, "page_size": 1000}),
                ("pgledger_balance_at", {**app, "at": NOW}),
                ("pgledger_balance_at_version", {**app, "version": 0}),
            ]

    def _fill_holds(self) -> None:
        between = {"from_account_id": self.accounts["11"], "to_account_id": self.accounts["01"]}
        holds = [ids.generate("pglh") for _ in range(4)]
        for place, hold in enumerate(holds):
            held = {**between, "amount": f"{place + 1}.50", "group_id": "order-7"}
            until = {"expires_at": LATER} if place else {}
            self._do("pgledger_create_hold", **held, **until, id=hold)
            self.conflicts.append(("pgledger_create_hold", {**held, "amount": "9", "id": hold}))
            self.reads.append(("pgledger_get_hold", {"id": hold}))
        part = {"hold_id": holds[0], "amount": "0.50", "final": False}
        sale = self._do("pgledger_post_hold", **part, id=ids.generate("pglt"))
        self._do("pgledger_post_hold", hold_id=holds[1], idempotency_key="capture 2")
        self._do("pgledger_void_hold", hold_id=holds[2], idempotency_key="void 3")
        keyed = {**between, "amount": "2.25", "idempotency_key": "evt_1"}
        self._do("pgledger_create_transfer", **keyed)
        self.conflicts.append(("pgledger_create_transfer", {**keyed, "amount": "2.26"}))
        back = {"transfer_id": sale["id"], "amount": "0.25", "id": ids.generate("pglt")}
        self._do("pgledger_reverse_transfer", **back)
        self.reads.append(("pgledger_reversed_amount", {"transfer_id": sale["id"]}))
        self._one(
            "pgledger_set_limits",
            account_id=self.accounts["more points"],
            min_balance=-5,
            max_balance=1000,
            reason="an agreement",
        )
        self._one("pgledger_freeze_account", id=self.accounts["points"], direction="out")

    def _fill_billing(self) -> None:
        app = {"app_id": "shop"}
        tenant = {**app, "tenant_id": "t1"}
        one = self._one
        one("ledger_set_currency", **app, code="CREDITS", exponent=3)
        for key, kind in (("api", "metered"), ("seats", "seat")):
            one("ledger_create_feature", **app, key=key, name=key, type=kind)
        limits = [{"key": "api", "limit": 100}, {"key": "seats"}]
        prices = [
            {"feature": "api", "model": "per_unit", "unit_amount": "0.125"},
            {"feature": "seats", "model": "per_unit", "unit_amount": "5"},
        ]
        plans = {
            slug: self._do(
                "ledger_create_plan",
                **app,
                slug=slug,
                name=slug.title(),
                currency=currency,
                features=limits,
                pricing={"base": {"amount": amount, "interval": "month"}, "prices": prices},
                id=ids.generate("plan"),
            )["id"]
            for slug, currency, amount in (("pro", "USD", "10"), ("local", "CREDITS", "1.5"))
        }
        one("ledger_create_coupon", **app, code="TEN", percentage=10)
        subscriptions: list[str] = []
        for number, plan in enumerate(plans.values(), start=1):
            mine = {**app, "tenant_id": f"t{number}"}
            subscriptions.append(
                self._do(
                    "ledger_create_subscription", **mine, plan_id=plan, id=ids.generate("sub")
                )["id"]
            )
            self.reads.append(("ledger_get_subscription", {**mine, "id": subscriptions[-1]}))
        one("ledger_redeem_coupon", **tenant, code="TEN")
        for hour in range(1, 9):
            usage = {**tenant, "feature_key": "api", "quantity": 30 + hour}
            put_clock(self.connection, f"2025-01-0{hour}T10:00:00Z")
            self._do("ledger_record_usage", **usage, idempotency_key=f"k{hour}")
        put_clock(self.connection, NOW)
        while ask(self.connection, ("ledger_advance", {**app, "max_span": None})):
            pass
        rows = ask(self.connection, ("ledger_list_invoices", {**tenant, "status": "pending"}))
        invoice = rows[0]["id"]
        self._do(
            "ledger_record_payment",
            **tenant,
            invoice_id=invoice,
            amount=1,
            reference="wire 7",
            id=ids.generate("pay"),
        )
        line = [{"description": "work", "quantity": "2", "unit_amount": "1.5"}]
        one("ledger_create_invoice", **tenant, currency="USD", lines=line)
        used = {**tenant, "feature_key": "api"}
        hours = {"starts_at": BEGIN, "ends_at": NOW}
        self.reads += [
            ("ledger_list_app_invoices", app),
            ("ledger_get_invoice", {**tenant, "id": invoice}),
            ("ledger_list_payments", {**tenant, "invoice_id": invoice}),
            ("ledger_list_coupon_redemptions", tenant),
            ("ledger_query_usage", {**used, **hours}),
            ("ledger_aggregate_usage", {**used, **hours, "aggregation": "sum"}),
            ("ledger_check_entitlement", {**used, "quantity": 1}),
            ("ledger_preview_invoice", {**tenant, "at": NOW, "subscription_id": subscriptions[0]}),
            *(("ledger_get_plan", {**app, "id": plan}) for plan in plans.values()),
        ]

    def _one(self, function: str, **arguments: Any) -> Row:
        return ask(self.connection, (function, arguments))[0]
