/*
The id of the usage event that an idempotency key names among a tenant's events of a feature, or
null if there is none. The event has to be what the call asks for: of that quantity, and of that
time if one is given; was_consumed says that the quantity of a seat is how many were added. That is
the step from the level before, which the events themselves tell, until they are purged or
corrected; then it is not compared.
Errors: IdempotencyConflict.
*/
create or replace function pgledger.event_of_key(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric,
  event_at timestamptz,
  idempotency_key text,
  was_consumed boolean
)
returns text
language plpgsql
stable
parallel safe
as $$
declare
  v_event record;
  v_recorded numeric;
  v_ok boolean;
begin
  select
    usage_events.key, usage_events.event_at, usage_events.created_at, usage_events.quantity,
    usage_events.meter_key, meters.type, corrected.quantity as reported
  into v_event
  from pgledger.meters
  inner join pgledger.usage_events on meters.key = usage_events.meter_key
  left join lateral (
    select usage_corrections.quantity
    from pgledger.usage_corrections
    where usage_corrections.meter_key = usage_events.meter_key
      and usage_corrections.event_at = usage_events.event_at
      and usage_corrections.event_key = usage_events.key
    order by usage_corrections.version
    limit 1
  ) as corrected on true
  where meters.app_id = event_of_key.app_id
    and meters.tenant_id = event_of_key.tenant_id
    and meters.feature_key = event_of_key.feature_key
    and usage_events.idempotency_key = event_of_key.idempotency_key;
  if not found then
    return null;
  end if;

  v_recorded := case
    when v_event.type = 'seat' and was_consumed then pgledger.seats_added(
      v_event.meter_key, v_event.event_at, v_event.created_at, v_event.key, v_event.quantity
    )
    when v_event.reported is null or v_event.quantity = event_of_key.quantity
      then v_event.quantity
    else v_event.reported
  end;
  v_ok := pgledger.check_repeated(
    quote_literal(pgledger.abridged(idempotency_key)),
    jsonb_build_object(
      'app_id', app_id,
      'quantity', case when v_recorded is not null then trim_scale(event_of_key.quantity) end,
      'event_at', coalesce(event_of_key.event_at, v_event.event_at)
    ),
    jsonb_build_object(
      'app_id', app_id, 'quantity', trim_scale(v_recorded), 'event_at', v_event.event_at
    ),
    'idempotency_key'
  );
  return pgledger.event_id(v_event.created_at, v_event.key);
end;
$$;

comment on function pgledger.event_of_key is
  'Id of the usage event that an idempotency key names, or null; raises if it was for something '
  'else.';

revoke all on function pgledger.event_of_key from public;
