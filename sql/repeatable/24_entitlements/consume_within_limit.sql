/*
Records usage if the limit allows what it then comes to; a null status says that it does not.

The limit is looked at twice. Who is refused at the first look waits for nobody. Before the second,
the meter is locked: consumers of a meter are serialized from there to the end of the transaction.
Reports of usage are not, except those of a seat's level, which consumers would overwrite.

Locks: the meter, then those of pgledger.take_usage and of its caller.
Errors: those of pgledger.entitlement and pgledger.ingest_one_usage.
*/
create or replace function pgledger.consume_within_limit(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric,
  idempotency_key text,
  metadata jsonb,
  out status text,
  out id text
)
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_entitlement record;
  v_addition numeric;
  v_seat_at timestamptz;
begin
  for v_look in 1..2 loop
    v_entitlement := pgledger.entitlement(app_id, tenant_id, feature_key);
    v_addition := case
      when v_entitlement.type = 'seat' then quantity
      when v_entitlement.aggregation = 'count' then 1
      when v_entitlement.aggregation = 'max' then greatest(quantity - v_entitlement.used, 0)
      when v_entitlement.aggregation = 'latest' then quantity - v_entitlement.used
      when v_entitlement.aggregation = 'unique_count'
        then pgledger.unique_usage_added(
          app_id, tenant_id, feature_key, metadata, v_entitlement.starts_at, v_entitlement.ends_at
        )
      else quantity
    end;
    if not (
      select answer.allowed
      from pgledger.entitlement_answer(
        feature_key, v_entitlement.used, v_entitlement.quota, v_entitlement.soft_limit,
        v_entitlement.reason, v_addition
      ) as answer
    ) then
      return;
    end if;
    if v_look = 1 then
      perform pgledger.open_meters(
        app_id, array[tenant_id], array[feature_key], null, array[metadata], '{1}',
        pgledger.clock()
      );
      -- Changed, not only locked: above read committed, whoever waited has to start again.
      update pgledger.meters
      set turn = meters.turn + 1
      where meters.app_id = consume_within_limit.app_id
        and meters.tenant_id = consume_within_limit.tenant_id
        and meters.feature_key = consume_within_limit.feature_key;
      -- The same call may have held the meter.
      if pgledger.event_of_key(
        app_id, tenant_id, feature_key, quantity, null, idempotency_key, was_consumed => true
      ) is not null then
        return;
      end if;
    end if;
  end loop;
  if v_entitlement.type = 'seat' then
    v_seat_at := pgledger.time_of_seats(app_id, tenant_id, feature_key);
  end if;
  select recorded.status, recorded.id
  into consume_within_limit.status, consume_within_limit.id
  from pgledger.ingest_one_usage(
    app_id,
    tenant_id,
    feature_key,
    case when v_entitlement.type = 'seat' then v_entitlement.used + quantity else quantity end,
    v_seat_at,
    idempotency_key,
    metadata,
    v_seat_at
  ) as recorded;
end;
$$;

comment on function pgledger.consume_within_limit is
  'Records usage if the limit allows it, so that nobody comes between check and record.';

revoke all on function pgledger.consume_within_limit from public;
