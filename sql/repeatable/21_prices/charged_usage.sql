/*
What usage is charged for by a price, as pgledger.price_lines takes it: what is beyond the
allowance; or, where quantities of events are given, these as pgledger.event_sums adds them up.
*/
create or replace function pgledger.charged_usage(
  price jsonb,
  used numeric,
  allowance numeric,
  event_quantities jsonb,
  out quantity numeric,
  out events numeric,
  out raised numeric,
  out cut numeric
)
language sql
immutable
parallel safe
as $$
  select
    case
      when event_quantities is null then trim_scale(greatest(used - allowance, 0))
      else trim_scale(sums.quantity)
    end,
    case when event_quantities is not null then sums.events end,
    sums.raised,
    sums.cut
  from pgledger.event_sums(
    price,
    array(
      select event.value::numeric
      from jsonb_array_elements_text(event_quantities) with ordinality as event (value, place)
      order by event.place
    )
  ) as sums
$$;

comment on function pgledger.charged_usage is
  'What usage is charged for by a price, after an allowance, or as its events add up.';

revoke all on function pgledger.charged_usage from public;
