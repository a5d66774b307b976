/*
The size of JSON in memory, which costs next to nothing to find. A value that comes out of a table
may be compressed: the empty path unpacks it, so that it is measured as it would be searched. The
size is less than eight times that of the text, unless the text writes out large numbers: then it is
far less.
*/
create or replace function pgledger.json_bytes(value jsonb)
returns integer
language sql
stable
parallel safe
as $$
  select pg_column_size(value #> '{}')
$$;

comment on function pgledger.json_bytes is
  'Bytes that JSON takes in memory, less than eight times those of its text.';

revoke all on function pgledger.json_bytes from public;
