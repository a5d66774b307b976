"""Every public SQL function has one Python call with the same arguments, on either connection.

What the wrappers promise is compared with what the catalog says, so neither side can move alone.
"""

import dataclasses
import datetime as dt
import importlib.util
import inspect
import re
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest
from psycopg.types.range import Range

import pgledger
from pgledger import (
    Account,
    AccountBalance,
    AsyncBilling,
    AsyncLedger,
    AsyncMeter,
    AsyncTransferBatcher,
    Billing,
    Check,
    Consumption,
    Coupon,
    CouponRedemption,
    Currency,
    Entitlement,
    Entry,
    Feature,
    FeatureUsage,
    HoldRequest,
    Invoice,
    InvoiceLine,
    InvoicePreview,
    Ledger,
    Meter,
    Movement,
    NamedTransferRequest,
    PathBalance,
    Payment,
    Plan,
    PostedTransfer,
    PostingRequest,
    PriceLine,
    Rejection,
    StatementLine,
    Subscription,
    SubscriptionMove,
    Transfer,
    TransferBatcher,
    TransferRequest,
    TrialBalanceLine,
    UsageAnswer,
    UsageEvent,
    UsageReceipt,
    UsageRecord,
    ids,
    run_transaction,
    run_transaction_async,
)
from pgledger._generated.billing_statements import BillingStatements
from pgledger._generated.billing_statements import statements_for as billing_statements_for
from pgledger._generated.ledger_statements import statements_for

ROOT = Path(pgledger.__file__).resolve().parents[2]

# Two ways to write a batch in SQL by hand; Python sends every batch through the bulk function.
WITHOUT_CALL = {"pgledger_create_transfers", "pgledger_create_transfers_from_rows"}

# Methods that are several calls, or none.
WITHOUT_FUNCTION = {"follow_changes", "iter_entries"}

# Calls that take requests, where their functions take an array of each of a request's values.
BATCHES: Mapping[str, Callable[..., Any]] = {
    "pgledger_create_transfers_bulk": Ledger.create_transfers,
    "pgledger_create_transfers_bulk_by_name": Ledger.create_transfers_by_name,
    "pgledger_create_transfers_bulk_ids": Ledger.create_transfers_ids,
    "pgledger_create_transfers_bulk_count": Ledger.create_transfers_count,
    "pgledger_create_holds_bulk": Ledger.create_holds,
    "pgledger_create_holds_outcomes": Ledger.create_holds_outcomes,
    "pgledger_post_holds_bulk": Ledger.post_holds,
    "pgledger_create_transfers_outcomes": Ledger.create_transfers_outcomes,
    "pgledger_preview_transfers": Ledger.preview_transfers,
}

# What one request of such a call is.
REQUESTS: Mapping[str, type] = dict.fromkeys(BATCHES, TransferRequest) | {
    "pgledger_create_transfers_bulk_by_name": NamedTransferRequest,
    "pgledger_create_holds_bulk": HoldRequest,
    "pgledger_create_holds_outcomes": HoldRequest,
    "pgledger_post_holds_bulk": PostingRequest,
}

# What stands for each public function of the ledger. Ids are converted without asking the database.
CALLS: Mapping[str, Callable[..., Any]] = {
    f"pgledger_{name}": method
    for name, method in inspect.getmembers(Ledger, inspect.isfunction)
    if name[0] != "_" and method not in BATCHES.values() and name not in WITHOUT_FUNCTION
} | {
    **BATCHES,
    "pgledger_ulid_to_uuid": ids.ulid_to_uuid,
    "pgledger_uuid_to_ulid": ids.uuid_to_ulid,
    "pgledger_id_timestamp": ids.timestamp,
}

# Methods about the billing store as a whole.
ABOUT_THE_STORE = {"start", "migrate", "ping", "close"}

BILLING_CALLS: Mapping[str, Callable[..., Any]] = {
    f"ledger_{name}": method
    for name, method in inspect.getmembers(Billing, inspect.isfunction)
    if name[0] != "_" and name not in ABOUT_THE_STORE
}

