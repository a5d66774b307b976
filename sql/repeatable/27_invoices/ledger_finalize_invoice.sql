/*
Locks the subscription, the draft, what the tenant has left of coupons, and the app's numbers, in
this order; the last until the transaction ends. Computes the draft anew until no coupon that it
uses has been used up by another invoice meanwhile.
Checks, in this order: app_id, tenant_id, id, existence, status, due_at, end of the period, earlier
drafts.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidState, InvalidTime.
*/
create or replace function @extschema@.ledger_finalize_invoice(
  app_id text,
  tenant_id text,
  id text,
  due_at timestamptz default null
)
returns @extschema@.ledger_invoice
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_invoice pgledger.invoices;
  v_subscription pgledger.subscriptions;
  v_period record;
  v_ok boolean;
begin
  v_invoice := pgledger.lock_draft(app_id, tenant_id, id, 'pending');
  if due_at is not null and pgledger.time_fault(due_at) is not null then
    v_ok := pgledger.fail(
      'InvalidTime', array['due_at', due_at::text, pgledger.time_fault(due_at)]
    );
  end if;

  if v_invoice.status <> 'draft' then
    return pgledger.invoice_with_key(v_invoice.key);
  end if;

  v_subscription := (
    select subscriptions
    from pgledger.subscriptions
    where subscriptions.key = v_invoice.subscription_key
  );
  if v_invoice.kind = 'period' then
    v_period := pgledger.billing_period(v_subscription, v_invoice.period_start);
    if not v_period.is_over then
      v_ok := pgledger.refuse_invoice_move(
        v_invoice, format('pending before its period ends at %s', v_period.ends_at)
      );
    end if;
  end if;

  v_ok := pgledger.check_no_earlier_draft(v_invoice);
  loop
    perform pgledger.redraw_invoice(v_invoice, v_subscription);
    exit when pgledger.use_coupons(v_invoice.key);
  end loop;
  perform pgledger.finalize_invoice(v_invoice.key, due_at);
  perform pgledger.number_invoices(app_id, array[v_invoice.key]);
  return pgledger.invoice_with_key(v_invoice.key);
end;
$$;

comment on function @extschema@.ledger_finalize_invoice is
$$Makes a draft final, with the app's next number.

It is computed anew a last time and uses up its coupons. From then on nothing
on it changes but its state and its payments. Drafts of the same subscription
that it goes on from come first.

Numbers are taken one transaction after the other, so commit soon.

app_id: App that the tenant belongs to.
tenant_id: Who is billed.
id: Which invoice: inv_ and a ULID.
due_at: When it is to be paid; null for the app's payment terms from now on
  (ledger_set_payment_terms).

Returns: The invoice, pending, or paid where nothing is due. One that is so
  already is returned as it is.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice), InvalidState (it is past due, uncollectible, voided, or
  paid by payments, the period it is for is not over, or an earlier draft
  comes first), InvalidTime (due_at is outside the years 1 to 9999).$$;

revoke all on function @extschema@.ledger_finalize_invoice from public;
grant execute on function @extschema@.ledger_finalize_invoice to pgledger_poster;
