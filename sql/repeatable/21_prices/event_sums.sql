/*
What a price that asks something for each event is computed from, of events in the order of their
times: how many are charged, how much they come to, and by how much their charges are raised to what
an event costs at least, and cut to what one costs at most.
*/
create or replace function pgledger.event_sums(
  price jsonb,
  quantities numeric[],
  out events numeric,
  out quantity numeric,
  out raised numeric,
  out cut numeric
)
language sql
immutable
parallel safe
as $$
  select
    count(*), coalesce(sum(event.quantity), 0), coalesce(sum(excess.below), 0),
    coalesce(sum(excess.above), 0)
  from pgledger.event_price(price) as terms
  cross join unnest(quantities) with ordinality as event (quantity, place)
  cross join lateral pgledger.event_excess(
    event.quantity, terms.rate, terms.fee, terms.event_minimum, terms.event_maximum
  ) as excess
  where event.place > terms.free_events
$$;

comment on function pgledger.event_sums is
  'What a price that asks something for each event is computed from, of those events.';

revoke all on function pgledger.event_sums from public;
