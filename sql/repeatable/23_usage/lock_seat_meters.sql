/*
Serializes those who change the level of a seat, by a report or by consuming: until the end of the
transaction nobody else changes it. The rows are changed, and not only locked, so that it is seen at
every isolation level.
Locks: the meters of seats among these tenants and features, ascending.
*/
create or replace function pgledger.lock_seat_meters(
  app_id text,
  tenant_ids text[],
  feature_keys text[]
)
returns void
language plpgsql
volatile
parallel unsafe
set plan_cache_mode = force_generic_plan
set jit = off
as $$
begin
  update pgledger.meters
  set turn = meters.turn + 1
  where meters.key = any(
    array(
      select seat.key
      from pgledger.meters as seat
      where seat.app_id = lock_seat_meters.app_id
        and seat.tenant_id = any(lock_seat_meters.tenant_ids)
        and seat.type = 'seat'
        and seat.feature_key in (
          select given.feature_key from unnest(lock_seat_meters.feature_keys) as given (feature_key)
        )
      order by seat.key
      for no key update
    )
  );
end;
$$;

comment on function pgledger.lock_seat_meters is
  'Locks the meters of seats among tenants and features until the end of the transaction.';

revoke all on function pgledger.lock_seat_meters from public;
