/*
Raises what is wrong with a value in the JSON of a plan, or of an invoice's lines and tax rates. The
message shows the value unless it is an array or an object, whose text may be far larger than the
value itself.

Errors: InvalidPlan, InvalidInvoice.
*/
create or replace function pgledger.refuse_json(
  value jsonb,
  path text,
  fault text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  return pgledger.fail(
    case when path ~ '^[$][.](lines|tax_rates)' then 'InvalidInvoice' else 'InvalidPlan' end,
    array[
      path,
      case
        when jsonb_typeof(value) in ('string', 'number', 'boolean')
          then pgledger.abridged(value::text)
        else 'it'
      end || ' ' || fault
    ]
  );
end;
$$;

comment on function pgledger.refuse_json is
  'Raises InvalidPlan or InvalidInvoice: the path of the value, followed by the fault.';

revoke all on function pgledger.refuse_json from public;
