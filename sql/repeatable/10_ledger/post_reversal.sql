/*
Writes a reversal: a transfer from the account that an earlier one reached to the one that it left,
in its group. With a reason, limits do not count, and the reason is written down. The caller has
locked both accounts, and has found that so much is left of the transfer. It gives the time that it
made the id for, or null.

Errors: AccountAheadOfClock, those of pgledger.check_reversal, IdempotencyConflict.
*/
create or replace function pgledger.post_reversal(
  transfer pgledger.transfers,
  amount numeric,
  event_at timestamptz,
  metadata jsonb,
  id text,
  reason text,
  at timestamptz default null
)
returns @extschema@.pgledger_transfer
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_source pgledger.accounts := (
    select accounts from pgledger.accounts where accounts.key = transfer.to_key
  );
  v_target pgledger.accounts := (
    select accounts from pgledger.accounts where accounts.key = transfer.from_key
  );
  v_now timestamptz := pgledger.clock();
  v_created_at timestamptz := at;
  v_id text;
  v_ok boolean;
begin
  if v_created_at is null then
    v_created_at := greatest(
      v_now, greatest(v_source.updated_at, v_target.updated_at) + interval '1 microsecond'
    );
  end if;
  if v_created_at > v_now then
    v_ok := pgledger.check_account_times(
      array[v_source.id], array[v_target.id], v_now, v_created_at
    );
  end if;
  v_ok := pgledger.check_reversal(
    v_source, v_target, amount, reason is not null, event_at
  );

  update pgledger.accounts
  set
    updated_at = v_created_at,
    version = accounts.version + 1,
    balance = accounts.balance
    + case when accounts.key = v_source.key then -post_reversal.amount else post_reversal.amount end
  where accounts.key in (v_source.key, v_target.key);

  v_id := coalesce(id, 'pglt_' || pgledger.new_ulid(v_created_at));
  insert into pgledger.transfers (
    from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
    to_balance, event_at, group_id, origin_id, metadata
  )
  values (
    v_source.key, v_target.key, v_source.version + 1, v_target.version + 1, v_created_at, v_id,
    transfer.app_id, post_reversal.amount, v_source.balance - post_reversal.amount,
    v_target.balance + post_reversal.amount, post_reversal.event_at, transfer.group_id,
    transfer.id, post_reversal.metadata
  )
  on conflict on constraint transfers_id_pk do nothing;
  -- Another call took the id since it was looked for. It did not wait for these accounts, so it
  -- asked for something else.
  if not found then
    v_ok := pgledger.fail('IdempotencyConflict', array['id', id]);
  end if;

  if reason is not null then
    insert into pgledger.reversals_over_limits (
      allowed_at, reversal_id, allowed_by, allowed_as, reason
    )
    values (
      v_created_at, v_id, session_user, current_setting('role'), post_reversal.reason
    );
  end if;

  return pgledger.transfer_answer(v_id, false);
end;
$$;

comment on function pgledger.post_reversal is
  'Writes a reversal of so much of a transfer.';

revoke all on function pgledger.post_reversal from public;
