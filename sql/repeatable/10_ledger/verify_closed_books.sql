/*
Checks that what was closed has stayed so.

A transfer that gave event_at and was recorded after a close may not lie in what that close, and
every change since, have kept closed. What a reopening has opened is not judged: a call may have
read its time before, and have been let in after. Nor is a transfer whose time is not later than
everything that the close found: that may have been there. So nothing is reported that may have been
in order.

Transfers and changes of an app are put into one line, by time, so that each transfer sees the
newest close before it. Apps without changes are left out.
*/
create or replace function pgledger.verify_closed_books(app_id text)
returns setof @extschema@.pgledger_check
language sql
stable
parallel safe
as $$
  with closed as materialized (
    select links.app_id, links.kept_until, links.recorded_after
    from pgledger.period_links(verify_closed_books.app_id) as links
  )

  select
    'nothing was recorded in a period after it was closed',
    count(*),
    count(*) filter (where line.event_at < line.kept_until),
    min(line.id) filter (where line.event_at < line.kept_until)
  from (
    select
      item.id, item.event_at,
      max(item.kept_until) over (
        partition by item.app_id order by item.at, item.is_change
        rows unbounded preceding
      ) as kept_until
    from (
      select
        transfers.app_id, transfers.created_at, false, transfers.id, transfers.event_at,
        null::timestamptz
      from pgledger.transfers
      where transfers.event_at is not null
        and transfers.app_id = any(array(select closed.app_id from closed))
      union all
      select closed.app_id, closed.recorded_after, true, null, null, closed.kept_until
      from closed
    ) as item (app_id, at, is_change, id, event_at, kept_until)
  ) as line
  where line.id is not null
$$;

comment on function pgledger.verify_closed_books is
  'Checks that no transfer was recorded in a period after it was closed.';

revoke all on function pgledger.verify_closed_books from public;
