/*
The accounts that are ahead of the clock, those whose times were accepted among them.

Errors: InvalidScope.
*/
create or replace function @extschema@.pgledger_accounts_ahead(app_id text default null)
returns setof @extschema@.pgledger_account_ahead
language sql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
  select pgledger.check_scope('app_id', pgledger_accounts_ahead.app_id)
  where pgledger_accounts_ahead.app_id is not null;

  select
    ahead.account_id, ahead.account_name, ahead.app_id, ahead.tenant_id, ahead.newest_at,
    ahead.clock_at, ahead.accepted_at, ahead.accepted_by, ahead.reason
  from pgledger.accounts_ahead(pgledger_accounts_ahead.app_id) as ahead
  order by ahead.newest_at desc, ahead.account_id
$$;

comment on function @extschema@.pgledger_accounts_ahead is
$$Lists the accounts whose newest time is ahead of the clock.

Such a time comes from a machine whose clock was wrong, or the clock is wrong
now. Transfers of these accounts give a warning, and more than a day ahead
they are refused, unless pgledger_accept_time has accepted the time. It reads
all accounts.

app_id: Set of books to look at; null for all of them.

Returns: One row for each account, the furthest ahead first; none where all is
  well.

Errors: InvalidScope.$$;

revoke all on function @extschema@.pgledger_accounts_ahead from public;
grant execute on function @extschema@.pgledger_accounts_ahead to pgledger_reader;
