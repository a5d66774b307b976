/*
The time inside an id, with or without its prefix. Null for null. Whole seconds and milliseconds are
added as two intervals: intervals are multiplied in double precision, which is exact for each.

Errors: InvalidId.
*/
create or replace function @extschema@.pgledger_id_timestamp(id text)
returns timestamptz
language plpgsql
immutable
strict
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_prefix text := substring(id collate "C" from '^([a-z]{1,16})_');
  v_ulid text := case when v_prefix is null then id else substr(id, char_length(v_prefix) + 2) end;
  v_fault text := pgledger.ulid_fault(v_ulid);
  v_milliseconds bigint;
  v_ok boolean;
begin
  if v_fault is not null then
    v_ok := pgledger.fail('InvalidId', array[quote_nullable(pgledger.abridged(id)), v_fault]);
  end if;

  select sum(
    (strpos('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(v_ulid, place, 1)) - 1)::bigint
    << (5 * (10 - place))
  )
  into v_milliseconds
  from generate_series(1, 10) as place;

  return timestamptz 'epoch'
    + (v_milliseconds / 1000) * interval '1 second'
    + (v_milliseconds % 1000) * interval '1 millisecond';
end;
$$;

comment on function @extschema@.pgledger_id_timestamp is
$$Returns the time inside an id.

id: An id with its prefix, or a ULID without.

Returns: When the id was made, in whole milliseconds; null for null.

Errors: InvalidId.$$;

revoke all on function @extschema@.pgledger_id_timestamp from public;
grant execute on function @extschema@.pgledger_id_timestamp to pgledger_reader;
