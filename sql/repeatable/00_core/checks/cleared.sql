/*
A JSON object in which the fields of those names are null: it takes their values away from a row by
jsonb_populate_record.
*/
create or replace function pgledger.cleared(clear text[])
returns jsonb
language sql
immutable
parallel safe
as $$
  select coalesce(jsonb_object_agg(field.name, null), '{}')
  from unnest(clear) as field (name)
$$;

comment on function pgledger.cleared is
  'A JSON object in which the fields of those names are null.';

revoke all on function pgledger.cleared from public;
