# Written by scripts/build_catalog.py from the comments in sql/: change those.

"""A statement for each function of the ledger, and what reads the rows that come back."""

from functools import lru_cache

from pgledger._generated.ledger_rows import (
    Account,
    AccountAhead,
    AccountBalance,
    Change,
    Check,
    CurrencyScale,
    Entry,
    Hold,
    HoldOutcome,
    ImportFault,
    ImportResult,
    Movement,
    PathBalance,
    Period,
    Seal,
    SliceCheck,
    StatementLine,
    Transfer,
    TransferOutcome,
    TrialBalanceLine,
)
from pgledger._wire import Calls, row_factory

ACCOUNT_ROW = row_factory(Account)
HOLD_ROW = row_factory(Hold)
HOLD_OUTCOME_ROW = row_factory(HoldOutcome)
TRANSFER_ROW = row_factory(Transfer)
TRANSFER_OUTCOME_ROW = row_factory(TransferOutcome)
CURRENCY_SCALE_ROW = row_factory(CurrencyScale)
ENTRY_ROW = row_factory(Entry)
CHECK_ROW = row_factory(Check)
SLICE_CHECK_ROW = row_factory(SliceCheck)
ACCOUNT_AHEAD_ROW = row_factory(AccountAhead)
PATH_BALANCE_ROW = row_factory(PathBalance)
ACCOUNT_BALANCE_ROW = row_factory(AccountBalance)
CHANGE_ROW = row_factory(Change)
PERIOD_ROW = row_factory(Period)
IMPORT_FAULT_ROW = row_factory(ImportFault)
IMPORT_RESULT_ROW = row_factory(ImportResult)
MOVEMENT_ROW = row_factory(Movement)
SEAL_ROW = row_factory(Seal)
STATEMENT_LINE_ROW = row_factory(StatementLine)
TRIAL_BALANCE_LINE_ROW = row_factory(TrialBalanceLine)

_CHANGE_CASTS = {"details": "json"}


