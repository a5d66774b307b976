/*
A hold as it is once it and its accounts are locked. Which accounts these are never changes, so it
is read before the locks.

Locks: both accounts FOR NO KEY UPDATE, ascending by id, then the hold FOR NO KEY UPDATE.
Errors: HoldNotFound.
*/
create or replace function pgledger.lock_hold(
  hold_id text,
  app_id text,
  request_index bigint default null,
  request_count bigint default null
)
returns pgledger.holds
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_hold pgledger.holds;
  v_ok boolean;
begin
  v_hold := (
    select holds
    from pgledger.holds
    where holds.id = hold_id
      and holds.app_id = lock_hold.app_id
  );
  if v_hold.id is null then
    v_ok := pgledger.fail(
      'HoldNotFound', array[hold_id, pgledger.in_app(app_id)], request_index, request_count
    );
  end if;

  perform
  from pgledger.accounts
  where accounts.key in (v_hold.from_key, v_hold.to_key)
  order by accounts.id
  for no key update;

  perform
  from pgledger.holds
  where holds.id = hold_id
  for no key update;

  return (select holds from pgledger.holds where holds.id = hold_id);
end;
$$;

comment on function pgledger.lock_hold is
  'A hold as it is once its accounts and it are locked; raises an error if there is none.';

revoke all on function pgledger.lock_hold from public;
