/*
Makes a draft final: computes it anew a last time, uses up the coupons that reduce it, and gives it
the app's next number. From then on only its state and its payments move. One with nothing due is
paid at once. One that is final already is returned as it is. Drafts that it goes on from come
first.

Locks the subscription, the draft, what the tenant has left of coupons, and the app's numbers, in
this order; the last until the transaction ends, so commit soon.
Checks, in this order: app_id, tenant_id, id, existence, due_at, state, end of the period, earlier
drafts.
Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound, InvalidTime, InvalidState.
*/
create or replace function ledger_finalize_invoice(
  app_id text,
  tenant_id text,
  id text,
  due_at timestamptz default null
)
returns ledger_invoice
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
begin
  v_invoice := pgledger.lock_draft(app_id, tenant_id, id, 'pending');
  if due_at is not null and pgledger.time_fault(due_at) is not null then
    perform pgledger.fail(
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
      perform pgledger.refuse_invoice_move(
        v_invoice, format('pending before its period ends at %s', v_period.ends_at)
      );
    end if;
  end if;

  perform pgledger.check_no_earlier_draft(v_invoice);
  loop
    perform pgledger.redraw_invoice(v_invoice, v_subscription);
    exit when pgledger.use_coupons(v_invoice.key);
  end loop;
  perform pgledger.finalize_invoices(app_id, array[v_invoice.key], due_at);
  return pgledger.invoice_with_key(v_invoice.key);
end;
$$;

comment on function ledger_finalize_invoice is
$$Makes a draft final, with a number.

It is computed anew and uses up its coupons; nothing on it changes afterwards
but its state and its payments. Numbers are taken one transaction after the
other, so commit soon.

[[was: Makes a draft final and returns it: computed anew a last time, with the
app's next number, pending, or paid if nothing is due.]]

app_id: App.
tenant_id: Who is billed.
id: The invoice's id.
due_at: When it is to be paid; null for the app's payment terms from now on
  (ledger_set_payment_terms). [[was: when it is to be paid; null for the app's
  payment terms from now, 30 days unless ledger_set_payment_terms says
  otherwise. The invoice of a period becomes final after the period's end.
  Numbers are taken one transaction after the other, so commit soon.]], or
  null.

Returns: The invoice, pending, or paid where nothing is due; a second time it
  does not change while it is so.

Errors: NullArgument, InvalidScope, InvalidId, InvoiceNotFound (the tenant has
  no such invoice), InvalidTime (due_at is outside the years 1 to 9999),
  InvalidState (it has gone on from there, or the period it is for is not
  over).$$;

revoke all on function ledger_finalize_invoice from public;
grant execute on function ledger_finalize_invoice to pgledger_poster;
