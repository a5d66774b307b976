/*
Whether a request is wrong by itself: what the checks of a single transfer raise for it, as an
outcome, or a row of nulls.
*/
create or replace function pgledger.request_failure(
  from_account_id text,
  to_account_id text,
  amount numeric,
  event_at timestamptz,
  metadata jsonb,
  id text,
  allow_future_event_at boolean,
  require_from_version bigint,
  require_to_version bigint,
  require_from_balance numrange,
  require_to_balance numrange,
  idempotency_key text
)
returns @extschema@.pgledger_transfer_outcome
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
  v_ok := pgledger.check_transfer_request(
    from_account_id, to_account_id, amount, event_at, metadata, id, allow_future_event_at
  );
  v_ok := pgledger.check_asked_conditions(
    require_from_version, require_to_version, require_from_balance, require_to_balance
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
    return pgledger.failed_outcome(sqlstate, v_message, v_detail, v_hint);
end;
$$;

comment on function pgledger.request_failure is
  'What a request is refused for by itself, or nulls.';

revoke all on function pgledger.request_failure from public;
