/*
Writes which holds have expired, and releases them. Nothing depends on it: it keeps the rows of
accounts as they are shown, so that transfers need not look at holds.

It waits for nobody. What others have locked is left to them or to the next call: of a hold one of
whose accounts is locked, the other side is released. So any number of sessions may call it, and
nobody can be in a deadlock with it, although it locks holds before accounts.

Checks, in this order: app_id, max_holds.
Locks: holds, then accounts, FOR NO KEY UPDATE and only what is free.
Errors: NullArgument, InvalidScope, InvalidArgument.
*/
create or replace function @extschema@.pgledger_expire_holds(
  max_holds integer default 1000,
  app_id text default ''
)
returns bigint
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_ids text[];
  v_keys bigint[];
  v_ok boolean;
begin
  v_ok := pgledger.check_scope('app_id', app_id);
  if (max_holds between 1 and 100000) is not true then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array['max_holds', coalesce(max_holds::text, 'null'), 'it is not between 1 and 100000']
    );
  end if;

  select array_agg(locked.id), array_agg(locked.from_key) || array_agg(locked.to_key)
  into v_ids, v_keys
  from (
    select holds.id, holds.from_key, holds.to_key
    from pgledger.holds
    where holds.app_id = pgledger_expire_holds.app_id
      and holds.expires_at <= v_now
      and not (holds.out_released and holds.in_released)
    order by holds.expires_at
    limit max_holds
    for no key update skip locked
  ) as locked;

  v_keys := array(
    select accounts.key
    from pgledger.accounts
    where accounts.key = any(v_keys)
    for no key update skip locked
  );
  return pgledger.release_locked(v_ids, v_keys);
end;
$$;

comment on function @extschema@.pgledger_expire_holds is
$$Writes which holds have expired, and releases what they kept back.

An expired hold counts nowhere from its expires_at on, whether or not this is
called. It only tidies, so that what is stored is what is shown. Call it now
and then, each time in a transaction of its own, until it returns 0; any
number of sessions may. It waits for nobody: what others have locked is left
to the next call.

max_holds: How many to look at, at most, from 1 to 100,000.
app_id: Set of books whose holds are looked at.

Returns: How many were released, on one of their accounts or on both.

Errors: NullArgument, InvalidScope, InvalidArgument (max_holds is not between
  1 and 100000).$$;

revoke all on function @extschema@.pgledger_expire_holds from public;
grant execute on function @extschema@.pgledger_expire_holds to pgledger_poster;