TYPES: Mapping[str, object] = {
    "text": str,
    "numeric": Decimal,
    "boolean": bool,
    "bigint": int,
    "integer": int,
    "interval": dt.timedelta,
    "name": str,
    "timestamp with time zone": dt.datetime,
    "jsonb": Mapping[str, Any],
    "text[]": tuple[str, ...],
    "numeric[]": list[Decimal],
    "numrange": Range[Decimal],
}

# What arrays in JSON become.
ARRAYS: Mapping[str, object] = {
    "features": Sequence[Mapping[str, Any]],
    "tax_rates": Sequence[Mapping[str, Any]],
    "line_items": tuple[InvoiceLine, ...],
}

REQUIRED = object()


@dataclasses.dataclass(frozen=True)
class Function:
    """A function as the catalog knows it: its input arguments and their defaults."""

    name: str
    arguments: dict[str, object]
    types: dict[str, str]
    columns: dict[str, str]
    returns: str
    returns_set: bool


def public_functions(conn: psycopg.Connection[Any], names_like: str) -> list[Function]:
    rows = conn.execute(
        """
        select
          function.proname,
          array(
            select coalesce(function.proargnames[argument.place::integer], '')
            from unnest(function.proargtypes::oid[]) with ordinality as argument (type, place)
            order by argument.place
          ),
          array(
            select pg_get_function_arg_default(function.oid, argument.place::integer)
            from unnest(function.proargtypes::oid[]) with ordinality as argument (type, place)
            order by argument.place
          ),
          array(
            select format_type(argument.type, null)
            from unnest(function.proargtypes::oid[]) with ordinality as argument (type, place)
            order by argument.place
          ),
          (
            select array_agg(attribute.attname::text order by attribute.attnum)
            from pg_type as returned
            join pg_attribute as attribute
              on attribute.attrelid = returned.typrelid and attribute.attnum > 0
              and not attribute.attisdropped
            where returned.oid = function.prorettype
          ),
          (
            select array_agg(format_type(attribute.atttypid, null) order by attribute.attnum)
            from pg_type as returned
            join pg_attribute as attribute
              on attribute.attrelid = returned.typrelid and attribute.attnum > 0
              and not attribute.attisdropped
            where returned.oid = function.prorettype
          ),
          (
            select array_agg(argument.name order by argument.place)
            from unnest(function.proargnames, function.proargmodes)
              with ordinality as argument (name, mode, place)
            where argument.mode = 't'
          ),
          (
            select array_agg(format_type(argument.type, null) order by argument.place)
            from unnest(function.proallargtypes, function.proargmodes)
              with ordinality as argument (type, mode, place)
            where argument.mode = 't'
          ),
          format_type(function.prorettype, null),
          function.proretset
        from pg_proc as function
        where function.proname like %s
          and function.pronamespace = 'public'::regnamespace
        order by function.proname
        """,
        [names_like],
    ).fetchall()
    found = []
    for (
        name,
        names,
        defaults,
        types,
        attributes,
        attribute_types,
        columns,
        column_types,
        *r,
    ) in rows:
        arguments: dict[str, object] = {}
        for argument, default in zip(names, defaults, strict=True):
            if default is None:
                arguments[argument] = REQUIRED
            else:
                evaluated = conn.execute(f"select {default}".encode()).fetchone()
                assert evaluated is not None
                arguments[argument] = evaluated[0]
        found.append(
            Function(
                name=name,
                arguments=arguments,
                types=dict(zip(names, types, strict=True)),
                columns=dict(
                    zip(
                        attributes or columns or [],
                        attribute_types or column_types or [],
                        strict=True,
                    )
                ),
                returns=r[0],
                returns_set=r[1],
            )
        )
    return found


@pytest.fixture
def functions(conn: psycopg.Connection[Any]) -> list[Function]:
    """The ledger's."""
    return public_functions(conn, r"pgledger\_%")


