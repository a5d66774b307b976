/*
The id of a usage event, which is not stored: a ULID of the time when the event was recorded and its
key.
Views call this function with the privileges and the search_path of whoever reads them, so it has
both of its own.
*/
create or replace function pgledger.event_id(
  created_at timestamptz,
  key bigint
)
returns text
language plpgsql
immutable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
begin
  return 'evt_' || pgledger.derived_ulid(event_id.created_at, event_id.key >> 40, event_id.key);
end;
$$;

comment on function pgledger.event_id is
  'Id of the usage event with that key, recorded at that time.';

revoke all on function pgledger.event_id from public;
grant execute on function pgledger.event_id to pgledger_reader;
grant execute on function pgledger.event_id to pgledger_tenant;
