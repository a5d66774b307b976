/*
Locks many holds and their accounts, as pgledger.lock_hold does for one. Returns the newest time of
the accounts. The lowest request whose hold does not exist is refused.

Locks: all accounts FOR NO KEY UPDATE, ascending by id, then the holds FOR NO KEY UPDATE, ascending
by id.
Errors: HoldNotFound.
*/
create or replace function pgledger.lock_holds(hold_ids text[], app_id text)
returns timestamptz
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_generic_plan
set enable_nestloop = off
set enable_mergejoin = off
set enable_seqscan = off
set jit = off
as $$
declare
  v_found_ids text[];
  v_keys bigint[];
  v_place bigint;
  v_newest_at timestamptz;
  v_ok boolean;
begin
  select array_agg(holds.id), array_agg(holds.from_key) || array_agg(holds.to_key)
  into v_found_ids, v_keys
  from pgledger.holds
  where holds.id = any(hold_ids)
    and holds.app_id = lock_holds.app_id;

  select min(given.place)
  into v_place
  from unnest(hold_ids) with ordinality as given (id, place)
  left join (select unnest(v_found_ids) as id) as found on given.id = found.id
  where found.id is null;
  if v_place is not null then
    v_ok := pgledger.fail(
      'HoldNotFound', array[hold_ids[v_place], pgledger.in_app(app_id)], v_place,
      cardinality(hold_ids)
    );
  end if;

  select max(locked.updated_at)
  into v_newest_at
  from (
    select accounts.updated_at
    from pgledger.accounts
    where accounts.key = any(v_keys)
    order by accounts.id
    for no key update
  ) as locked;

  perform
  from pgledger.holds
  where holds.id = any(hold_ids)
  order by holds.id
  for no key update;

  return v_newest_at;
end;
$$;

comment on function pgledger.lock_holds is
  'Locks holds and their accounts; returns the newest time of the accounts.';

revoke all on function pgledger.lock_holds from public;
