/*
Refuses metadata that is not a JSON object, or is too large.

Errors: InvalidMetadata.
*/
create or replace function pgledger.check_metadata(
  metadata jsonb,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text := pgledger.metadata_fault(metadata);
  v_ok boolean;
begin
  if v_fault is not null then
    v_ok := pgledger.fail('InvalidMetadata', array[v_fault], request_index, request_count);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_metadata is
  'Raises InvalidMetadata unless metadata is null or a JSON object that is not too large.';

revoke all on function pgledger.check_metadata from public;
