/*
What moved between accounts, by period. It takes no lock, and is of one snapshot. It reads the pages
of transfers that may hold the span of time, by an index of ranges, and adds up by keys before it
reads accounts. It is planned for its arguments: how much of the table the span is, decides about
the index.

Errors: InvalidTime, NullArgument, InvalidScope, InvalidName, InvalidArgument.
*/
create or replace function @extschema@.pgledger_movements(
  from_time timestamptz default null,
  until timestamptz default null,
  prefix text default null,
  by text default 'day',
  axis text default 'recorded',
  time_zone text default 'UTC',
  app_id text default ''
)
returns setof @extschema@.pgledger_movement
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
set plan_cache_mode = force_custom_plan
set jit = off
as $$
declare
  v_from constant timestamptz := coalesce(from_time, '-infinity');
  v_until constant timestamptz := coalesce(until, 'infinity');
  v_by_event constant boolean := axis = 'event';
  v_ok boolean;
begin
  v_ok := pgledger.check_span(from_time, until);
  v_ok := pgledger.check_prefix(prefix);
  if by is not null then
    v_ok := pgledger.check_choice(
      'by', by, array['hour', 'day', 'week', 'month', 'quarter', 'year']
    );
  end if;
  v_ok := pgledger.check_choice('axis', axis, array['recorded', 'event']);
  v_ok := pgledger.check_time_zone(time_zone);
  v_ok := pgledger.check_scope('app_id', app_id);

  return query
  with moved as materialized (
    select
      case
        when by is not null then date_trunc(
          by,
          case when v_by_event then coalesce(transfers.event_at, transfers.created_at)
            else transfers.created_at
          end,
          time_zone
        )
        when isfinite(v_from) then v_from
      end as period_start,
      transfers.from_key, transfers.to_key, sum(transfers.amount) as amount, count(*) as count
    from pgledger.transfers
    where transfers.app_id = pgledger_movements.app_id
      and (
        v_by_event
        and coalesce(transfers.event_at, transfers.created_at) >= v_from
        and coalesce(transfers.event_at, transfers.created_at) < v_until
        or not v_by_event
        and transfers.created_at >= v_from
        and transfers.created_at < v_until
      )
    group by 1, 2, 3
  )

  select
    moved.period_start, accounts.id, accounts.name, counterparty.id, counterparty.name,
    accounts.currency, sum(side.incoming), sum(side.outgoing), sum(moved.count)::bigint
  from moved
  cross join lateral (
    values
      (moved.from_key, moved.to_key, 0, moved.amount),
      (moved.to_key, moved.from_key, moved.amount, 0)
  ) as side (account_key, counterparty_key, incoming, outgoing)
  inner join pgledger.accounts on side.account_key = accounts.key
  inner join pgledger.accounts as counterparty on side.counterparty_key = counterparty.key
  where prefix is null
    or accounts.name = prefix
    or starts_with(accounts.name, prefix || '.')
  group by moved.period_start, accounts.key, counterparty.key
  order by 1, accounts.name, accounts.currency, accounts.id, counterparty.name, counterparty.id;
end;
$$;

comment on function @extschema@.pgledger_movements is
$$Adds up what moved between each account and each other one, by period.

A transfer counts for both of its accounts: as outgoing for the one that it
left, as incoming for the other. With a prefix only rows of its accounts are
returned, whoever is on the other side. It reads the transfers of the whole
span, so what it takes grows with their number. Names are those of today.

from_time: From when on, inclusive; null for from the first transfer on.
until: Until when, exclusive, and after from_time; null for all that is
  recorded.
prefix: Path whose accounts count, it and all below, without a dot at its end;
  null for all accounts.
by: How long the periods are; one of: hour, day, week, month, quarter, year;
  null for the whole span as one period.
axis: Whether created_at or event_at says when a transfer was; one of:
  recorded, event.
time_zone: Time zone that periods begin in, such as Europe/Berlin.
app_id: Set of books.

Returns: A row for each period, account and counterparty between which
  something moved, ordered by period, the account's name, currency and id, and
  the counterparty's name and id.

Errors: InvalidTime (until is not after from_time, or one of them is finite
  and not in the years 1 to 9999), InvalidName (the prefix is empty, cannot be
  seen or is too long), NullArgument, InvalidScope, InvalidArgument (there is
  no such period, axis or time zone).$$;

revoke all on function @extschema@.pgledger_movements from public;
grant execute on function @extschema@.pgledger_movements to pgledger_reader;
