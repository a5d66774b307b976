/*
What becomes of a request at its accounts, whatever the transfers before it do: it fails, it is a
repeat, or, which a row of nulls says, neither. The checks and their order are those of
pgledger.create_repeatable_transfer. The caller has locked the accounts; only those that it locked
are taken to exist.

The key of a repeat by its id is taken here, because that is all that comes of the request. request
is what the key's row keeps of it.

Locks: the inserted row of such a key.
Errors: a serialization failure where the key was taken after the transaction's snapshot.
*/
create or replace function pgledger.placed_outcome(
  from_account_id text,
  to_account_id text,
  amount numeric,
  event_at timestamptz,
  metadata jsonb,
  id text,
  app_id text,
  locked_ids text[],
  idempotency_key text default null,
  request jsonb default null
)
returns @extschema@.pgledger_transfer_outcome
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_amount numeric := case when scale(amount) > 18 then trim_scale(amount) else amount end;
  v_from_ids text[] := array[from_account_id];
  v_to_ids text[] := array[to_account_id];
  v_now timestamptz := pgledger.clock();
  v_from_key bigint;
  v_to_key bigint;
  v_newest_at timestamptz;
  v_earlier record;
  v_key pgledger.idempotency_keys;
  v_message text;
  v_detail text;
  v_hint text;
  v_ok boolean;
begin
  v_ok := pgledger.check_accounts(v_from_ids, v_to_ids, app_id, locked_ids);
  select
    max(accounts.key) filter (where accounts.id = from_account_id),
    max(accounts.key) filter (where accounts.id = to_account_id),
    max(accounts.updated_at) + interval '1 microsecond'
  into v_from_key, v_to_key, v_newest_at
  from pgledger.accounts
  where accounts.id in (from_account_id, to_account_id);

  v_key := pgledger.key_of_request(
    app_id, idempotency_key, 'pgledger_create_transfer', request
  );
  assert v_key.created_at is null, 'a repeat under its key was not found before';
  v_earlier := pgledger.repeated_transfer(
    id, app_id, v_from_key, v_to_key, v_amount, event_at, metadata
  );
  if v_earlier.created_at is not null then
    if idempotency_key is not null then
      v_key := pgledger.take_key(
        app_id, idempotency_key, 'pgledger_create_transfer', request, id
      );
    end if;
    return pgledger.replayed_outcome(
      id, v_earlier.created_at, v_earlier.from_balance, v_earlier.to_balance,
      v_earlier.from_version, v_earlier.to_version
    );
  end if;

  if v_newest_at > v_now then
    v_ok := pgledger.check_account_times(v_from_ids, v_to_ids, v_now, v_newest_at);
  end if;
  v_ok := pgledger.check_statuses(v_from_ids, v_to_ids);
  v_ok := pgledger.check_scales(v_from_ids, v_to_ids, array[v_amount]);
  v_ok := pgledger.check_period(app_id, event_at);
  return null;
exception
  when others then
    if sqlstate not like 'LG%' then
      raise;
    end if;
    get stacked diagnostics
      v_message = message_text, v_detail = pg_exception_detail, v_hint = pg_exception_hint;
    return pgledger.failed_outcome(sqlstate, v_message, v_detail, v_hint);
end;
$$;

comment on function pgledger.placed_outcome is
  'Whether a request fails at its accounts or is a repeat; nulls if neither.';

revoke all on function pgledger.placed_outcome from public;
