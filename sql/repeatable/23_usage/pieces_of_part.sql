/*
The pieces, as in pgledger.usage_pieces, of a range within a part of an hour of a meter's usage, or
within the hour itself; the part holds so many events. One with few events is read event by event.
One with many has been divided: then it comes to whole parts of the next span, and to pieces of the
two of them that the range splits.

If events of a part that is read one by one were purged, nobody knows what was before the edge and
what after: all of it then counts after it, for whatever range. So ranges that meet still add up,
and nothing counts twice.
*/
create or replace function pgledger.pieces_of_part(
  meter_key integer,
  part_span integer,
  part_events bigint,
  purged_before timestamptz,
  starts_at timestamptz,
  ends_at timestamptz,
  finest integer
)
returns table (span integer, since timestamptz, until timestamptz)
language plpgsql
stable
parallel safe
rows 5
as $$
declare
  v_origin constant timestamptz := timestamptz '2000-01-01 00:00:00+00';
  v_start timestamptz := date_bin(pgledger.usage_part_length(part_span), starts_at, v_origin);
  v_end timestamptz := v_start + pgledger.usage_part_length(part_span);
  v_length interval := pgledger.usage_part_length(part_span + 1);
  v_first timestamptz;
  v_last timestamptz;
begin
  if part_span < finest and part_events >= pgledger.most_undivided_usage()
    and pgledger.usage_is_divided(meter_key, part_span, v_start)
  then
    v_first := date_bin(v_length, starts_at - interval '1 microsecond', v_origin) + v_length;
    v_last := date_bin(v_length, ends_at, v_origin);
    return query
    select part_span + 1, v_first, v_last
    where v_first < v_last;
    return query
    select piece.span, piece.since, piece.until
    from (
      values
        (pieces_of_part.starts_at, least(v_first, pieces_of_part.ends_at)),
        (case when v_first <= v_last then v_last end, pieces_of_part.ends_at)
    ) as edge (since, until)
    inner join pgledger.usage_rollups
      on usage_rollups.meter_key = pieces_of_part.meter_key
      and usage_rollups.span = part_span + 1
      and usage_rollups.starts_at = date_bin(v_length, edge.since, v_origin)
    cross join lateral pgledger.pieces_of_part(
      usage_rollups.meter_key, part_span + 1, usage_rollups.events, purged_before, edge.since,
      edge.until, finest
    ) as piece
    where edge.since < edge.until;
    return;
  end if;

  if v_start < purged_before and part_events > (
    select count(usage_events.quantity)
    from pgledger.usage_events
    where usage_events.meter_key = pieces_of_part.meter_key
      and usage_events.event_at >= v_start
      and usage_events.event_at < v_end
  ) then
    return query
    select part_span, v_start, v_end
    where ends_at = v_end;
    return;
  end if;

  span := 0;
  since := starts_at;
  until := ends_at;
  return next;
end;
$$;

comment on function pgledger.pieces_of_part is
  'The ranges of roll-ups and events of a range within a part of an hour of a meter''s usage.';

revoke all on function pgledger.pieces_of_part from public;
