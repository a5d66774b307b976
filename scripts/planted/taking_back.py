"""Faults in repeats by ids, reversals and sweeps."""

from typing import Final

from scripts.planted.fault import Fault

REPEATABLE: Final = "10_ledger/create_repeatable_transfer"

FAULTS: Final = (
    Fault(
        "a repeatable transfer locks its accounts in descending order",
        REPEATABLE,
        'least(from_account_id collate "C", to_account_id);\n'
        '  v_second_id text := greatest(from_account_id collate "C", to_account_id);',
        'greatest(from_account_id collate "C", to_account_id);\n'
        '  v_second_id text := least(from_account_id collate "C", to_account_id);',
        "concurrency",
        like="chosen_ids or deadlock",
    ),
    Fault(
        "a repeatable transfer takes any version of the account that it leaves",
        REPEATABLE,
        "    and (v_from.version = require_from_version) is not false\n",
        "",
        "conditions",
    ),
    Fault(
        "a repeatable transfer fills what is held",
        REPEATABLE,
        "(v_to_balance + v_to.held_in > v_to.max_balance) is not true",
        "(v_to_balance > v_to.max_balance) is not true",
        "holds",
        like="room",
    ),
    Fault(
        "an id that is taken meanwhile is PostgreSQL's error",
        REPEATABLE,
        "\n  on conflict on constraint transfers_id_pk do nothing;",
        ";",
        "concurrency",
        like="taken_meanwhile or sixteen",
    ),
    Fault(
        "a repeat may have other metadata",
        "10_ledger/repeated_transfer",
        "repeated_transfer.event_at, repeated_transfer.metadata,\n",
        "repeated_transfer.event_at, transfers.metadata,\n",
        "replays concurrency",
        like="different_things or other",
    ),
    Fault(
        "a reversal may exceed what is left",
        "10_ledger/amount_to_reverse",
        "elsif requested_amount > v_left then",
        "elsif requested_amount > transfer.amount then",
        "reversals",
    ),
    Fault(
        "what is left to reverse cannot be reversed whole",
        "10_ledger/amount_to_reverse",
        "elsif requested_amount > v_left then",
        "elsif requested_amount >= v_left then",
        "reversals",
    ),
    Fault(
        "reversals of later versions count for a repeat",
        "10_ledger/reversed_amount",
        "transfers.from_version <= up_to_version",
        "transfers.from_version > 0",
        "reversals",
    ),
    Fault(
        "a reversal does not lock its accounts",
        "10_ledger/lock_transfer",
        "order by accounts.id\n  for no key update;",
        "order by accounts.id;",
        "reversal_races",
    ),
    Fault(
        "a reversal finds transfers of other apps",
        "10_ledger/lock_transfer",
        "\n      and transfers.app_id = lock_transfer.app_id",
        "",
        "reversals",
    ),
    Fault(
        "a reversal leaves its group",
        "10_ledger/post_reversal",
        "post_reversal.event_at, transfer.group_id,",
        "post_reversal.event_at, null,",
        "reversals",
    ),
    Fault(
        "a reversal looks at frozen accounts the wrong way round",
        "10_ledger/check_reversal",
        "pgledger.check_statuses(array[source.id], array[target.id])",
        "pgledger.check_statuses(array[target.id], array[source.id])",
        "reversals",
    ),
    Fault(
        "a reversal breaks upper limits",
        "10_ledger/check_reversal",
        "v_ok := pgledger.check_balance(target.key, target.balance, amount);",
        "v_ok := true;",
        "reversals",
    ),
    Fault(
        "a reversal over limits has limits",
        "10_ledger/check_reversal",
        "if not over_limits then",
        "if over_limits is not null then",
        "reversals",
    ),
    Fault(
        "a repeated reversal of the rest is another request",
        "10_ledger/repeated_reversal",
        "case when amount is null and v_took_the_rest then",
        "case when false then",
        "reversals",
    ),
    Fault(
        "a reversal over limits is written down without its role",
        "10_ledger/post_reversal",
        "v_created_at, v_id, session_user, current_setting('role')",
        "v_created_at, v_id, session_user, session_user",
        "reversals",
    ),
    Fault(
        "a sweep goes below the lower limit",
        "10_ledger/amount_to_sweep",
        "- greatest(keep, accounts.min_balance)",
        "- keep",
        "sweep",
    ),
    Fault(
        "a sweep takes more than it may",
        "10_ledger/amount_to_sweep",
        "select least(\n      max_amount,",
        "select least(\n      null,",
        "sweep",
    ),
    Fault(
        "a sweep takes what is held",
        "10_ledger/amount_to_sweep",
        "when accounts.held_out = 0 then 0",
        "when accounts.held_out >= 0 then 0",
        "sweep",
    ),
    Fault(
        "a sweep locks accounts in descending order",
        "10_ledger/pgledger_sweep",
        "order by accounts.id\n    for no key update",
        "order by accounts.id desc\n    for no key update",
        "sweep concurrency",
        like="sweep or deadlock",
    ),
)
