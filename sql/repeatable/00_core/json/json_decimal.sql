/*
The number that a member of a JSON object holds, within bounds; null if there is no such member, or
it is null.

Errors: InvalidPlan, or InvalidInvoice in an invoice's lines and tax rates.
*/
create or replace function pgledger.json_decimal(
  object jsonb,
  path text,
  member text,
  required boolean default false,
  minimum numeric default 0,
  maximum numeric default null
)
returns numeric
language plpgsql
stable
parallel safe
as $$
declare
  v_value jsonb := nullif(object -> member, 'null');
  v_path text;
  v_fault text;
  v_number numeric;
  v_ok boolean;
begin
  -- Most members that could be there are not: their path is not asked for.
  if v_value is null and not required then
    return null;
  end if;
  v_path := pgledger.json_path(path, member);
  if v_value is null then
    v_ok := pgledger.refuse_json(null, v_path, 'is missing');
  end if;
  v_fault := pgledger.decimal_fault(v_value);
  if v_fault is not null then
    v_ok := pgledger.refuse_json(v_value, v_path, v_fault);
  end if;

  v_number := (v_value #>> '{}')::numeric;

  if v_number < minimum then
    v_ok := pgledger.refuse_json(v_value, v_path, format('is below %s', minimum));
  elsif v_number > maximum then
    v_ok := pgledger.refuse_json(v_value, v_path, format('is above %s', maximum));
  end if;

  return v_number;
end;
$$;

comment on function pgledger.json_decimal is
  'Number that a member of a JSON object holds, or null; raises an error unless it is sound.';

revoke all on function pgledger.json_decimal from public;
