/*
What is said of a request for a hold that was made.
*/
create or replace function pgledger.made_hold_outcome(
  id text,
  created_at timestamptz,
  expires_at timestamptz
)
returns @extschema@.pgledger_hold_outcome
language plpgsql
immutable
parallel safe
as $$
begin
  return row(
    null::bigint, 'made'::text, id, null::text, null::text, null::text, null::text, null::text,
    created_at, expires_at, null::timestamptz, 0::numeric, 'pending'::text
  );
end;
$$;

comment on function pgledger.made_hold_outcome is
  'What became of a request for a hold that was made.';

revoke all on function pgledger.made_hold_outcome from public;
