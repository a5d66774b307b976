/*
Raises InvalidState. target completes "invoice ... cannot become".

Errors: InvalidState.
*/
create or replace function pgledger.refuse_invoice_move(
  invoice pgledger.invoices,
  target text
)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  return pgledger.fail(
    'InvalidState',
    array['invoice', invoice.id, invoice.status, target],
    hint => case
      when target like '% %' then 'Finish the invoice that is in the way, or wait; then try again.'
      when invoice.status = 'draft' and target in ('paid', 'uncollectible')
        then 'A draft is not yet owed: finalize it first with ledger_finalize_invoice.'
      when invoice.status = 'draft' and target = 'voided'
        then 'A draft is not yet owed: delete it with ledger_delete_invoice.'
      when target in ('deleted', 'pending', 'refreshed', 'updated')
        then 'Only a draft can be changed or deleted. ledger_mark_invoice_voided takes back what '
          || 'is final and not paid.'
      when invoice.status = 'voided'
        then 'What is voided stays so. Draw up another invoice.'
    end
  );
end;
$$;

comment on function pgledger.refuse_invoice_move is
  'Raises that an invoice cannot become what it was to become.';

revoke all on function pgledger.refuse_invoice_move from public;
