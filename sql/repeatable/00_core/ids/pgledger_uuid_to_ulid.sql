/*
The ULID of the same 128 bits as a UUID. Null for null.
*/
create or replace function @extschema@.pgledger_uuid_to_ulid(uuid uuid)
returns text
language plpgsql
immutable
strict
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_hex text := encode(uuid_send(uuid), 'hex');
  v_head bigint := ('x' || substr(v_hex, 3, 10))::bit(40)::bigint;
  v_middle bigint := ('x' || substr(v_hex, 13, 10))::bit(40)::bigint;
  v_tail bigint := ('x' || substr(v_hex, 23, 10))::bit(40)::bigint;
begin
  v_head := pgledger.base32_lanes(v_head);
  v_middle := pgledger.base32_lanes(v_middle);
  v_tail := pgledger.base32_lanes(v_tail);

  return pgledger.base32_pair(('x' || left(v_hex, 2))::bit(8)::integer)
    || pgledger.base32_text(v_head)
    || pgledger.base32_text(v_middle)
    || pgledger.base32_text(v_tail);
end;
$$;

comment on function @extschema@.pgledger_uuid_to_ulid is
$$Returns the ULID of the same 128 bits as a UUID.

uuid: Any UUID; it need not be one made from a time.

Returns: 26 characters, without a prefix; null for null.$$;

revoke all on function @extschema@.pgledger_uuid_to_ulid from public;
grant execute on function @extschema@.pgledger_uuid_to_ulid to pgledger_reader;
