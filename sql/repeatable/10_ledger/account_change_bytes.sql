/*
A change of an account, as seals have it, in version 1 of the form.
*/
create or replace function pgledger.account_change_bytes(change pgledger.account_changes)
returns bytea
language sql
stable
parallel safe
as $$
  select record_send(
    row(
      2, change.account_key, change.number, change.changed_at, change.version,
      change.from_status, change.to_status, convert_to(change.change, 'UTF8'),
      change.from_min_balance, change.to_min_balance, change.from_max_balance,
      change.to_max_balance, convert_to(change.from_name, 'UTF8'),
      convert_to(change.to_name, 'UTF8'), convert_to(change.from_metadata::text, 'UTF8'),
      convert_to(change.to_metadata::text, 'UTF8'), convert_to(change.changed_by, 'UTF8'),
      convert_to(change.changed_as, 'UTF8'), convert_to(change.reason, 'UTF8')
    )
  )
$$;

comment on function pgledger.account_change_bytes is
  'A change of an account, as seals have it.';

revoke all on function pgledger.account_change_bytes from public;
