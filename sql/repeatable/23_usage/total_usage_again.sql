/*
Puts right the totals of the day and the hour of a usage event whose quantity has changed by step,
or which was removed and said quantity, if step is null; and of the parts of the hour, if it has
been divided. Sums change by that. What is highest and latest is found among the events of the
smallest part, and then among the parts of each that is larger. What holds fewer events now than
pgledger.most_undivided_usage says is not divided any more.

Who records usage adds it to these totals before it adds its values, so holding the totals keeps the
two apart.

Locks: the roll-ups, the day before the hour, then the parts of the hour; values.
*/
create or replace function pgledger.total_usage_again(
  meter_key integer,
  event_at timestamptz,
  step numeric,
  quantity numeric
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_origin constant timestamptz := timestamptz '2000-01-01 00:00:00+00';
  v_day timestamptz := date_bin('24 hours', event_at, v_origin);
  v_hour timestamptz := date_bin('1 hour', event_at, v_origin);
  v_part record;
begin
  perform
  from pgledger.usage_rollups
  where usage_rollups.meter_key = total_usage_again.meter_key
    and (usage_rollups.span, usage_rollups.starts_at) in ((1, v_day), (2, v_hour))
  order by usage_rollups.span
  for no key update;
  update pgledger.usage_rollups
  set
    events = usage_rollups.events - case when step is null then 1 else 0 end,
    quantity = usage_rollups.quantity + coalesce(step, -total_usage_again.quantity)
  from generate_series(1, 12) as part (span)
  where usage_rollups.meter_key = total_usage_again.meter_key
    and usage_rollups.span = part.span
    and usage_rollups.starts_at
    = date_bin(pgledger.usage_part_length(part.span), event_at, v_origin);
  for v_part in
    select usage_rollups.span, usage_rollups.starts_at, usage_rollups.events
    from generate_series(1, 12) as part (span)
    inner join pgledger.usage_rollups
      on part.span = usage_rollups.span
      and usage_rollups.starts_at
      = date_bin(pgledger.usage_part_length(part.span), event_at, v_origin)
    where usage_rollups.meter_key = total_usage_again.meter_key
    order by usage_rollups.span desc
  loop
    if v_part.span > 1 and v_part.events < pgledger.most_undivided_usage() then
      delete from pgledger.usage_rollups
      where usage_rollups.meter_key = total_usage_again.meter_key
        and usage_rollups.span between v_part.span + 1 and 12
        and usage_rollups.starts_at >= v_part.starts_at
        and usage_rollups.starts_at
        < v_part.starts_at + pgledger.usage_part_length(v_part.span);
    end if;
    perform pgledger.total_part_again(meter_key, v_part.span, v_part.starts_at);
  end loop;
  if step is null then
    perform pgledger.forget_usage_values(meter_key, v_hour, v_day);
  end if;
end;
$$;

comment on function pgledger.total_usage_again is
  'Puts right the totals of a usage event that has been corrected or removed.';

revoke all on function pgledger.total_usage_again from public;
