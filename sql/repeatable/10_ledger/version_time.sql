/*
When the entry of a version of an account was recorded; null for the version 0. Versions have no
gap, so that is one look-up, in one of two indexes.
*/
create or replace function pgledger.version_time(account_key bigint, version bigint)
returns timestamptz
language sql
stable
parallel safe
as $$
  select transfers.created_at
  from pgledger.transfers
  where transfers.from_key = version_time.account_key
    and transfers.from_version = version_time.version
  union all
  select transfers.created_at
  from pgledger.transfers
  where transfers.to_key = version_time.account_key
    and transfers.to_version = version_time.version
  limit 1
$$;

comment on function pgledger.version_time is
  'When the entry of that version of an account was recorded.';

revoke all on function pgledger.version_time from public;
