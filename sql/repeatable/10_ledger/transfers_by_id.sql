/*
The transfers with those ids, in the order of the ids, as applications see them. It looks each up by
index, even when the caller has switched nested loops off.
*/
create or replace function pgledger.transfers_by_id(ids text[])
returns setof @extschema@.pgledger_transfer
language sql
stable
parallel safe
rows 1
set enable_nestloop = on
as $$
  select
    transfers.id,
    source.id,
    target.id,
    transfers.amount,
    transfers.created_at,
    coalesce(transfers.event_at, transfers.created_at),
    transfers.metadata,
    source.currency,
    source.name,
    target.name,
    transfers.from_balance,
    transfers.to_balance,
    transfers.from_version,
    transfers.to_version,
    transfers.group_id,
    transfers.app_id,
    source.tenant_id,
    target.tenant_id,
    transfers.origin_id,
    null::boolean
  from unnest(transfers_by_id.ids) with ordinality as wanted (id, place)
  inner join pgledger.transfers on wanted.id = transfers.id
  inner join pgledger.accounts as source on transfers.from_key = source.key
  inner join pgledger.accounts as target on transfers.to_key = target.key
  order by wanted.place
$$;

comment on function pgledger.transfers_by_id is
  'The transfers with those ids, in the order of the ids.';

revoke all on function pgledger.transfers_by_id from public;
