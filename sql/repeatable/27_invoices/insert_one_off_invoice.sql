/*
Writes a one-off draft and its lines, and returns its key; if a repeated call has written it
meanwhile, the key of that. Whoever writes an invoice of the same id at the same time goes first or
waits.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.insert_one_off_invoice(
  invoice pgledger.invoices,
  lines pgledger.invoice_lines[]
)
returns bigint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_key bigint;
begin
  loop
    insert into pgledger.invoices (
      id, app_id, tenant_id, kind, currency, subtotal, discount, tax, total, credits_applied,
      amount_due, tax_rates, metadata, created_at, updated_at
    )
    values (
      invoice.id, invoice.app_id, invoice.tenant_id, invoice.kind, invoice.currency,
      invoice.subtotal, invoice.discount, invoice.tax, invoice.total, invoice.credits_applied,
      invoice.amount_due, invoice.tax_rates, invoice.metadata, invoice.created_at,
      invoice.created_at
    )
    on conflict on constraint invoices_id_key do nothing
    returning invoices.key into v_key;

    if found then
      perform pgledger.store_lines(v_key, lines);
      return v_key;
    end if;

    v_key := pgledger.repeated_invoice(invoice, lines);
    if v_key is not null then
      return v_key;
    end if;
    -- The draft that had the id has been deleted meanwhile.
  end loop;
end;
$$;

comment on function pgledger.insert_one_off_invoice is
  'Writes a one-off draft and returns its key; raises if its id is taken by another.';

revoke all on function pgledger.insert_one_off_invoice from public;
