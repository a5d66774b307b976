/*
Refuses what is not an array, or has more than 1000 elements.

Errors: InvalidPlan, or InvalidInvoice in an invoice's lines and tax rates.
*/
create or replace function pgledger.check_json_array(
  value jsonb,
  path text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if jsonb_typeof(value) <> 'array' then
    v_ok := pgledger.refuse_json(
      value, path, format('is of type %s, not an array', jsonb_typeof(value))
    );
  elsif jsonb_array_length(value) > 1000 then
    v_ok := pgledger.refuse_json(
      value,
      path,
      format('has %s elements, at most 1000 are allowed', jsonb_array_length(value))
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_json_array is
  'Raises an error unless the JSON is an array of at most 1000 elements.';

revoke all on function pgledger.check_json_array from public;
