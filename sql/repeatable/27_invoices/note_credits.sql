/*
Notes what became of the credits of an invoice, for the next block of changes. The caller has locked
it.
*/
create or replace function pgledger.note_credits(
  invoice_key bigint,
  change text,
  at timestamptz
)
returns void
language sql
volatile
parallel unsafe
as $$
  select pgledger.note_change(
    'credit', source.id, note_credits.change, note_credits.at, source.app_id, source.tenant_id,
    jsonb_build_object(
      'to_invoice_id', target.id,
      'amount', given.amount::text,
      'refund', given.refund::text,
      'currency', source.currency
    )
  )
  from pgledger.invoice_credits as given
  inner join pgledger.invoices as source on given.from_invoice_key = source.key
  inner join pgledger.invoices as target on given.to_invoice_key = target.key
  where given.from_invoice_key = note_credits.invoice_key
  order by target.key
$$;

comment on function pgledger.note_credits is
  'Notes what became of the credits of an invoice, for the next block of changes.';

revoke all on function pgledger.note_credits from public;
