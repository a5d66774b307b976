/*
Whether what an invoice bills counts as billed for another one of its subscription that is computed:
if it is final and was not voided, or has to become final before that one does. So drafts are right
however many of them are open, and a final invoice never counts what could still be deleted.
*/
create or replace function pgledger.counts_as_billed(
  billed pgledger.invoices,
  invoice pgledger.invoices
)
returns boolean
language sql
immutable
parallel safe
as $$
  select
    billed.status <> 'voided'
    and billed.key is distinct from invoice.key
    and (billed.status <> 'draft' or pgledger.draft_goes_before(billed, invoice))
$$;

comment on function pgledger.counts_as_billed is
  'Whether what an invoice bills counts as billed for another one that is computed.';

revoke all on function pgledger.counts_as_billed from public;
