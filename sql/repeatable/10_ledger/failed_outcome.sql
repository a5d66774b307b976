/*
What is said of a request that was refused, from what was raised.
*/
create or replace function pgledger.failed_outcome(
  code text,
  message text,
  detail text,
  hint text
)
returns @extschema@.pgledger_transfer_outcome
language plpgsql
stable
parallel safe
as $$
declare
  v_name text;
begin
  select registry.name
  into v_name
  from pgledger.error_registry() as registry
  where registry.code = failed_outcome.code;

  return row(
    null::bigint, 'failed'::text, null::text, code, v_name, message, null::timestamptz,
    null::numeric, null::numeric, null::bigint, null::bigint, nullif(detail, ''), nullif(hint, '')
  );
end;
$$;

comment on function pgledger.failed_outcome is 'What became of a request that was refused.';

revoke all on function pgledger.failed_outcome from public;
