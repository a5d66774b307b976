/*
The UUID of the same 128 bits as a ULID. Null for null. A text that is not exactly 26 characters of
Crockford's alphabet within 128 bits is refused: guessing at a mistyped id moves the wrong money.

Errors: InvalidId.
*/
create or replace function @extschema@.pgledger_ulid_to_uuid(ulid text)
returns uuid
language plpgsql
immutable
strict
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_fault text := pgledger.ulid_fault(ulid);
  v_bits text;
  v_ok boolean;
begin
  if v_fault is not null then
    v_ok := pgledger.fail('InvalidId', array[quote_nullable(pgledger.abridged(ulid)), v_fault]);
  end if;

  select string_agg(
    (strpos('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr(ulid, place, 1)) - 1)::bit(5)::text,
    '' order by place
  )
  into v_bits
  from generate_series(1, 26) as place;

  -- 26 characters hold 130 bits; the first two are zero, or the ULID would have been refused.
  return encode(
    int8send(substr(v_bits, 3, 64)::bit(64)::bigint)
    || int8send(substr(v_bits, 67, 64)::bit(64)::bigint),
    'hex'
  )::uuid;
end;
$$;

comment on function @extschema@.pgledger_ulid_to_uuid is
$$Returns the UUID of the same 128 bits as a ULID.

ulid: ULID of 26 characters, without a prefix.

Returns: The UUID; null for null.

Errors: InvalidId.$$;

revoke all on function @extschema@.pgledger_ulid_to_uuid from public;
grant execute on function @extschema@.pgledger_ulid_to_uuid to pgledger_reader;
