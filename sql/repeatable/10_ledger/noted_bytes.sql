/*
A noted change, as seals have it, in version 1 of the form.
*/
create or replace function pgledger.noted_bytes(noted pgledger.noted_changes)
returns bytea
language sql
stable
parallel safe
as $$
  select record_send(
    row(
      5, noted.number, noted.version, noted.changed_at, convert_to(noted.entity, 'UTF8'),
      convert_to(noted.change, 'UTF8'), convert_to(noted.entity_id, 'UTF8'),
      convert_to(noted.app_id, 'UTF8'), convert_to(noted.tenant_id, 'UTF8'),
      convert_to(noted.details::text, 'UTF8')
    )
  )
$$;

comment on function pgledger.noted_bytes is 'A noted change, as seals have it.';

revoke all on function pgledger.noted_bytes from public;
