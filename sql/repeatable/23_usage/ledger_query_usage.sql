/*
Of each feature no more events are read than the page and what comes before it can need.

Checks, in this order: app_id, tenant_id, page_size, page_offset.
*/
create or replace function @extschema@.ledger_query_usage(
  app_id text,
  tenant_id text,
  starts_at timestamptz default null,
  ends_at timestamptz default null,
  feature_key text default null,
  page_size integer default 100,
  page_offset bigint default 0
)
returns setof @extschema@.ledger_usage_event
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_billing_scope(app_id, tenant_id);
  v_ok := pgledger.check_page(page_size, page_offset);
  return query
  select
    pgledger.event_id(event.created_at, event.key),
    event.app_id, event.tenant_id, event.feature_key, event.quantity, event.event_at,
    event.idempotency_key, event.metadata, event.created_at
  from (
    select
      found.key, found.created_at, meters.app_id, meters.tenant_id, meters.feature_key,
      found.quantity, found.event_at, found.idempotency_key, found.metadata
    from pgledger.meters
    -- Of each feature no more than the page can need, out of the index in its order.
    cross join lateral (
      select
        usage_events.key, usage_events.created_at, usage_events.quantity, usage_events.event_at,
        usage_events.idempotency_key, usage_events.metadata
      from pgledger.usage_events
      where usage_events.meter_key = meters.key
        and usage_events.event_at >= coalesce(ledger_query_usage.starts_at, '-infinity')
        and usage_events.event_at < coalesce(ledger_query_usage.ends_at, 'infinity')
        and usage_events.quantity is not null
      order by usage_events.event_at, usage_events.key
      limit least(page_offset, 9223372036854775807 - page_size) + page_size
    ) as found
    where meters.app_id = ledger_query_usage.app_id
      and meters.tenant_id = ledger_query_usage.tenant_id
      and meters.feature_key = coalesce(ledger_query_usage.feature_key, meters.feature_key)
    order by found.event_at, found.key
    limit page_size
    offset page_offset
  ) as event
  order by event.event_at, event.key;
end;
$$;

comment on function @extschema@.ledger_query_usage is
$$Returns a page of a tenant's usage events, the earliest first.

To go through many, ask from the event_at of the last one on, and leave
page_offset small: what is left out is read too.

app_id: App.
tenant_id: Tenant that used something.
starts_at: From when on, inclusive; null for the beginning.
ends_at: Until when, exclusive; null for the end.
feature_key: Key of the feature; null for all features.
page_size: How many at most, 1 to 10,000.
page_offset: How many to leave out before them.

Returns: Events in the order in which they happened; those of one time as they
  were recorded.

Errors: NullArgument, InvalidScope, InvalidPage.$$;

revoke all on function @extschema@.ledger_query_usage from public;
grant execute on function @extschema@.ledger_query_usage to pgledger_reader;
