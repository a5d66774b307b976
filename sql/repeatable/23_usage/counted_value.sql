/*
The value that an event has in the named member of its metadata, as it is told from others: as text.
Numbers are equal by value, so 1 and 1.0 are one, within arrays and objects too.
*/
create or replace function pgledger.counted_value(metadata jsonb, unique_key text)
returns text
language sql
immutable
parallel safe
as $$
  select case jsonb_typeof(metadata -> unique_key)
    when 'number' then trim_scale((metadata ->> unique_key)::numeric)::text
    when 'array' then pgledger.plain_json(metadata -> unique_key)::text
    when 'object' then pgledger.plain_json(metadata -> unique_key)::text
    else metadata ->> unique_key
  end
$$;

comment on function pgledger.counted_value is
  'The value in a member of metadata, as it is told from others.';

revoke all on function pgledger.counted_value from public;
