/*
One hold, as it stands. An id that does not exist is an error rather than no row.

Errors: NullArgument, InvalidScope, InvalidId, HoldNotFound.
*/
create or replace function @extschema@.pgledger_get_hold(
  id text,
  app_id text default ''
)
returns @extschema@.pgledger_hold
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_hold pgledger.holds;
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  v_ok := pgledger.check_id('id', id, 'pglh');

  v_hold := (
    select holds
    from pgledger.holds
    where holds.id = pgledger_get_hold.id
      and holds.app_id = pgledger_get_hold.app_id
  );
  if v_hold.id is null then
    v_ok := pgledger.fail('HoldNotFound', array[id, pgledger.in_app(app_id)]);
  end if;

  return pgledger.hold_answer(v_hold, null);
end;
$$;

comment on function @extschema@.pgledger_get_hold is
$$Returns a hold as it stands now.

From its expires_at on it is shown as expired.

id: The hold's id.
app_id: Set of books that it belongs to.

Returns: The hold, with its state and what has been posted of it.

Errors: NullArgument, InvalidScope, InvalidId, HoldNotFound (there is no such
  hold under this app_id).$$;

revoke all on function @extschema@.pgledger_get_hold from public;
grant execute on function @extschema@.pgledger_get_hold to pgledger_reader;
