/*
What is said of a request that was posted.
*/
create or replace function pgledger.posted_outcome(
  id text,
  created_at timestamptz,
  from_balance numeric,
  to_balance numeric,
  from_version bigint,
  to_version bigint
)
returns @extschema@.pgledger_transfer_outcome
language plpgsql
immutable
parallel safe
as $$
begin
  return row(
    null::bigint, 'posted'::text, id, null::text, null::text, null::text, created_at, from_balance,
    to_balance, from_version, to_version, null::text, null::text
  );
end;
$$;

comment on function pgledger.posted_outcome is 'What became of a request that was posted.';

revoke all on function pgledger.posted_outcome from public;
