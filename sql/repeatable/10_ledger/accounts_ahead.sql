/*
The accounts that are ahead of the clock by more than a span, of one app or of all, with what
accepted their times, if anything did. No index holds the newest time of an account, because every
transfer changes it: this reads all accounts.
*/
create or replace function pgledger.accounts_ahead(app_id text)
returns setof @extschema@.pgledger_account_ahead
language sql
stable
parallel safe
as $$
  select
    accounts.id, accounts.name, accounts.app_id, accounts.tenant_id, accounts.updated_at,
    clock.now, accepted.accepted_at, accepted.accepted_by, accepted.reason
  from (
    select pgledger.clock() as now, pgledger.clock_warning() as warn_after
    offset 0
  ) as clock
  inner join pgledger.accounts on accounts.updated_at > clock.now + clock.warn_after
  left join lateral pgledger.accepted_time(accounts.key, accounts.updated_at) as accepted on true
  where accounts_ahead.app_id is null or accounts.app_id = accounts_ahead.app_id
$$;

comment on function pgledger.accounts_ahead is
  'Accounts that are ahead of the clock, of that app or of all, and what accepted their times.';

revoke all on function pgledger.accounts_ahead from public;
