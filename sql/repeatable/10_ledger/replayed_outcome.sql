/*
What is said of a request that was posted before.
*/
create or replace function pgledger.replayed_outcome(
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
    null::bigint, 'replayed'::text, id, null::text, null::text, null::text, created_at,
    from_balance, to_balance, from_version, to_version, null::text, null::text
  );
end;
$$;

comment on function pgledger.replayed_outcome is
  'What became of a request that was posted before.';

revoke all on function pgledger.replayed_outcome from public;
