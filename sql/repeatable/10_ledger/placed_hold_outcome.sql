/*
What becomes of a request for a hold at its accounts, whatever room they have: it fails, it is a
repeat, or, which a row of nulls says, neither. The checks and their order are those of
pgledger.make_hold. The caller has locked the accounts, and has read the time after that. Where it
has not found both in the app, with one currency, it says which it has locked: only those are taken
to exist. Otherwise it gives null, because that check costs more than all others of a repeat.

What an earlier request of the same batch has made, or has taken as its key, is not written yet: the
caller gives it, or rows of nulls.
*/
create or replace function pgledger.placed_hold_outcome(
  from_account_id text,
  to_account_id text,
  amount numeric,
  expires_at timestamptz,
  event_at timestamptz,
  metadata jsonb,
  id text,
  app_id text,
  group_id text,
  idempotency_key text,
  locked_ids text[],
  at timestamptz,
  earlier_key pgledger.idempotency_keys,
  earlier_hold pgledger.holds
)
returns @extschema@.pgledger_hold_outcome
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_from_ids text[] := array[from_account_id];
  v_to_ids text[] := array[to_account_id];
  v_newest_at timestamptz;
  v_hold record;
  v_message text;
  v_detail text;
  v_hint text;
  v_ok boolean;
begin
  if locked_ids is not null then
    v_ok := pgledger.check_accounts(v_from_ids, v_to_ids, app_id, locked_ids);
    assert false, 'a request without its accounts was not refused';
  end if;
  select
    answer.id, answer.created_at, answer.expires_at, answer.ended_at, answer.posted_amount,
    answer.status
  into v_hold
  from pgledger.hold_in_batch(
    from_account_id, to_account_id, amount, expires_at, event_at, metadata, id, app_id, group_id,
    idempotency_key, earlier_key, earlier_hold
  ) as answer;
  if v_hold.id is not null then
    return row(
      null::bigint, 'replayed'::text, v_hold.id, null::text, null::text, null::text, null::text,
      null::text, v_hold.created_at, v_hold.expires_at, v_hold.ended_at, v_hold.posted_amount,
      v_hold.status
    );
  end if;

  v_newest_at := (
    select max(accounts.updated_at)
    from pgledger.accounts
    where accounts.id in (from_account_id, to_account_id)
  );
  if v_newest_at > at then
    v_ok := pgledger.check_account_times(v_from_ids, v_to_ids, at, v_newest_at);
  end if;
  if expires_at is not null then
    v_ok := pgledger.check_expiry_ahead(expires_at, at);
  end if;
  v_ok := pgledger.check_statuses(v_from_ids, v_to_ids);
  v_ok := pgledger.check_scales(v_from_ids, v_to_ids, array[amount]);
  v_ok := pgledger.check_period(app_id, event_at);
  return null;
exception
  when others then
    if sqlstate not like 'LG%' then
      raise;
    end if;
    get stacked diagnostics
      v_message = message_text, v_detail = pg_exception_detail, v_hint = pg_exception_hint;
    return pgledger.failed_hold_outcome(sqlstate, v_message, v_detail, v_hint);
end;
$$;

comment on function pgledger.placed_hold_outcome is
  'Whether a request for a hold fails at its accounts or is a repeat; nulls if neither.';

revoke all on function pgledger.placed_hold_outcome from public;
