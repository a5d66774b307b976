/*
Says why a usage event cannot be taken: the name of the first error that applies, and the arguments
of its message. It is called for an event that was found wrong, and has no meter if nothing of its
feature was recorded before. If nothing is wrong with it any more, 40001 is raised, so that the
transaction is run again.

One body, though long: it is called for each event that is rejected.
Errors: serialization_failure.
*/
create or replace function pgledger.usage_fault(
  app_id text,
  tenant_id text,
  feature_key text,
  quantity numeric,
  event_at timestamptz,
  idempotency_key text,
  metadata jsonb,
  now timestamptz,
  latest timestamptz,
  out error text,
  out arguments text[]
)
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text;
  v_meter record;
  v_feature pgledger.features;
  v_purged_before timestamptz;
begin
  select meters.key, meters.unique_key
  into v_meter
  from pgledger.meters
  where meters.app_id = usage_fault.app_id
    and meters.tenant_id = usage_fault.tenant_id
    and meters.feature_key = usage_fault.feature_key;
  if v_meter.key is null then
    v_feature := pgledger.find_feature(app_id, feature_key, tenant_id);
    v_meter.unique_key := v_feature.unique_key;
  end if;
  select tenants.purged_before
  into v_purged_before
  from pgledger.tenants
  where tenants.app_id = usage_fault.app_id and tenants.tenant_id = usage_fault.tenant_id;
  if tenant_id is null or feature_key is null or quantity is null then
    error := 'NullArgument';
    arguments := array[
      case
        when tenant_id is null then 'tenant_id'
        when feature_key is null then 'feature_key'
        else 'quantity'
      end
    ];
  elsif pgledger.text_fault(tenant_id, 1, 128, false) is not null then
    error := 'InvalidScope';
    arguments := array[
      'tenant_id', quote_literal(pgledger.abridged(tenant_id)),
      pgledger.text_fault(tenant_id, 1, 128, false)
    ];
  elsif v_meter.key is null and v_feature.type = 'boolean' then
    error := 'InvalidArgument';
    arguments := array[
      'feature_key', quote_literal(pgledger.abridged(feature_key)),
      'the feature is on or off, and its usage is not metered'
    ];
  elsif v_meter.key is null and v_feature.type is null then
    error := 'FeatureNotFound';
    arguments := array[quote_literal(pgledger.abridged(feature_key)), pgledger.in_app(app_id)];
  elsif pgledger.quantity_fault(quantity) is not null then
    error := 'InvalidQuantity';
    arguments := array[
      'quantity', pgledger.abridged(quantity::text), pgledger.quantity_fault(quantity)
    ];
  elsif not isfinite(event_at) or event_at < timestamptz 'epoch' then
    error := 'InvalidTime';
    arguments := array[
      'event_at', event_at::text,
      case when isfinite(event_at) then 'it is before the year 1970' else 'it is not finite' end
    ];
  elsif event_at > latest then
    error := 'UsageInFuture';
    arguments := array[event_at::text, (latest - now)::text, now::text];
  elsif event_at < v_purged_before then
    error := 'UsagePurged';
    arguments := array['event_at', event_at::text, v_purged_before::text];
  elsif char_length(idempotency_key) not between 1 and 255 then
    error := 'InvalidArgument';
    arguments := array[
      'idempotency_key', quote_literal(pgledger.abridged(idempotency_key)),
      pgledger.text_fault(idempotency_key, 1, 255, true)
    ];
  else
    v_fault := pgledger.metadata_fault(metadata);
    if v_fault is null and v_meter.unique_key is not null
      and char_length(pgledger.counted_value(metadata, v_meter.unique_key)) between 1 and 255
      is not true
    then
      v_fault := format(
        'its member %s, whose values are counted, does not have 1 to 255 characters',
        quote_literal(v_meter.unique_key)
      );
    end if;
    if v_fault is not null then
      error := 'InvalidMetadata';
      arguments := array[v_fault];
      return;
    end if;
    raise exception using
      errcode = '40001',
      message = 'a usage event that could not be taken has become valid meanwhile',
      hint = 'Run the transaction again.';
  end if;
end;
$$;

comment on function pgledger.usage_fault is
  'Name of the error, and arguments of its message, that keep a usage event from being taken.';

revoke all on function pgledger.usage_fault from public;
