/*
Writes a new invoice with its lines, and returns its key: a draft, or one that pgledger.as_final has
made final. Its id and time are made here where they are not given.
*/
create or replace function pgledger.store_invoice(
  invoice pgledger.invoices,
  lines pgledger.invoice_lines[]
)
returns bigint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_now timestamptz := coalesce(invoice.created_at, pgledger.clock());
  v_key bigint;
begin
  insert into pgledger.invoices (
    id, app_id, tenant_id, subscription_key, kind, period_start, period_end, status, currency,
    subtotal, discount, tax, total, credits_applied, amount_due, amount_paid, refund_due,
    unapplied, tax_rates, change_version, rival_changes, finalized_at, due_at, paid_at, version,
    metadata, created_at, updated_at
  )
  values (
    coalesce(invoice.id, 'inv_' || pgledger.new_ulid(v_now)), invoice.app_id, invoice.tenant_id,
    invoice.subscription_key, invoice.kind, invoice.period_start, invoice.period_end,
    coalesce(invoice.status, 'draft'), invoice.currency, invoice.subtotal, invoice.discount,
    invoice.tax, invoice.total, invoice.credits_applied, invoice.amount_due, invoice.amount_paid,
    invoice.refund_due, invoice.unapplied, invoice.tax_rates, invoice.change_version,
    invoice.rival_changes, invoice.finalized_at, invoice.due_at, invoice.paid_at,
    coalesce(invoice.version, 1), invoice.metadata, v_now, v_now
  )
  -- The subscription's lock keeps others out. But a snapshot that is older than the lock may not
  -- show an invoice that was written before: then this is a serialization failure. The index is
  -- partial, so there is no constraint to name.
  on conflict (subscription_key, kind, period_start, change_version)
  where status <> 'voided'
  do nothing
  returning invoices.key into v_key;
  perform pgledger.store_lines(v_key, lines);
  return v_key;
end;
$$;

comment on function pgledger.store_invoice is
  'Writes a new invoice with its lines, and returns its key.';

revoke all on function pgledger.store_invoice from public;
