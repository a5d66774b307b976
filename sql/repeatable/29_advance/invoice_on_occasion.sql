/*
The invoice for an occasion; null if there is nothing to charge, or it is final already. A base fee
has an invoice of its own only where nothing has been billed for its period. A period's draft that
was there may still say what was to follow when it was drawn up: it is computed anew, and then looked
at.

With to_finalize, a draft that was there is locked and computed anew, the coupons are used up, and
it is made final, but for its number; it is computed again as often as another invoice has used up
one of the coupons meanwhile.
*/
create or replace function pgledger.invoice_on_occasion(
  subscription pgledger.subscriptions,
  kind text,
  period_start timestamptz,
  change_version bigint,
  to_finalize boolean
)
returns bigint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_invoice pgledger.invoices;
  v_key bigint;
begin
  v_invoice := (
    select invoices
    from pgledger.invoices
    where invoices.subscription_key = subscription.key
      and invoices.kind = invoice_on_occasion.kind
      and invoices.period_start = invoice_on_occasion.period_start
      and invoices.change_version = invoice_on_occasion.change_version
      and invoices.status <> 'voided'
    -- The caller's lock on the subscription keeps others from its drafts already. This one makes
    -- a transaction whose snapshot still shows what was deleted since fail here, with 40001.
    for no key update
  );
  if v_invoice.key is null then
    if kind = 'start' then
      v_invoice.kind := kind;
      v_invoice.period_start := period_start;
      perform
      from pgledger.billed_base(
        subscription.key, invoice_on_occasion.period_start, v_invoice
      );
      if found then
        return null;
      end if;
    end if;
    v_key := pgledger.find_or_draft_invoice(
      subscription, kind, period_start, change_version, null, false
    );
  elsif v_invoice.status = 'draft' and (to_finalize or kind = 'period') then
    v_key := v_invoice.key;
    perform pgledger.redraw_invoice(v_invoice, subscription);
  end if;

  if to_finalize and v_key is not null then
    while not pgledger.use_coupons(v_key) loop
      perform pgledger.redraw_invoice(
        (select invoices from pgledger.invoices where invoices.key = v_key), subscription
      );
    end loop;
    perform pgledger.finalize_invoices(subscription.app_id, array[v_key]);
  end if;
  return v_key;
end;
$$;

comment on function pgledger.invoice_on_occasion is
  'The invoice for an occasion to invoice a subscription, or null.';

revoke all on function pgledger.invoice_on_occasion from public;
