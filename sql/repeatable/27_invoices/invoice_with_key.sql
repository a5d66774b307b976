/*
The invoice with that key as applications see it, or null.
*/
create or replace function pgledger.invoice_with_key(key bigint)
returns @extschema@.ledger_invoice
language sql
stable
parallel safe
as $$
  select
    pgledger.show_invoice(
      invoices,
      array(
        select invoice_lines
        from pgledger.invoice_lines
        where invoice_lines.invoice_key = invoices.key
        order by invoice_lines.place
      )
    )
  from pgledger.invoices
  where invoices.key = invoice_with_key.key
$$;

comment on function pgledger.invoice_with_key is
  'The invoice with that key as the view ledger_invoices shows it, or null.';

revoke all on function pgledger.invoice_with_key from public;
