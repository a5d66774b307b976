/*
Refuses to make a draft final while there is another draft that it goes on from: a final invoice
never counts what that one charges, which could still change or be deleted.

Errors: InvalidState.
*/
create or replace function pgledger.check_no_earlier_draft(invoice pgledger.invoices)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_earlier text := (
    select draft.id
    from pgledger.invoices as draft
    where draft.subscription_key = invoice.subscription_key
      and draft.status = 'draft'
      and draft.key <> invoice.key
      and pgledger.draft_goes_before(draft, invoice)
    order by draft.period_start, draft.key
    limit 1
  );
  v_ok boolean;
begin
  if v_earlier is not null then
    v_ok := pgledger.refuse_invoice_move(
      invoice, format('pending before draft %s, which it goes on from', v_earlier)
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_no_earlier_draft is
  'Raises InvalidState while there is a draft that an invoice goes on from.';

revoke all on function pgledger.check_no_earlier_draft from public;
