/*
What a price asks for events beside its part of their quantities, a row for each kind of it: the
fee, what charges are raised by, and what they are cut by.
*/
create or replace function pgledger.event_price_parts(
  price jsonb,
  events numeric,
  raised numeric,
  cut numeric
)
returns table (
  description text,
  quantity numeric,
  unit_amount numeric,
  amount numeric
)
language sql
immutable
parallel safe
rows 3
as $$
  select
    part.description, part.quantity, part.unit_amount,
    coalesce(part.amount, part.quantity * part.unit_amount)
  from (
    values
    (
      1, 'for each event', events, (price ->> 'event_fee')::numeric, null::numeric
    ),
    (
      2, 'at least ' || trim_scale((price ->> 'event_minimum')::numeric)::text || ' for each event',
      null, null, nullif(raised, 0)
    ),
    (
      3, 'at most ' || trim_scale((price ->> 'event_maximum')::numeric)::text || ' for each event',
      null, null, -nullif(cut, 0)
    )
  ) as part (place, description, quantity, unit_amount, amount)
  where num_nonnulls(part.unit_amount, part.amount) > 0
  order by part.place
$$;

comment on function pgledger.event_price_parts is
  'What a price asks for events beside its part of their quantities.';

revoke all on function pgledger.event_price_parts from public;