@pytest.fixture
def billing_functions(conn: psycopg.Connection[Any]) -> list[Function]:
    """The billing store's."""
    return public_functions(conn, r"ledger\_%")


def python_arguments(call: Callable[..., Any]) -> dict[str, object]:
    """Returns a call's arguments and defaults, as ``Function`` has them."""
    return {
        name: REQUIRED if parameter.default is parameter.empty else parameter.default
        for name, parameter in inspect.signature(call).parameters.items()
        if name != "self"
    }


def test_no_public_function_is_without_a_call(functions):
    assert {function.name for function in functions} == CALLS.keys() | WITHOUT_CALL


def test_no_method_is_without_a_function(functions):
    called = {call.__name__ for call in CALLS.values()}
    methods = {name for name, _ in inspect.getmembers(Ledger, inspect.isfunction) if name[0] != "_"}
    assert methods - called == WITHOUT_FUNCTION


def test_names_follow_from_the_functions():
    for function, call in CALLS.items():
        if call.__module__ == ids.__name__:
            continue
        assert function.removeprefix("pgledger_").replace("_bulk", "") == call.__name__


def test_calls_take_the_arguments_of_their_functions(functions):
    for function in functions:
        if function.name in {*BATCHES, *WITHOUT_CALL}:
            continue
        arguments = python_arguments(CALLS[function.name])
        assert arguments == function.arguments, function.name
        assert list(arguments) == list(function.arguments), function.name
        for name, default in arguments.items():
            assert type(default) is type(function.arguments[name]), (function.name, name)


@pytest.mark.parametrize("name", BATCHES)
def test_batches_take_the_arguments_of_their_function(functions, name):
    bulk = next(f for f in functions if f.name == name)
    # An array that may be left out is then null, which stands for what a request has otherwise.
    arrays = {
        f"{field.name}s".replace("cys", "cies"): (
            REQUIRED if field.default is dataclasses.MISSING else None
        )
        for field in dataclasses.fields(REQUESTS[name])
    }
    arguments = python_arguments(BATCHES[name])
    assert [*arrays] == [name for name in bulk.arguments if name in arrays]
    requests, *rest = arguments
    assert requests.endswith("_requests")
    assert rest == [name for name in bulk.arguments if name not in arrays]
    assert arguments.pop(requests) is REQUIRED
    assert arrays | arguments == bulk.arguments


@pytest.mark.parametrize(
    ("kind", "single", "batch"),
    [
        (TransferRequest, Ledger.create_transfer, Ledger.create_transfers),
        (
            NamedTransferRequest,
            Ledger.create_transfer_by_name,
            Ledger.create_transfers_by_name,
        ),
        (HoldRequest, Ledger.create_hold, Ledger.create_holds),
        (PostingRequest, Ledger.post_hold, Ledger.post_holds),
    ],
)
def test_a_request_takes_what_a_single_call_takes(kind, single, batch):
    request = {
        field.name: REQUIRED if field.default is dataclasses.MISSING else field.default
        for field in dataclasses.fields(kind)
    }
    # The rest is said once for all of them.
    rest = {"app_id", "allow_future_event_at"} | (
        {"group_id", "expires_in"} if kind is HoldRequest else set[str]()
    )
    taken = python_arguments(single)
    assert request == {name: value for name, value in taken.items() if name not in rest}
    assert rest - {"expires_in"} < python_arguments(batch).keys()


def test_statements_name_and_type_every_argument(functions):
    statements = vars(statements_for(None))
    for function in functions:
        if function.name in WITHOUT_CALL or CALLS[function.name].__module__ == ids.__name__:
            continue
        assert call_of(function) in statements[CALLS[function.name].__name__]


def call_of(function: Function) -> str:
    """Returns a function's call as statements write it."""
    types = {
        "timestamp with time zone": "timestamptz",
        "timestamp with time zone[]": "timestamptz[]",
    }
    arguments = ", ".join(
        f"{name} => %s::{types.get(kind, kind)}" for name, kind in function.types.items()
    )
    return f"{function.name}({arguments})"


