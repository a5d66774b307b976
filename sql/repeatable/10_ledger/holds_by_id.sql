/*
The holds with those ids, in the order of the ids, as applications see them: expired as soon as they
are. It looks each up by index, even when the caller has switched nested loops off.
*/
create or replace function pgledger.holds_by_id(ids text[], replayed boolean[])
returns setof @extschema@.pgledger_hold
language sql
stable
parallel safe
rows 1
set enable_nestloop = on
as $$
  select
    holds.id,
    source.id,
    target.id,
    holds.amount,
    holds.posted_amount,
    shown.status,
    holds.created_at,
    coalesce(holds.event_at, holds.created_at),
    holds.expires_at,
    case
      when holds.status = 0 and shown.status = 'expired' then holds.expires_at
      else holds.ended_at
    end,
    holds.metadata,
    source.currency,
    source.name,
    target.name,
    holds.group_id,
    holds.app_id,
    source.tenant_id,
    target.tenant_id,
    coalesce(wanted.replayed, false)
  from unnest(holds_by_id.ids, holds_by_id.replayed)
    with ordinality as wanted (id, replayed, place)
  inner join pgledger.holds on wanted.id = holds.id
  inner join pgledger.accounts as source on holds.from_key = source.key
  inner join pgledger.accounts as target on holds.to_key = target.key
  -- One look at the clock for each row.
  cross join lateral (
    select pgledger.hold_status(holds.status, holds.expires_at) as status
    from (select) as one_look
    offset 0
  ) as shown
  order by wanted.place
$$;

comment on function pgledger.holds_by_id is
  'The holds with those ids, in the order of the ids, and whether each was there before.';

revoke all on function pgledger.holds_by_id from public;
