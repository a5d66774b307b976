/*
An account's statement: its balance before a span of time, its entries within, its balance at the
end. All is of one snapshot, and the closing balance is looked up by itself, not added up.

As recorded, the entries are a range of versions, so it costs what they cost, and a search for
either end. By event, it also costs what the entries cost that gave an event_at, in an index that
holds no others.

Errors: NullArgument, InvalidId, InvalidScope, AccountNotFound, InvalidTime, InvalidArgument.
*/
create or replace function @extschema@.pgledger_statement(
  account_id text,
  from_time timestamptz default null,
  until timestamptz default null,
  axis text default 'recorded',
  app_id text default ''
)
returns setof @extschema@.pgledger_statement_line
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set max_parallel_workers_per_gather = 0
set jit = off
as $$
declare
  v_account record;
  v_from constant timestamptz := pgledger.moment_before(coalesce(from_time, '-infinity'));
  v_until constant timestamptz := pgledger.moment_before(coalesce(until, 'infinity'));
  v_before bigint;
  v_last bigint;
  v_opening numeric;
  v_closing numeric;
  v_ok boolean;
begin
  select accounts.key, accounts.version, accounts.updated_at, accounts.currency
  into v_account
  from pgledger.accounts
  where accounts.id = pgledger_statement.account_id
    and accounts.app_id = pgledger_statement.app_id;

  if not found then
    v_ok := pgledger.refuse_account('account_id', account_id, app_id);
  end if;
  v_ok := pgledger.check_span(from_time, until);
  v_ok := pgledger.check_choice('axis', axis, array['recorded', 'event']);

  v_before := pgledger.version_at(v_account.key, v_account.version, v_account.updated_at, v_from);
  v_last := pgledger.version_at(v_account.key, v_account.version, v_account.updated_at, v_until);
  v_opening := pgledger.version_balance(v_account.key, v_before);
  v_closing := pgledger.version_balance(v_account.key, v_last);
  if axis = 'event' then
    v_opening := v_opening + pgledger.event_correction(
      v_account.key, v_account.updated_at, v_from
    );
    v_closing := v_closing + pgledger.event_correction(
      v_account.key, v_account.updated_at, v_until
    );
  end if;

  return query
  select
    'opening', case when isfinite(from_time) then from_time end, null::numeric, v_opening,
    v_account.currency, null, null, null, null::bigint, null::timestamptz, null::timestamptz,
    null, null::jsonb, null;

  return query
  select
    'entry', line.at, line.amount, v_opening + sum(line.amount) over in_order,
    v_account.currency, accounts.id, accounts.name, line.id, line.version, line.created_at,
    coalesce(line.given_event_at, line.created_at), line.group_id, line.metadata, line.origin_id
  from (
    select
      case axis when 'event' then coalesce(leg.given_event_at, leg.created_at)
        else leg.created_at
      end as at,
      leg.counterparty_key, leg.version, leg.amount, leg.id, leg.created_at, leg.given_event_at,
      leg.group_id, leg.origin_id, leg.metadata
    from pgledger.account_legs(
      v_account.key, v_before, v_last, v_from + interval '1 us', v_until + interval '1 us',
      axis = 'event'
    ) as leg
  ) as line
  inner join pgledger.accounts on line.counterparty_key = accounts.key
  window in_order as (order by line.at, line.version rows unbounded preceding)
  order by line.at, line.version;

  return query
  select
    'closing', case when isfinite(until) then until end, v_closing - v_opening, v_closing,
    v_account.currency, null, null, null, null::bigint, null::timestamptz, null::timestamptz,
    null, null::jsonb, null;
end;
$$;

comment on function @extschema@.pgledger_statement is
$$Returns an account's statement for a span of time.

The first line is the opening balance, the last one the closing balance.
Between them is a line for each entry, with the balance after it. As recorded,
entries are in the order of the account; by event, in that of event_at, and
those of one event_at in that of the account.

account_id: Whose statement.
from_time: From when on, inclusive; null for from the first entry on.
until: Until when, exclusive, and after from_time; null for all that is
  recorded.
axis: Whether created_at or event_at says when an entry was; one of: recorded,
  event.
app_id: Set of books that the account belongs to.

Returns: The lines in order, two more than there are entries.

Errors: NullArgument, InvalidScope, InvalidId, AccountNotFound (there is no
  such account under this app_id), InvalidTime (until is not after from_time,
  or one of them is finite and not in the years 1 to 9999), InvalidArgument
  (there is no such axis).$$;

revoke all on function @extschema@.pgledger_statement from public;
grant execute on function @extschema@.pgledger_statement to pgledger_reader;
