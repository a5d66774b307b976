/*
How much of what prices are for had been used at the start and at the end of each stay, counted from
one time on; wholes is what was used until another, and events how many events lie in the stays. The
arrays of sinces and untils have an element for each price and, within it, for each stay.

Seats are only counted. For one stay that is all of the time, one look at the meters is enough.
*/
create or replace function pgledger.usage_in_stays(
  prices pgledger.priced_feature[],
  stays pgledger.billing_segment[],
  counted_from timestamptz,
  counted_until timestamptz,
  out sinces numeric[],
  out untils numeric[],
  out wholes numeric[],
  out events numeric[]
)
language plpgsql
stable
parallel safe
as $$
declare
  v_stays integer := cardinality(stays);
  v_prices integer := cardinality(prices);
  v_at record;
begin
  sinces := array_fill(0::numeric, array[v_prices * v_stays]);
  untils := sinces;
  wholes := array_fill(0::numeric, array[v_prices]);
  events := wholes;
  for v_stay in 1 .. v_stays loop
    if stays[v_stay].starts_at > counted_from then
      v_at := pgledger.usage_until(prices, counted_from, stays[v_stay].starts_at);
      for v_place in 1 .. v_prices loop
        sinces[(v_place - 1) * v_stays + v_stay] := v_at.used[v_place];
        events[v_place] := events[v_place] - v_at.events[v_place];
      end loop;
    end if;
    v_at := pgledger.usage_until(prices, counted_from, stays[v_stay].ends_at);
    for v_place in 1 .. v_prices loop
      untils[(v_place - 1) * v_stays + v_stay] := v_at.used[v_place];
      events[v_place] := events[v_place] + v_at.events[v_place];
    end loop;
  end loop;
  if v_stays > 0 and stays[v_stays].ends_at < counted_until then
    v_at := pgledger.usage_until(prices, counted_from, counted_until);
  end if;
  if v_stays > 0 then
    wholes := v_at.used;
  end if;
end;
$$;

comment on function pgledger.usage_in_stays is
  'How much of what prices are for had been used at the start and the end of each stay.';

revoke all on function pgledger.usage_in_stays from public;
