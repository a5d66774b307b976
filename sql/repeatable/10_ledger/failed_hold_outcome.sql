/*
What is said of a request for a hold that was refused, from what was raised.
*/
create or replace function pgledger.failed_hold_outcome(
  code text,
  message text,
  detail text,
  hint text
)
returns @extschema@.pgledger_hold_outcome
language plpgsql
stable
parallel safe
as $$
declare
  v_failed record := pgledger.failed_outcome(code, message, detail, hint);
begin
  return row(
    null::bigint, v_failed.status, null::text, v_failed.error, v_failed.error_name,
    v_failed.reason, v_failed.detail, v_failed.hint, null::timestamptz, null::timestamptz,
    null::timestamptz, null::numeric, null::text
  );
end;
$$;

comment on function pgledger.failed_hold_outcome is
  'What became of a request for a hold that was refused.';

revoke all on function pgledger.failed_hold_outcome from public;
