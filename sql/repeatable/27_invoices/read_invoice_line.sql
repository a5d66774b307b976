/*
Reads one of the lines that a caller gives for an invoice. Its amount is rounded once, half away
from zero. with_kind: it may say that it is a base fee or usage of a subscription.

Errors: InvalidInvoice.
*/
create or replace function pgledger.read_invoice_line(
  line jsonb,
  path text,
  exponent integer,
  with_kind boolean
)
returns pgledger.invoice_lines
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_least constant numeric := -1e30 + 1e-18;
  v_members text[] := array[
    'description', 'amount', 'quantity', 'unit_amount', 'item', 'period_start', 'period_end'
  ];
  v_line pgledger.invoice_lines;
  v_amount numeric;
  v_ok boolean;
begin
  if with_kind then
    v_members := v_members || 'kind'::text;
  end if;
  v_ok := pgledger.check_json_object(line, path, v_members);
  v_line.description := pgledger.json_text(line, path, 'description');
  v_line.kind := case
    when line ? 'kind' then pgledger.json_text(line, path, 'kind')
    else 'item'
  end;
  if v_line.kind not in ('item', 'base_fee', 'usage') then
    v_ok := pgledger.refuse_json(
      line -> 'kind', path || '.kind', 'is none of item, base_fee and usage'
    );
  end if;
  v_line.description := pgledger.invoice_text(
    line -> 'description', path || '.description', 1000
  );
  -- There can be a thousand lines: what most leave out is read only where it is given.
  v_amount := case
    when line ? 'amount' then pgledger.json_decimal(line, path, 'amount', minimum => v_least)
  end;
  v_line.quantity := pgledger.json_decimal(line, path, 'quantity');
  v_line.unit_amount := pgledger.json_decimal(line, path, 'unit_amount', minimum => v_least);
  v_line.item := case
    when line ? 'item'
      then pgledger.invoice_text(nullif(line -> 'item', 'null'), path || '.item', 255)
  end;
  v_line.period_start := case
    when line ? 'period_start' then pgledger.invoice_time(line, path, 'period_start')
  end;
  v_line.period_end := case
    when line ? 'period_end' then pgledger.invoice_time(line, path, 'period_end')
  end;

  if v_amount is not null and num_nonnulls(v_line.quantity, v_line.unit_amount) > 0 then
    v_ok := pgledger.refuse_json(
      null, path, 'has both an amount and a quantity or unit_amount, which make one'
    );
  elsif v_amount is null and num_nonnulls(v_line.quantity, v_line.unit_amount) < 2 then
    v_ok := pgledger.refuse_json(
      null, path, 'has neither an amount nor both a quantity and a unit_amount'
    );
  elsif v_line.period_end <= v_line.period_start then
    v_ok := pgledger.refuse_json(
      line -> 'period_end', path || '.period_end', 'is not after period_start'
    );
  end if;

  v_line.amount := round(coalesce(v_amount, v_line.quantity * v_line.unit_amount), exponent);
  if abs(v_line.amount) >= 1e30 then
    v_ok := pgledger.refuse_json(null, path, 'comes to an amount that is not below 1e30 in size');
  end if;
  v_line.discount := 0 * v_line.amount;
  v_line.tax := v_line.discount;
  return v_line;
end;
$$;

comment on function pgledger.read_invoice_line is
  'One line of the application''s own; raises InvalidInvoice unless it is sound.';

revoke all on function pgledger.read_invoice_line from public;
