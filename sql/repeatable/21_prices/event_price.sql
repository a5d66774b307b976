/*
What a price asks for each event, as numbers; is_by_event says whether it asks anything of the kind,
and reads_events whether for that each event has to be looked at.
*/
create or replace function pgledger.event_price(
  price jsonb,
  out rate numeric,
  out fee numeric,
  out event_minimum numeric,
  out event_maximum numeric,
  out free_events bigint,
  out is_by_event boolean,
  out reads_events boolean
)
language sql
immutable
parallel safe
as $$
  select
    (price ->> 'percentage')::numeric * 0.01,
    coalesce((price ->> 'event_fee')::numeric, 0),
    (price ->> 'event_minimum')::numeric,
    (price ->> 'event_maximum')::numeric,
    coalesce((price ->> 'free_events')::bigint, 0),
    num_nonnulls(
      price ->> 'event_fee', price ->> 'event_minimum', price ->> 'event_maximum',
      price ->> 'free_events'
    ) > 0,
    num_nonnulls(
      price ->> 'event_minimum', price ->> 'event_maximum', price ->> 'free_events'
    ) > 0
$$;

comment on function pgledger.event_price is
  'What a price asks for each event, as numbers, and whether it asks anything of the kind.';

revoke all on function pgledger.event_price from public;
