/*
The pieces that a range of a meter's usage is added up from. Each event is in exactly one of them,
and few rows are read, however long the range is and whatever it holds. A piece is a range of
roll-ups of one span, or of events, where the span is 0: whole UTC days; whole UTC hours of the days
that the range splits; and what pgledger.pieces_of_part says of the two hours that it splits. An
infinite end splits no hour. Where an hour or a day has no roll-up, nothing was used in it.

finest is the smallest span of which there are totals.
*/
create or replace function pgledger.usage_pieces(
  meter_key integer,
  starts_at timestamptz,
  ends_at timestamptz,
  finest integer default 12
)
returns table (span integer, since timestamptz, until timestamptz)
language plpgsql
stable
parallel safe
rows 5
as $$
declare
  v_origin constant timestamptz := timestamptz '2000-01-01 00:00:00+00';
  v_microsecond constant interval := interval '1 microsecond';
  v_hour constant interval := interval '1 hour';
  v_first_hour timestamptz := date_bin('1 hour', starts_at - v_microsecond, v_origin) + v_hour;
  v_last_hour timestamptz := date_bin('1 hour', ends_at, v_origin);
  v_first_day timestamptz :=
    date_bin('24 hours', v_first_hour - v_microsecond, v_origin) + interval '24 hours';
  v_last_day timestamptz := date_bin('24 hours', v_last_hour, v_origin);
  v_edge record;
begin
  if v_first_day < v_last_day then
    span := 1;
    since := v_first_day;
    until := v_last_day;
    return next;
  end if;
  span := 2;
  since := v_first_hour;
  until := least(v_first_day, v_last_hour);
  if since < until then
    return next;
  end if;
  if v_last_day < v_last_hour and v_first_day <= v_last_day then
    since := v_last_day;
    until := v_last_hour;
    return next;
  end if;

  if starts_at < v_first_hour or v_last_hour < ends_at then
    select
      tenants.purged_before,
      case
        when usage_pieces.starts_at < v_first_hour then (
          select usage_rollups.events
          from pgledger.usage_rollups
          where usage_rollups.meter_key = usage_pieces.meter_key
            and usage_rollups.span = 2
            and usage_rollups.starts_at = v_first_hour - v_hour
        )
      end as first_events,
      case
        when v_last_hour < usage_pieces.ends_at and v_first_hour <= v_last_hour then (
          select usage_rollups.events
          from pgledger.usage_rollups
          where usage_rollups.meter_key = usage_pieces.meter_key
            and usage_rollups.span = 2
            and usage_rollups.starts_at = v_last_hour
        )
      end as last_events
    into v_edge
    from pgledger.meters
    inner join pgledger.tenants on meters.tenant_key = tenants.key
    where meters.key = usage_pieces.meter_key;
    if v_edge.first_events > 0 then
      return query
      select piece.span, piece.since, piece.until
      from pgledger.pieces_of_part(
        meter_key, 2, v_edge.first_events, v_edge.purged_before, starts_at,
        least(v_first_hour, ends_at), finest
      ) as piece;
    end if;
    if v_edge.last_events > 0 then
      return query
      select piece.span, piece.since, piece.until
      from pgledger.pieces_of_part(
        meter_key, 2, v_edge.last_events, v_edge.purged_before, v_last_hour, ends_at, finest
      ) as piece;
    end if;
  end if;
end;
$$;

comment on function pgledger.usage_pieces is
  'The ranges of roll-ups and events that a range of a meter''s usage is added up from.';

revoke all on function pgledger.usage_pieces from public;
