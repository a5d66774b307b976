/*
The balance of each account at a time. It takes no lock, and is of one snapshot. It reads the
accounts of a set of books, and for each that has moved since the time, what pgledger.balance_then
looks up.

Errors: NullArgument, InvalidScope, InvalidName, InvalidArgument.
*/
create or replace function @extschema@.pgledger_trial_balance(
  at timestamptz default null,
  app_id text default '',
  prefix text default null,
  axis text default 'recorded'
)
returns setof @extschema@.pgledger_trial_balance_line
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set max_parallel_workers_per_gather = 0
set jit = off
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_prefix(prefix);
  v_ok := pgledger.check_choice('axis', axis, array['recorded', 'event']);

  return query
  select
    line.id, line.name, line.tenant_id, line.currency, line.balance,
    greatest(line.balance, 0), greatest(-line.balance, 0)
  from (
    select
      accounts.id, accounts.name, accounts.tenant_id, accounts.currency, accounts.created_at,
      case
        when pgledger_trial_balance.at is null then accounts.balance
        else pgledger.balance_then(
          accounts.key, accounts.version, accounts.balance, accounts.updated_at,
          pgledger_trial_balance.at, pgledger_trial_balance.axis
        )
      end as balance
    from pgledger.accounts
    where accounts.app_id = pgledger_trial_balance.app_id
      and (
        prefix is null
        or accounts.name = prefix
        or starts_with(accounts.name, prefix || '.')
      )
  ) as line
  -- By event an account may have a balance from before it was opened.
  where pgledger_trial_balance.at is null
    or line.created_at <= pgledger_trial_balance.at
    or line.balance <> 0
  order by line.name, line.tenant_id, line.currency, line.id;
end;
$$;

comment on function @extschema@.pgledger_trial_balance is
$$Returns the balance of each account at a time, for all tenants.

Without a prefix, above_zero and below_zero have the same sum in each
currency: all that is somewhere came from somewhere. Names are those of today.

at: The time: every entry that is not later counts; null for all that is
  recorded.
app_id: Set of books.
prefix: Path whose accounts count, it and all below, without a dot at its end;
  null for all accounts.
axis: Whether created_at or event_at says when an entry was; one of: recorded,
  event.

Returns: A row for each account that had been opened by then or had a balance,
  ordered by name, tenant, currency and id.

Errors: NullArgument, InvalidScope, InvalidName (the prefix is empty, cannot
  be seen or is too long), InvalidArgument (there is no such axis).$$;

revoke all on function @extschema@.pgledger_trial_balance from public;
grant execute on function @extschema@.pgledger_trial_balance to pgledger_reader;
