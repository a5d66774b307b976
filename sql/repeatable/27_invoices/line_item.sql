/*
What pgledger.line_json answers. Views call it with the privileges and the search_path of whoever
reads them; hence its own.
*/
create or replace function pgledger.line_item(
  line pgledger.invoice_lines,
  created_at timestamptz
)
returns jsonb
language sql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
  select pgledger.line_json(line, created_at)
$$;

comment on function pgledger.line_item is 'A line of an invoice as JSON.';

revoke all on function pgledger.line_item from public;
grant execute on function pgledger.line_item to pgledger_reader;
grant execute on function pgledger.line_item to pgledger_tenant;
