/*
The line that goes with a line for usage where its price has a minimum that is not reached, or a
maximum that is passed. gross is the amount before a credit was reduced by a discount, or null.
*/
create or replace function pgledger.bound_line(
  usage_line pgledger.invoice_lines,
  kind text,
  suffix text,
  amount numeric,
  gross numeric
)
returns pgledger.invoice_lines
language plpgsql
immutable
parallel safe
as $$
declare
  v_line pgledger.invoice_lines := usage_line;
begin
  v_line.kind := kind;
  v_line.description := v_line.description || suffix;
  v_line.quantity := null;
  v_line.unit_amount := null;
  v_line.amount := amount;
  v_line.counted := null;
  v_line.events := null;
  v_line.basis := case when gross is not null then jsonb_build_object('gross', gross::text) end;
  return v_line;
end;
$$;

comment on function pgledger.bound_line is
  'The line for what is missing to a price''s minimum, or is beyond its maximum.';

revoke all on function pgledger.bound_line from public;
