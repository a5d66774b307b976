/*
Makes a new id. Ids ascend strictly within a session, within a statement and between statements, as
long as the clock does not step back: the function waits until the clock has left the microsecond of
the id, however fast the machine is. The wait is bounded, because a clock that stands still (a
test's) must not hang a session.

Errors: InvalidIdPrefix.
*/
create or replace function @extschema@.pgledger_generate_id(prefix text)
returns text
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_ok boolean;
begin
  if (prefix collate "C" ~ '^[a-z]{1,16}$') is not true then
    v_ok := pgledger.fail('InvalidIdPrefix', array[quote_nullable(pgledger.abridged(prefix))]);
  end if;

  for v_attempt in 1..100 loop
    exit when pgledger.clock() > v_now;
  end loop;

  return prefix || '_' || pgledger.new_ulid(v_now);
end;
$$;

comment on function @extschema@.pgledger_generate_id is
$$Makes a new id.

Ids of one session ascend while the clock does not step back.

prefix: What the id is for: 1 to 16 lower-case letters, for example pglt.

Returns: The prefix, an underscore and a ULID.

Errors: InvalidIdPrefix (the prefix is something else, or null).$$;

revoke all on function @extschema@.pgledger_generate_id from public;
grant execute on function @extschema@.pgledger_generate_id to pgledger_reader;