@pytest.mark.parametrize(
    ("result", "function"),
    [
        (Account, "pgledger_create_account"),
        (Account, "pgledger_get_account"),
        (Account, "pgledger_find_account"),
        (Account, "pgledger_ensure_account"),
        (Account, "pgledger_list_subtree"),
        (PathBalance, "pgledger_balances"),
        (AccountBalance, "pgledger_balances_at"),
        (StatementLine, "pgledger_statement"),
        (TrialBalanceLine, "pgledger_trial_balance"),
        (Movement, "pgledger_movements"),
        (Transfer, "pgledger_create_transfer_by_name"),
        (Transfer, "pgledger_create_transfers_bulk_by_name"),
        (Transfer, "pgledger_create_transfer"),
        (Transfer, "pgledger_create_transfers_bulk"),
        (Transfer, "pgledger_get_transfer"),
        (Entry, "pgledger_account_entries"),
        (Check, "pgledger_verify"),
    ],
)
def test_results_have_the_columns_of_what_they_come_from(functions, result, function):
    columns = next(f.columns for f in functions if f.name == function)
    assert_fields_are(result, columns)


def assert_fields_are(result: type, columns: Mapping[str, str]) -> None:
    assert [field.name for field in dataclasses.fields(result)] == list(columns)
    hints = typing.get_type_hints(result)
    for name, kind in columns.items():
        hint = hints[name]
        allowed = {hint, *typing.get_args(hint)} if type(None) in typing.get_args(hint) else {hint}
        # A few texts, spelled out.
        allowed |= {str for one in allowed if typing.get_origin(one) is typing.Literal}
        assert (ARRAYS.get(name) or TYPES[kind]) in allowed, (name, kind, hint)


def test_results_have_the_columns_of_the_views(conn):
    for result, view in [
        (Account, "pgledger_accounts_v1"),
        (Transfer, "pgledger_transfers_v1"),
        (Entry, "pgledger_entries_v1"),
        (Plan, "ledger_plans"),
        (Feature, "ledger_features"),
        (Currency, "ledger_currencies"),
        (Subscription, "ledger_subscriptions"),
        (UsageEvent, "ledger_usage_events"),
        (Coupon, "ledger_coupons"),
        (CouponRedemption, "ledger_coupon_redemptions"),
        (Invoice, "ledger_invoices"),
        (InvoicePreview, "ledger_invoices"),
        (Payment, "ledger_invoice_payments"),
    ]:
        description = conn.execute(f"select * from {view}".encode()).description
        names = [column.name for column in description]
        fields = [field.name for field in dataclasses.fields(result)]
        # A result may go on with what a view cannot tell.
        assert fields[: len(names)] == names
        assert set(fields[len(names) :]) <= {"origin_id", "replayed"}


@pytest.mark.parametrize(
    "result",
    [
        Account,
        Check,
        Consumption,
        Coupon,
        CouponRedemption,
        Currency,
        Entitlement,
        Entry,
        Feature,
        FeatureUsage,
        Invoice,
        InvoiceLine,
        InvoicePreview,
        Payment,
        Plan,
        PriceLine,
        Rejection,
        Subscription,
        SubscriptionMove,
        Transfer,
        TransferRequest,
        UsageAnswer,
        UsageEvent,
        UsageReceipt,
        UsageRecord,
    ],
)
def test_results_are_frozen_and_slotted(result):
    assert result.__dataclass_params__.frozen
    assert "__slots__" in result.__dict__
    assert not hasattr(object.__new__(result), "__dict__")


# The billing store


def test_every_billing_function_has_a_call_and_every_call_a_function(billing_functions):
    assert {function.name for function in billing_functions} == BILLING_CALLS.keys()
    assert public(Billing).keys() > ABOUT_THE_STORE


def in_python(argument: str, default: object) -> object:
    """Returns a default of SQL's as Python writes it."""
    if argument in ARRAYS and default == []:
        return ()
    if isinstance(default, Decimal):
        return int(default)
    return default


