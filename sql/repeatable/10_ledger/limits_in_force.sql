/*
Which limits an account had for which of its entries: one row for each range of versions, of one app
or of all. The ranges of an account do not overlap, and together hold all of its versions. An
account's limits are those that it was created with, so there is one range.

The function stays inlinable, so that its rows go straight to the query that asks for them.
*/
create or replace function pgledger.limits_in_force(app_id text)
returns table (
  key bigint,
  first_version bigint,
  last_version bigint,
  min_balance numeric,
  max_balance numeric
)
language sql
stable
parallel safe
as $$
  select
    accounts.key,
    1::bigint,
    accounts.version,
    accounts.min_balance,
    accounts.max_balance
  from pgledger.accounts
  where limits_in_force.app_id is null or accounts.app_id = limits_in_force.app_id
$$;

comment on function pgledger.limits_in_force is
  'Limits of the accounts of that app, or of all where it is null, by ranges of their versions.';

revoke all on function pgledger.limits_in_force from public;
