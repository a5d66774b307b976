/*
Checks that no account is ahead of the clock, unless its time was accepted.
*/
create or replace function pgledger.verify_times(app_id text)
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
as $$
  select
    'accounts are not ahead of the clock, unless that was accepted',
    (
      select count(*)
      from pgledger.accounts
      where verify_times.app_id is null or accounts.app_id = verify_times.app_id
    ),
    count(*),
    min(
      format(
        '%s was last changed at %s, and the clock says %s',
        ahead.account_id, ahead.newest_at, ahead.clock_at
      )
    )
  from pgledger.accounts_ahead(verify_times.app_id) as ahead
  where ahead.accepted_at is null
$$;

comment on function pgledger.verify_times is
  'Checks that no account is ahead of the clock, unless its time was accepted.';

revoke all on function pgledger.verify_times from public;
