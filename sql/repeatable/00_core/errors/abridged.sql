/*
A value as a message shows it: whole, or its beginning and dots. A caller may give us megabytes.
*/
create or replace function pgledger.abridged(value text)
returns text
language sql
immutable
parallel safe
as $$
  select case when char_length(value) > 64 then left(value, 61) || '...' else value end
$$;

comment on function pgledger.abridged is 'A value as a message shows it, at most 64 characters.';

revoke all on function pgledger.abridged from public;
