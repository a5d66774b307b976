/*
The id of an entry, which is not stored: the ULID of when it was recorded (milliseconds, 48 bits),
its account (40 bits) and its version on that account (40 bits). Unique, ascending along an account.

Views call it with the privileges and the search_path of whoever reads them; hence its own.
*/
create or replace function pgledger.entry_id(
  created_at timestamptz,
  account_key bigint,
  account_version bigint
)
returns text
language plpgsql
immutable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_milliseconds bigint := floor(extract(epoch from entry_id.created_at) * 1000);
  v_time bigint := pgledger.base32_lanes(v_milliseconds);
  v_account bigint := pgledger.base32_lanes(entry_id.account_key);
  v_version bigint := pgledger.base32_lanes(entry_id.account_version);
begin
  return 'pgle_'
    -- 48 bits are two bits short of ten characters: the first two hold the upper eight bits.
    || pgledger.base32_pair((v_milliseconds >> 40)::integer)
    || pgledger.base32_text(v_time)
    || pgledger.base32_text(v_account)
    || pgledger.base32_text(v_version);
end;
$$;

comment on function pgledger.entry_id is
  'Id of the entry of that account and version, recorded at that time.';

revoke all on function pgledger.entry_id from public;
grant execute on function pgledger.entry_id to pgledger_reader;
