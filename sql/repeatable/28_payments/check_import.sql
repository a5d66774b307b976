/*
Refuses what does not depend on anything else in the request to import an invoice. Times and the
reference are null where the caller gives none.
Errors: NullArgument, InvalidInvoice, InvalidMetadata, InvalidTime, InvalidArgument, InvalidId.
*/
create or replace function pgledger.check_import(
  invoice pgledger.invoices,
  due_at timestamptz,
  paid_at timestamptz,
  reference text,
  now timestamptz
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text := case when due_at is not null then pgledger.time_fault(due_at) end;
  v_ok boolean;
begin
  v_ok := pgledger.check_tax_rates(invoice.tax_rates);
  v_ok := pgledger.check_metadata(invoice.metadata);
  if v_fault is not null then
    v_ok := pgledger.fail('InvalidTime', array['due_at', due_at::text, v_fault]);
  end if;
  v_fault := case when paid_at is not null then pgledger.time_fault(paid_at) end;
  if v_fault is not null or paid_at > now then
    v_ok := pgledger.fail(
      'InvalidTime',
      array['paid_at', paid_at::text, coalesce(v_fault, 'it is ahead of ' || now::text)]
    );
  end if;
  if reference is not null then
    v_ok := pgledger.check_text('reference', reference, 255, allow_invisible => true);
    if paid_at is null then
      v_ok := pgledger.fail(
        'InvalidArgument',
        array['reference', quote_literal(pgledger.abridged(reference)), 'there is no paid_at']
      );
    end if;
  end if;
  return pgledger.check_id('id', invoice.id, 'inv');
end;
$$;

comment on function pgledger.check_import is
  'Raises what is wrong with a request to import an invoice.';

revoke all on function pgledger.check_import from public;
