/*
Writes an imported invoice, makes it final, and records its payment if there was one. If a repeated
call has written it meanwhile, it stays as it is.

Errors: IdempotencyConflict, InvalidState.
*/
create or replace function pgledger.write_import(
  invoice pgledger.invoices,
  lines pgledger.invoice_lines[],
  due_at timestamptz,
  paid_at timestamptz,
  reference text,
  now timestamptz
)
returns @extschema@.ledger_invoice
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_key bigint;
  v_constraint text;
  v_ok boolean;
begin
  if invoice.subscription_key is null then
    v_key := pgledger.insert_one_off_invoice(invoice, lines);
  else
    begin
      v_key := pgledger.store_invoice(invoice, lines);
    exception
      when unique_violation then
        get stacked diagnostics v_constraint = constraint_name;
        if v_constraint is distinct from 'invoices_id_key' then
          raise;
        end if;
        v_ok := pgledger.fail('IdempotencyConflict', array['id', invoice.id]);
    end;
    v_ok := pgledger.check_no_earlier_draft(
      (select invoices from pgledger.invoices where invoices.key = v_key)
    );
  end if;
  invoice := (
    select invoices from pgledger.invoices where invoices.key = v_key for no key update
  );

  if invoice.status = 'draft' then
    perform pgledger.finalize_invoice(v_key, due_at);
    if paid_at is not null and invoice.amount_due > 0 then
      perform pgledger.pay_invoice(
        (select invoices from pgledger.invoices where invoices.key = v_key),
        invoice.amount_due, paid_at, reference, null, now
      );
    end if;
    perform pgledger.number_invoices(invoice.app_id, array[v_key]);
  end if;
  return pgledger.invoice_with_key(v_key);
end;
$$;

comment on function pgledger.write_import is
  'Writes an imported invoice, final, with its payment if there was one.';

revoke all on function pgledger.write_import from public;
