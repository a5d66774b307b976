/*
Whether a request for a hold is wrong by itself: what the checks of a single one raise for it, as an
outcome, or a row of nulls.
*/
create or replace function pgledger.hold_request_failure(
  from_account_id text,
  to_account_id text,
  amount numeric,
  expires_at timestamptz,
  event_at timestamptz,
  metadata jsonb,
  id text,
  allow_future_event_at boolean,
  idempotency_key text
)
returns @extschema@.pgledger_hold_outcome
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_message text;
  v_detail text;
  v_hint text;
  v_ok boolean;
begin
  v_ok := pgledger.check_hold_request(
    from_account_id, to_account_id, amount, expires_at, null, event_at, metadata, id,
    allow_future_event_at
  );
  v_ok := pgledger.check_key(idempotency_key);
  return null;
exception
  when others then
    if sqlstate not like 'LG%' then
      raise;
    end if;
    get stacked diagnostics
      v_message = message_text, v_detail = pg_exception_detail, v_hint = pg_exception_hint;
    return pgledger.failed_hold_outcome(sqlstate, v_message, v_detail, v_hint);
end;
$$;

comment on function pgledger.hold_request_failure is
  'What a request for a hold is refused for by itself, or nulls.';

revoke all on function pgledger.hold_request_failure from public;
