/*
Each change of closed periods, beside the one before it: the rows that verification counts. Where
something that is compared is missing, the answer is null.

kept_until says up to where the close still stands: the least of what it and every change since left
closed. recorded_after is later than all that gave event_at and came before the change, even where a
clock was ahead.
*/
create or replace function pgledger.period_links(app_id text)
returns table (
  app_id text,
  label text,
  has_no_gap boolean,
  follows boolean,
  is_possible boolean,
  is_newest boolean,
  to_until timestamptz,
  kept_until timestamptz,
  recorded_after timestamptz
)
language sql
stable
parallel safe
as $$
  select
    period_changes.app_id,
    format('app %L change %s', period_changes.app_id, period_changes.number) as label,
    period_changes.number = coalesce(lag(period_changes.number) over along, 0) + 1 as has_no_gap,
    period_changes.from_until is not distinct from lag(period_changes.to_until) over along
    and period_changes.changed_at
    > coalesce(lag(period_changes.changed_at) over along, '-infinity') as follows,
    case period_changes.change
      when 'close'
        then period_changes.to_until > coalesce(period_changes.from_until, '-infinity')
          and period_changes.to_until <= period_changes.changed_at - interval '1 minute'
      else coalesce(period_changes.to_until, '-infinity') < period_changes.from_until
    end as is_possible,
    lead(period_changes.number) over along is null as is_newest,
    period_changes.to_until,
    min(coalesce(period_changes.to_until, '-infinity')) over (
      partition by period_changes.app_id order by period_changes.number desc
    ) as kept_until,
    greatest(period_changes.changed_at, period_changes.newest_at) as recorded_after
  from pgledger.period_changes
  where period_links.app_id is null or period_changes.app_id = period_links.app_id
  window along as (partition by period_changes.app_id order by period_changes.number)
$$;

comment on function pgledger.period_links is
  'Whether each change of closed periods fits the one before it, and what it keeps closed.';

revoke all on function pgledger.period_links from public;
