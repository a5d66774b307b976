/*
A line as an invoice shows it. Numbers are strings, so that readers of the JSON keep them exact; so
are times, in UTC. The line's id is made from the invoice's creation time and key and the line's
place.

Written so that it is inlined: an invoice can have a thousand lines.
*/
create or replace function pgledger.line_json(
  line pgledger.invoice_lines,
  created_at timestamptz
)
returns jsonb
language sql
stable
parallel safe
as $$
  select jsonb_build_object(
    'id', 'li_' || pgledger.derived_ulid(created_at, line.invoice_key, line.place),
    'kind', line.kind,
    'description', line.description,
    'item', line.item,
    'period_start',
    to_char(line.period_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'period_end',
    to_char(line.period_end at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'quantity', line.quantity::text,
    'unit_amount', line.unit_amount::text,
    'amount', line.amount::text,
    'discount', line.discount::text,
    'tax', line.tax::text,
    'basis', line.basis
  )
$$;

comment on function pgledger.line_json is 'A line of an invoice as JSON.';

revoke all on function pgledger.line_json from public;
