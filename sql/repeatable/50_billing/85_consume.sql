/*
Records usage if the limit allows it. Whoever consumes of a meter takes turns with all others who
do, from the second look at the limit until the end of the transaction; who is refused at the first
look waits for nobody. Reports of usage do not take turns, except those of a seat's level, which
would otherwise be overwritten.

Null status: refused.
Locks: the meter, then those of pgledger.ingest_usage.
Errors: those of pgledger.entitlement and pgledger.ingest_one_usage.
*/
create or replace function pgledger.consume(
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
begin
  for v_look in 1..2 loop
    v_entitlement := pgledger.entitlement(app_id, tenant_id, feature_key);
    if not (
      select answer.allowed
      from pgledger.allowance(
        feature_key, v_entitlement.used, v_entitlement.quota, v_entitlement.soft_limit,
        v_entitlement.reason, quantity
      ) as answer
    ) then
      return;
    end if;
    if v_look = 1 then
      perform pgledger.open_meters(
        app_id, array[tenant_id], array[tenant_id], array[feature_key]
      );
      -- Changed, and not only locked, so that it is seen at every isolation level.
      update pgledger.meters
      set turn = meters.turn + 1
      where meters.app_id = consume.app_id
        and meters.tenant_id = consume.tenant_id
        and meters.feature_key = consume.feature_key;
    end if;
  end loop;
  select recorded.status, recorded.id
  into consume.status, consume.id
  from pgledger.ingest_one_usage(
    app_id,
    tenant_id,
    feature_key,
    case when v_entitlement.type = 'seat' then v_entitlement.used + quantity else quantity end,
    -- The level of the moment is that of the latest event, whose clock may have been ahead.
    case
      when v_entitlement.type = 'seat' then (
        select greatest(max(usage_rollups.latest_at), pgledger.clock())
        from pgledger.meters
        inner join pgledger.usage_rollups on meters.key = usage_rollups.meter_key
        where meters.app_id = consume.app_id
          and meters.tenant_id = consume.tenant_id
          and meters.feature_key = consume.feature_key
          and usage_rollups.span = 1
      )
    end,
    idempotency_key,
    metadata
  ) as recorded;
end;
$$;

comment on function pgledger.consume is
  'Records usage if the limit allows it, so that nobody comes between check and record.';

revoke all on function pgledger.consume from public;