class LedgerStatements:
    """The text of every call, for one schema of the public surface."""

    def __init__(self, schema: str | None) -> None:
        calls = Calls(schema)
        self._add_core(calls)
        self._add_ledger(calls)

    def _add_core(self, calls: Calls) -> None:
        self.generate_id = calls.value("pgledger_generate_id", prefix="text")

    def _add_ledger(self, calls: Calls) -> None:
        self.create_account = calls.rows(
            Account,
            "pgledger_create_account",
            name="text",
            currency="text",
            allow_negative_balance="boolean",
            allow_positive_balance="boolean",
            metadata="jsonb",
            id="text",
            app_id="text",
            tenant_id="text",
            min_balance="numeric",
            max_balance="numeric",
            idempotency_key="text",
        )
        self.create_hold = calls.rows(
            Hold,
            "pgledger_create_hold",
            from_account_id="text",
            to_account_id="text",
            amount="numeric",
            expires_at="timestamptz",
            expires_in="interval",
            event_at="timestamptz",
            metadata="jsonb",
            id="text",
            app_id="text",
            group_id="text",
            allow_future_event_at="boolean",
            idempotency_key="text",
        )
        self.create_holds = calls.rows(
            Hold,
            "pgledger_create_holds_bulk",
            from_account_ids="text[]",
            to_account_ids="text[]",
            amounts="numeric[]",
            expires_ats="timestamptz[]",
            event_ats="timestamptz[]",
            metadatas="jsonb[]",
            ids="text[]",
            app_id="text",
            group_id="text",
            allow_future_event_at="boolean",
            idempotency_keys="text[]",
        )
        self.create_holds_outcomes = calls.rows(
            HoldOutcome,
            "pgledger_create_holds_outcomes",
            from_account_ids="text[]",
            to_account_ids="text[]",
            amounts="numeric[]",
            expires_ats="timestamptz[]",
            event_ats="timestamptz[]",
            metadatas="jsonb[]",
            ids="text[]",
            app_id="text",
            group_id="text",
            allow_future_event_at="boolean",
            idempotency_keys="text[]",
        )
        self.create_transfer = calls.rows(
            Transfer,
            "pgledger_create_transfer",
            from_account_id="text",
            to_account_id="text",
            amount="numeric",
            event_at="timestamptz",
            metadata="jsonb",
            id="text",
            app_id="text",
            allow_future_event_at="boolean",
            require_from_version="bigint",
            require_to_version="bigint",
            require_from_balance="numrange",
            require_to_balance="numrange",
            idempotency_key="text",
        )
        self.create_transfer_by_name = calls.rows(
            Transfer,
            "pgledger_create_transfer_by_name",
            from_name="text",
            to_name="text",
            amount="numeric",
            currency="text",
            event_at="timestamptz",
            metadata="jsonb",
            id="text",
            app_id="text",
            from_tenant_id="text",
            to_tenant_id="text",
            allow_future_event_at="boolean",
            require_from_version="bigint",
            require_to_version="bigint",
            require_from_balance="numrange",
            require_to_balance="numrange",
            idempotency_key="text",
        )
        self.create_transfers = calls.rows(
            Transfer,
            "pgledger_create_transfers_bulk",
            from_account_ids="text[]",
            to_account_ids="text[]",
            amounts="numeric[]",
            event_ats="timestamptz[]",
            metadatas="jsonb[]",
            ids="text[]",
            app_id="text",
            group_id="text",
            allow_future_event_at="boolean",
            require_from_versions="bigint[]",
            require_to_versions="bigint[]",
            require_from_balances="numrange[]",
            require_to_balances="numrange[]",
            idempotency_keys="text[]",
        )
        self.create_transfers_by_name = calls.rows(
            Transfer,
            "pgledger_create_transfers_bulk_by_name",
            from_names="text[]",
            to_names="text[]",
            amounts="numeric[]",
            currencies="text[]",
            event_ats="timestamptz[]",
            metadatas="jsonb[]",
            ids="text[]",
            from_tenant_ids="text[]",
            to_tenant_ids="text[]",
            app_id="text",
            group_id="text",
            allow_future_event_at="boolean",
            require_from_versions="bigint[]",
            require_to_versions="bigint[]",
            require_from_balances="numrange[]",
            require_to_balances="numrange[]",
            idempotency_keys="text[]",
        )
        self.create_transfers_count = calls.value(
            "pgledger_create_transfers_bulk_count",
            from_account_ids="text[]",
            to_account_ids="text[]",
            amounts="numeric[]",
            event_ats="timestamptz[]",
            metadatas="jsonb[]",
            ids="text[]",
            app_id="text",
            group_id="text",
            allow_future_event_at="boolean",
            require_from_versions="bigint[]",
            require_to_versions="bigint[]",
            require_from_balances="numrange[]",
            require_to_balances="numrange[]",
            idempotency_keys="text[]",
        )
        self.create_transfers_ids = calls.value(
            "pgledger_create_transfers_bulk_ids",
            from_account_ids="text[]",
            to_account_ids="text[]",
            amounts="numeric[]",
            event_ats="timestamptz[]",
            metadatas="jsonb[]",
            ids="text[]",
            app_id="text",
            group_id="text",
            allow_future_event_at="boolean",
            require_from_versions="bigint[]",
            require_to_versions="bigint[]",
            require_from_balances="numrange[]",
            require_to_balances="numrange[]",
            idempotency_keys="text[]",
        )
        self.create_transfers_outcomes = calls.rows(
            TransferOutcome,
            "pgledger_create_transfers_outcomes",
            from_account_ids="text[]",
            to_account_ids="text[]",
            amounts="numeric[]",
            event_ats="timestamptz[]",
            metadatas="jsonb[]",
            ids="text[]",
            app_id="text",
            group_id="text",
            allow_future_event_at="boolean",
            require_from_versions="bigint[]",
            require_to_versions="bigint[]",
            require_from_balances="numrange[]",
            require_to_balances="numrange[]",
            idempotency_keys="text[]",
        )
        self.set_clock_warning = calls.value("pgledger_set_clock_warning", warn_after="interval")
        self.set_currency = calls.rows(
            CurrencyScale, "pgledger_set_currency", code="text", scale="integer", app_id="text"
        )
        self.set_limits = calls.rows(
            Account,
            "pgledger_set_limits",
            account_id="text",
            min_balance="numeric",
            max_balance="numeric",
            reason="text",
            allow_existing="boolean",
            app_id="text",
        )
        self.preview_transfers = calls.rows(
            TransferOutcome,
            "pgledger_preview_transfers",
            from_account_ids="text[]",
            to_account_ids="text[]",
            amounts="numeric[]",
            event_ats="timestamptz[]",
            metadatas="jsonb[]",
            ids="text[]",
            app_id="text",
            group_id="text",
            allow_future_event_at="boolean",
            require_from_versions="bigint[]",
            require_to_versions="bigint[]",
            require_from_balances="numrange[]",
            require_to_balances="numrange[]",
            idempotency_keys="text[]",
        )
        self.get_account = calls.rows(Account, "pgledger_get_account", id="text", app_id="text")
        self.get_hold = calls.rows(Hold, "pgledger_get_hold", id="text", app_id="text")
        self.get_transfer = calls.rows(Transfer, "pgledger_get_transfer", id="text", app_id="text")
        self.find_account = calls.rows(
            Account,
            "pgledger_find_account",
            name="text",
            currency="text",
            app_id="text",
            tenant_id="text",
        )
        self.list_accounts = calls.rows(
            Account,
            "pgledger_list_accounts",
            after_id="text",
            page_size="integer",
            prefix="text",
            currency="text",
            created_from="timestamptz",
            created_until="timestamptz",
            metadata="jsonb",
            app_id="text",
            tenant_id="text",
        )
        self.list_subtree = calls.rows(
            Account,
            "pgledger_list_subtree",
            prefix="text",
            page_size="integer",
            after_id="text",
            app_id="text",
            tenant_id="text",
        )
        self.list_transfers = calls.rows(
            Transfer,
            "pgledger_list_transfers",
            after_id="text",
            page_size="integer",
            account_id="text",
            group_id="text",
            recorded_from="timestamptz",
            recorded_until="timestamptz",
            event_from="timestamptz",
            event_until="timestamptz",
            metadata="jsonb",
            app_id="text",
            tenant_id="text",
        )
        self.account_entries = calls.rows(
            Entry,
            "pgledger_account_entries",
            account_id="text",
            page_size="integer",
            newest_first="boolean",
            after_version="bigint",
            app_id="text",
        )
        self.balance_at = calls.value(
            "pgledger_balance_at", account_id="text", at="timestamptz", axis="text", app_id="text"
        )
        self.balance_at_block = calls.value(
            "pgledger_balance_at_block", account_id="text", block="bigint", app_id="text"
        )
        self.balance_at_version = calls.value(
            "pgledger_balance_at_version", account_id="text", version="bigint", app_id="text"
        )
        self.update_account = calls.rows(
            Account,
            "pgledger_update_account",
            id="text",
            name="text",
            metadata="jsonb",
            reason="text",
            app_id="text",
        )
        self.purge_idempotency_keys = calls.value(
            "pgledger_purge_idempotency_keys",
            before="timestamptz",
            max_keys="integer",
            allow_recent="boolean",
            app_id="text",
        )
        self.verify = calls.rows(Check, "pgledger_verify", app_id="text")
        self.verify_rest = calls.rows(Check, "pgledger_verify_rest")
        self.verify_seals = calls.rows(Check, "pgledger_verify_seals", from_export="jsonb")
        self.verify_slice = calls.rows(
            SliceCheck, "pgledger_verify_slice", after="text", page_size="integer"
        )
        self.accept_time = calls.value(
            "pgledger_accept_time", account_id="text", reason="text", app_id="text"
        )
        self.accounts_ahead = calls.rows(AccountAhead, "pgledger_accounts_ahead", app_id="text")
        self.allocate = calls.value(
            "pgledger_allocate", amount="numeric", weights="numeric[]", scale="integer"
        )
        self.balances = calls.rows(
            PathBalance,
            "pgledger_balances",
            prefix="text",
            depth="integer",
            at="timestamptz",
            axis="text",
            app_id="text",
            tenant_id="text",
        )
        self.balances_at = calls.rows(
            AccountBalance,
            "pgledger_balances_at",
            account_ids="text[]",
            at="timestamptz",
            axis="text",
            app_id="text",
        )
        self.changes = calls.rows(
            Change, "pgledger_changes", _CHANGE_CASTS, after="text", page_size="integer"
        )
        self.close_account = calls.rows(
            Account,
            "pgledger_close_account",
            id="text",
            reason="text",
            sweep_to="text",
            app_id="text",
        )
        self.close_period = calls.rows(
            Period, "pgledger_close_period", app_id="text", until="timestamptz", reason="text"
        )
        self.ensure_account = calls.rows(
            Account,
            "pgledger_ensure_account",
            name="text",
            currency="text",
            allow_negative_balance="boolean",
            allow_positive_balance="boolean",
            metadata="jsonb",
            app_id="text",
            tenant_id="text",
            min_balance="numeric",
            max_balance="numeric",
            idempotency_key="text",
        )
        self.expire_holds = calls.value("pgledger_expire_holds", max_holds="integer", app_id="text")
        self.extend_hold = calls.rows(
            Hold,
            "pgledger_extend_hold",
            hold_id="text",
            expires_at="timestamptz",
            app_id="text",
            idempotency_key="text",
        )
        self.freeze_account = calls.rows(
            Account,
            "pgledger_freeze_account",
            id="text",
            direction="text",
            reason="text",
            app_id="text",
        )
        self.import_begin = calls.value("pgledger_import_begin")
        self.import_faults = calls.rows(ImportFault, "pgledger_import_faults", app_id="text")
        self.import_history = calls.rows(ImportResult, "pgledger_import_history", app_id="text")
        self.movements = calls.rows(
            Movement,
            "pgledger_movements",
            from_time="timestamptz",
            until="timestamptz",
            prefix="text",
            by="text",
            axis="text",
            time_zone="text",
            app_id="text",
        )
        self.post_hold = calls.rows(
            Transfer,
            "pgledger_post_hold",
            hold_id="text",
            amount="numeric",
            final="boolean",
            event_at="timestamptz",
            metadata="jsonb",
            id="text",
            app_id="text",
            allow_future_event_at="boolean",
            idempotency_key="text",
        )
        self.post_holds = calls.rows(
            Transfer,
            "pgledger_post_holds_bulk",
            hold_ids="text[]",
            amounts="numeric[]",
            finals="boolean[]",
            event_ats="timestamptz[]",
            metadatas="jsonb[]",
            ids="text[]",
            app_id="text",
            allow_future_event_at="boolean",
            idempotency_keys="text[]",
        )
        self.raise_sequences = calls.value("pgledger_raise_sequences")
        self.reopen_account = calls.rows(
            Account, "pgledger_reopen_account", id="text", reason="text", app_id="text"
        )
        self.reopen_period = calls.rows(
            Period, "pgledger_reopen_period", app_id="text", until="timestamptz", reason="text"
        )
        self.reverse_transfer = calls.rows(
            Transfer,
            "pgledger_reverse_transfer",
            transfer_id="text",
            amount="numeric",
            event_at="timestamptz",
            metadata="jsonb",
            id="text",
            app_id="text",
            allow_future_event_at="boolean",
            idempotency_key="text",
        )
        self.reverse_transfer_over_limits = calls.rows(
            Transfer,
            "pgledger_reverse_transfer_over_limits",
            transfer_id="text",
            reason="text",
            amount="numeric",
            event_at="timestamptz",
            metadata="jsonb",
            id="text",
            app_id="text",
            allow_future_event_at="boolean",
            idempotency_key="text",
        )
        self.reversed_amount = calls.value(
            "pgledger_reversed_amount", transfer_id="text", app_id="text"
        )
        self.seal = calls.rows(Seal, "pgledger_seal")
        self.statement = calls.rows(
            StatementLine,
            "pgledger_statement",
            account_id="text",
            from_time="timestamptz",
            until="timestamptz",
            axis="text",
            app_id="text",
        )
        self.sweep = calls.rows(
            Transfer,
            "pgledger_sweep",
            from_account_id="text",
            to_account_id="text",
            max_amount="numeric",
            keep="numeric",
            event_at="timestamptz",
            metadata="jsonb",
            id="text",
            app_id="text",
            allow_future_event_at="boolean",
            idempotency_key="text",
        )
        self.trial_balance = calls.rows(
            TrialBalanceLine,
            "pgledger_trial_balance",
            at="timestamptz",
            app_id="text",
            prefix="text",
            axis="text",
        )
        self.unfreeze_account = calls.rows(
            Account,
            "pgledger_unfreeze_account",
            id="text",
            direction="text",
            reason="text",
            app_id="text",
        )
        self.use_iso_currencies = calls.value("pgledger_use_iso_currencies", app_id="text")
        self.void_hold = calls.rows(
            Hold, "pgledger_void_hold", hold_id="text", app_id="text", idempotency_key="text"
        )


@lru_cache
def statements_for(schema: str | None) -> LedgerStatements:
    """Returns the statements for a schema, or for the search_path if it is None."""
    return LedgerStatements(schema)