def test_billing_calls_take_the_arguments_of_their_functions(billing_functions):
    for function in billing_functions:
        if function.name == "ledger_ingest_usage":
            continue
        call = BILLING_CALLS[function.name]
        expected = {name: in_python(name, default) for name, default in function.arguments.items()}
        arguments = python_arguments(call)
        assert arguments == expected, function.name
        assert list(arguments) == list(expected), function.name
        for name, default in arguments.items():
            if name != "pricing":
                assert type(default) is type(expected[name]), (function.name, name)


def test_required_arguments_of_billing_calls_are_positional_and_others_named():
    for function, call in BILLING_CALLS.items():
        for name, parameter in inspect.signature(call).parameters.items():
            is_required = parameter.default is parameter.empty
            assert parameter.kind is (
                parameter.POSITIONAL_OR_KEYWORD if is_required else parameter.KEYWORD_ONLY
            ), (function, name)


def test_ingested_records_are_the_arrays_of_their_function(billing_functions):
    bulk = next(f for f in billing_functions if f.name == "ledger_ingest_usage")
    plurals = [
        field.name.removesuffix("y") + "ies" if field.name == "quantity" else f"{field.name}s"
        for field in dataclasses.fields(UsageRecord)
    ]
    assert ["app_id", *plurals] == list(bulk.arguments)
    assert list(python_arguments(Billing.ingest_usage)) == ["app_id", "events"]


def test_a_record_takes_what_a_single_event_takes():
    record = {
        field.name: REQUIRED if field.default is dataclasses.MISSING else field.default
        for field in dataclasses.fields(UsageRecord)
    }
    single = python_arguments(Billing.record_usage)
    assert {"app_id": REQUIRED, **record} == single
    assert ["app_id", *record] == list(single)
    assert record == python_arguments(Meter.record)
    assert list(record) == list(python_arguments(Meter.record))


def test_billing_statements_name_and_type_every_argument(billing_functions):
    statements = vars(billing_statements_for(None))
    for function in billing_functions:
        assert call_of(function) in statements[function.name.removeprefix("ledger_")]


def test_billing_results_are_what_their_functions_return(billing_functions):
    for function in billing_functions:
        hint = typing.get_type_hints(BILLING_CALLS[function.name])["return"]
        parts = typing.get_args(hint)
        is_set = typing.get_origin(hint) is list or (type(None) in parts and function.columns != {})
        result = parts[0] if parts else hint
        assert function.returns_set == is_set, function.name
        if function.columns:
            assert_fields_are(result, function.columns)
        elif function.returns == "void":
            assert result is type(None)
        else:
            assert result is TYPES[function.returns], function.name


def test_billing_calls_document_the_errors_of_their_functions(conn, billing_functions):
    # What only arrays written by hand can be.
    by_hand = {"ledger_ingest_usage": {"NullArgument", "InvalidScope", "InvalidBatch"}}
    for function in billing_functions:
        (comment,) = conn.execute(
            "select obj_description(oid, 'pg_proc') from pg_proc where proname = %s",
            [function.name],
        ).fetchone()
        listed = re.findall(
            r"\b[A-Z]\w+\b", re.sub(r"\([^)]*\)", "", comment.partition("Errors: ")[2])
        )
        assert listed, function.name
        doc = inspect.getdoc(BILLING_CALLS[function.name]) or ""
        documented = set(re.findall(r"^    (\w+): ", doc.partition("Raises:")[2], re.MULTILINE))
        assert documented == set(listed) - by_hand.get(function.name, set()), function.name


def test_billing_statements_are_all_called():
    called = {name.removeprefix("ledger_") for name in BILLING_CALLS}
    assert vars(BillingStatements(None)).keys() == called


def test_a_batcher_takes_what_a_single_transfer_takes():
    single = python_arguments(Ledger.create_transfer)
    own = {"group_id": None, "timeout": None}
    assert python_arguments(TransferBatcher.create_transfer) == {**single, **own}


