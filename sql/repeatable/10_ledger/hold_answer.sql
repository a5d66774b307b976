/*
A hold's row as functions answer with it: with the names of its accounts, and expired as soon as it
is. Both accounts are looked up by index, even when the caller has switched nested loops off.
*/
create or replace function pgledger.hold_answer(hold pgledger.holds, replayed boolean)
returns @extschema@.pgledger_hold
language plpgsql
stable
parallel safe
set enable_nestloop = on
as $$
declare
  v_status text := pgledger.hold_status(hold.status, hold.expires_at);
  v_names record;
begin
  select
    source.id as from_id, target.id as to_id, source.currency, source.name as from_name,
    target.name as to_name, source.tenant_id as from_tenant_id, target.tenant_id as to_tenant_id
  into v_names
  from pgledger.accounts as source
  cross join pgledger.accounts as target
  where source.key = hold.from_key
    and target.key = hold.to_key;

  return row(
    hold.id, v_names.from_id, v_names.to_id, hold.amount, hold.posted_amount, v_status,
    hold.created_at, coalesce(hold.event_at, hold.created_at), hold.expires_at,
    case when hold.status = 0 and v_status = 'expired' then hold.expires_at else hold.ended_at end,
    hold.metadata, v_names.currency, v_names.from_name, v_names.to_name, hold.group_id,
    hold.app_id, v_names.from_tenant_id, v_names.to_tenant_id, replayed
  );
end;
$$;

comment on function pgledger.hold_answer is
  'The answer that shows a hold; replayed says whether the call was a repeat, or null.';

revoke all on function pgledger.hold_answer from public;
