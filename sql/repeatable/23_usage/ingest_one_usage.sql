/*
Records one usage event, or raises the error that keeps it out.
Locks: those of pgledger.ingest_usage.
*/
create or replace function pgledger.ingest_one_usage(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric,
  event_at timestamptz,
  idempotency_key text,
  metadata jsonb,
  latest_known_at timestamptz default null,
  out status text,
  out id text
)
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_answer record;
  v_ok boolean;
begin
  select answer.status, answer.id, answer.error, answer.arguments
  into v_answer
  from pgledger.ingest_usage(
    app_id, array[tenant_id], array[feature_key], array[quantity], array[event_at],
    array[idempotency_key], array[metadata], latest_known_at
  ) as answer;
  if v_answer.error = 'IdempotencyConflict' then
    -- It says in what the two differ.
    ingest_one_usage.id := pgledger.event_of_key(
      app_id, tenant_id, feature_key, quantity, event_at, idempotency_key, was_consumed => false
    );
  end if;
  if v_answer.error is not null then
    v_ok := pgledger.fail(v_answer.error, v_answer.arguments);
  end if;
  ingest_one_usage.status := v_answer.status;
  ingest_one_usage.id := v_answer.id;
end;
$$;

comment on function pgledger.ingest_one_usage is
  'Records one usage event and says what became of it; raises the error that keeps it out.';

revoke all on function pgledger.ingest_one_usage from public;