def test_a_batcher_returns_what_a_transfer_has():
    hints = typing.get_type_hints(Transfer)
    for name, kind in typing.get_type_hints(PostedTransfer).items():
        assert hints[name] == (bool | None if name == "replayed" else kind)


# Twins


def same_but_for_waiting(synchronous: str, asynchronous: str) -> bool:
    plain = re.sub(r"(?:Async|Await)(?:able\[(\w+)\])?", r"\1", asynchronous)
    plain = plain.replace("_async.", "_sync.")
    return synchronous == plain


def public(kind: type) -> dict[str, Any]:
    return {
        name: member
        for name, member in inspect.getmembers(kind, inspect.isfunction)
        if name[0] != "_" or name == "__init__"
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Ledger, AsyncLedger),
        (Billing, AsyncBilling),
        (Meter, AsyncMeter),
        (TransferBatcher, AsyncTransferBatcher),
    ],
)
def test_twins_have_equal_surfaces(one, other):
    synchronous, asynchronous = public(one), public(other)
    assert synchronous.keys() == asynchronous.keys()
    for name, method in synchronous.items():
        twin = asynchronous[name]
        assert same_but_for_waiting(str(inspect.signature(method)), str(inspect.signature(twin))), (
            name
        )
        if name == "__init__":
            continue
        assert inspect.getdoc(method) == inspect.getdoc(twin)
        assert not inspect.iscoroutinefunction(method)
        # Recording waits for nothing on either side.
        assert name in {"record", "take_rejected"} or (
            inspect.iscoroutinefunction(twin) or inspect.isasyncgenfunction(twin)
        )


def test_transaction_runners_are_twins():
    signature, other = (
        inspect.signature(run_transaction),
        inspect.signature(run_transaction_async),
    )
    assert list(signature.parameters) == list(other.parameters)
    for name, parameter in signature.parameters.items():
        assert parameter.default == other.parameters[name].default
        assert parameter.kind == other.parameters[name].kind


def test_everything_public_is_documented():
    for name in pgledger.__all__:
        member = getattr(pgledger, name)
        assert inspect.getdoc(member), name
    batchers = (TransferBatcher, AsyncTransferBatcher)
    for kind in (Ledger, AsyncLedger, Billing, AsyncBilling, Meter, AsyncMeter, *batchers):
        for name, method in public(kind).items():
            if name != "__init__":
                assert inspect.getdoc(method), name
    for function, call in {**CALLS, **BILLING_CALLS}.items():
        assert re.search(rf"``{function}``", inspect.getdoc(call) or ""), function


@pytest.fixture
def build_sync() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_sync", ROOT / "scripts" / "build_sync.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_synchronous_twins_are_fresh(build_sync, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["build_sync.py", "--check"])
    assert build_sync.main() == 0


def test_a_stale_twin_is_found_and_built_anew(build_sync, tmp_path):
    for folder in ("_generated", "batcher", "meter"):
        (tmp_path / folder).mkdir()
    for name in [*build_sync.TWINS, *build_sync.TWINS.values()]:
        (tmp_path / name).write_bytes((build_sync.PACKAGE / name).read_bytes())
    assert build_sync.build(tmp_path, check=True) == []

    source, target = tmp_path / "_ledger_async.py", tmp_path / "_ledger_sync.py"
    changed = source.read_text(encoding="utf-8").replace("page_size: int = 1000,", "page_size=7,")
    source.write_text(changed, encoding="utf-8")

    assert build_sync.build(tmp_path, check=True) == [target]
    assert "page_size=7," not in target.read_text(encoding="utf-8")
    assert build_sync.build(tmp_path, check=False) == [target]
    assert "page_size=7," in target.read_text(encoding="utf-8")
    assert build_sync.build(tmp_path, check=True) == []


def test_an_asynchronous_name_without_translation_stops_the_build(build_sync):
    with pytest.raises(build_sync.UnknownNameError, match="AsyncThing"):
        build_sync.translate("thing: AsyncThing\n")
