/*
Records one usage event, or raises the error that keeps it out.
Locks: those of pgledger.take_usage and of its caller.
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
set plan_cache_mode = force_generic_plan
set enable_nestloop = off
set enable_mergejoin = off
set jit = off
as $$
declare
  v_taken record;
  v_answer record;
  v_ok boolean;
begin
  v_taken := pgledger.take_usage(
    app_id, array[tenant_id], array[feature_key], array[quantity], array[event_at],
    array[idempotency_key], array[metadata], latest_known_at
  );
  if v_taken.meter_keys[1] is not null then
    status := 'inserted';
    id := pgledger.event_id(v_taken.now, v_taken.first_key + 1);
    perform pgledger.roll_up_usage(
      v_taken.first_key, v_taken.now, v_taken.meter_keys, array[quantity], array[event_at]
    );
    if v_taken.has_values then
      perform pgledger.count_usage_values(
        v_taken.now, v_taken.meter_keys, array[event_at], array[metadata]
      );
    end if;
    return;
  end if;

  select answer.status, answer.id, answer.error, answer.arguments
  into v_answer
  from pgledger.usage_answers(
    app_id, array[tenant_id], array[feature_key], array[quantity], array[event_at],
    array[idempotency_key], array[metadata], v_taken.now, v_taken.latest, v_taken.id_head,
    v_taken.sound_keys, v_taken.meter_keys
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
  status := v_answer.status;
  id := v_answer.id;
end;
$$;

comment on function pgledger.ingest_one_usage is
  'Records one usage event and says what became of it; raises the error that keeps it out.';

revoke all on function pgledger.ingest_one_usage from public;
