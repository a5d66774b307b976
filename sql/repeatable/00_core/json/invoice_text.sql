/*
The text of a value in the JSON of an invoice; null if there is no value.

Errors: InvalidInvoice.
*/
create or replace function pgledger.invoice_text(
  value jsonb,
  path text,
  maximum integer
)
returns text
language plpgsql
stable
parallel safe
as $$
declare
  v_text text := value #>> '{}';
  v_fault text := pgledger.text_fault(v_text, 1, maximum, true);
  v_ok boolean;
begin
  if value is null then
    return null;
  elsif jsonb_typeof(value) <> 'string' then
    v_ok := pgledger.refuse_json(
      value, path, format('is of type %s, not a string', jsonb_typeof(value))
    );
  elsif v_fault is not null then
    v_ok := pgledger.fail('InvalidInvoice', array[path, v_fault]);
  end if;

  return v_text;
end;
$$;

comment on function pgledger.invoice_text is
  'Text of a value in the JSON of an invoice, or null; raises InvalidInvoice if it is not sound.';

revoke all on function pgledger.invoice_text from public;
