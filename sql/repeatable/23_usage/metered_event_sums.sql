/*
What pgledger.event_sums answers, of a meter's events in [starts_at, ends_at). They are read one by
one, so they must not have been purged.
*/
create or replace function pgledger.metered_event_sums(
  price jsonb,
  meter_key integer,
  starts_at timestamptz,
  ends_at timestamptz,
  out events numeric,
  out quantity numeric,
  out raised numeric,
  out cut numeric
)
language plpgsql
stable
parallel safe
as $$
declare
  v_terms record := pgledger.event_price(price);
begin
  select
    count(*), coalesce(sum(event.quantity), 0), coalesce(sum(excess.below), 0),
    coalesce(sum(excess.above), 0)
  into
    metered_event_sums.events, metered_event_sums.quantity, metered_event_sums.raised,
    metered_event_sums.cut
  from (
    select usage_events.quantity
    from pgledger.usage_events
    where usage_events.meter_key = metered_event_sums.meter_key
      and usage_events.event_at >= metered_event_sums.starts_at
      and usage_events.event_at < metered_event_sums.ends_at
      -- A removed event has none.
      and usage_events.quantity is not null
    order by usage_events.event_at, usage_events.key
    offset v_terms.free_events
  ) as event
  cross join lateral pgledger.event_excess(
    event.quantity, v_terms.rate, v_terms.fee, v_terms.event_minimum, v_terms.event_maximum
  ) as excess;
end;
$$;

comment on function pgledger.metered_event_sums is
  'What a price that asks something for each event is computed from, of a meter''s events.';

revoke all on function pgledger.metered_event_sums from public;
