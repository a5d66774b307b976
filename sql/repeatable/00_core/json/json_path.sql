/*
The path of an object's member in the notation of SQL/JSON. A name that is no plain word is quoted
as JSON quotes it, so a line end or a quotation mark in it cannot be taken for part of the message.
*/
create or replace function pgledger.json_path(
  path text,
  member text
)
returns text
language sql
stable
parallel safe
as $$
  select path || '.' || case
    when member collate "C" ~ '^[A-Za-z_][A-Za-z0-9_]{0,63}$' then member
    else to_jsonb(pgledger.abridged(member))::text
  end
$$;

comment on function pgledger.json_path is
  'Path of a member of the object at that path; the member''s name is quoted where it has to be.';

revoke all on function pgledger.json_path from public;
