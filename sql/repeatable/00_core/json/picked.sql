/*
The fields of an object that have those names. What is compared with what was recorded is picked out
of both rows by one list.
*/
create or replace function pgledger.picked(object jsonb, names text[])
returns jsonb
language sql
immutable
parallel safe
as $$
  select jsonb_object_agg(field.name, field.value)
  from jsonb_each(object) as field (name, value)
  where field.name = any(names)
$$;

comment on function pgledger.picked is 'The fields of an object that have those names.';

revoke all on function pgledger.picked from public;
