/*
The balances of many accounts at one time, all of one snapshot. Accounts are found by index, each
by itself, whatever the statistics say of so many ids.

Errors: InvalidBatch, BatchTooLarge, NullArgument, InvalidScope, InvalidArgument, InvalidId,
AccountNotFound.
*/
create or replace function @extschema@.pgledger_balances_at(
  account_ids text[],
  at timestamptz,
  axis text default 'recorded',
  app_id text default ''
)
returns setof @extschema@.pgledger_account_balance
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set max_parallel_workers_per_gather = 0
set jit = off
as $$
declare
  v_ids text[] := account_ids[:];
  v_missing record;
  v_ok boolean;
begin
  v_ok := pgledger.check_arrays(
    array['account_ids'],
    array[cardinality(account_ids)::bigint],
    array[array_ndims(account_ids)],
    1
  );
  v_ok := pgledger.check_scope('app_id', app_id);
  if at is null then
    v_ok := pgledger.fail('NullArgument', array['at']);
  end if;
  v_ok := pgledger.check_choice('axis', axis, array['recorded', 'event']);

  select given.id, given.place
  into v_missing
  from unnest(v_ids) with ordinality as given (id, place)
  left join pgledger.accounts
    on given.id = accounts.id and accounts.app_id = pgledger_balances_at.app_id
  where accounts.key is null
  order by given.place
  limit 1;

  if found then
    v_ok := pgledger.refuse_account(
      'account_ids', v_missing.id, app_id, v_missing.place, cardinality(v_ids)
    );
  end if;

  return query
  select
    accounts.id,
    accounts.currency,
    pgledger.balance_then(
      accounts.key, accounts.version, accounts.balance, accounts.updated_at,
      pgledger_balances_at.at, pgledger_balances_at.axis
    )
  from unnest(v_ids) with ordinality as given (id, place)
  inner join pgledger.accounts
    on given.id = accounts.id and accounts.app_id = pgledger_balances_at.app_id
  order by given.place;
end;
$$;

comment on function @extschema@.pgledger_balances_at is
$$Returns the balances of many accounts at one time.

All are of one moment of the books, and each is what pgledger_balance_at
returns.

account_ids: Whose balances, up to 100,000; an account may be in it twice.
at: The time: every entry that is not later counts.
axis: Whether created_at or event_at says when an entry was; one of: recorded,
  event.
app_id: Set of books that the accounts belong to.

Returns: A row for each id, in their order.

Errors: InvalidBatch, BatchTooLarge, NullArgument, InvalidScope,
  InvalidArgument (there is no such axis), InvalidId, AccountNotFound (one of
  them is no account under this app_id).$$;

revoke all on function @extschema@.pgledger_balances_at from public;
grant execute on function @extschema@.pgledger_balances_at to pgledger_reader;
