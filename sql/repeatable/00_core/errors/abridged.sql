/*
Shortens a value for a message: a short one stays whole, a long one keeps its beginning, followed by
dots. A caller may pass megabytes.
*/
create or replace function pgledger.abridged(value text)
returns text
language sql
immutable
parallel safe
as $$
  select case when char_length(value) > 64 then left(value, 61) || '...' else value end
$$;

comment on function pgledger.abridged is 'A value as messages show it: at most 64 characters.';

revoke all on function pgledger.abridged from public;
