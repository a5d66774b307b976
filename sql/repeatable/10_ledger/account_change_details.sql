/*
What a change of an account left, in users' words, with who did it and why.
*/
create or replace function pgledger.account_change_details(change pgledger.account_changes)
returns jsonb
language sql
stable
parallel safe
as $$
  select jsonb_build_object(
    'name', change.to_name,
    'min_balance', change.to_min_balance::text,
    'max_balance', change.to_max_balance::text,
    'status', pgledger.account_status(change.to_status),
    'metadata', change.to_metadata,
    'account_version', change.version,
    'changed_by', change.changed_by,
    'changed_as', change.changed_as,
    'reason', change.reason
  )
$$;

comment on function pgledger.account_change_details is
  'What a change of an account left, as the details of a change.';

revoke all on function pgledger.account_change_details from public;
