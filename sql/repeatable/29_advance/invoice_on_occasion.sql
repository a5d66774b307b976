/*
The invoice for an occasion; null if there is nothing to charge, or it is final already. A base fee
has an invoice of its own only where nothing has been billed for its period. A period's draft that
was there may still say what was to follow when it was drawn up, so it is computed anew.

With to_finalize, a draft that was there is locked and computed anew, the coupons are used up, and
it is made final, but for its number; it is computed again as often as another invoice has used up
one of the coupons meanwhile. A new one that uses no coupon is written final at once, because to
make it so by an update costs as much as to insert it.
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
  v_drawn record;
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
    v_drawn := pgledger.draw_invoice(
      subscription, kind, period_start, change_version, null, null
    );
    if cardinality(v_drawn.lines) = 0 then
      return null;
    end if;
    v_invoice := v_drawn.invoice;
    if to_finalize and v_invoice.discount = 0 then
      v_invoice.created_at := pgledger.clock();
      v_invoice := pgledger.as_final(v_invoice, v_invoice.created_at, null);
    end if;
    v_key := pgledger.store_invoice(v_invoice, v_drawn.lines);
    if v_invoice.total < 0 and v_invoice.status <> 'draft' then
      perform pgledger.settle_credit(v_key, v_invoice.finalized_at);
    end if;
  elsif v_invoice.status = 'draft' and (to_finalize or kind = 'period') then
    v_key := v_invoice.key;
    perform pgledger.redraw_invoice(v_invoice, subscription);
  end if;

  if v_invoice.status = 'draft' and to_finalize then
    while not pgledger.use_coupons(v_key) loop
      perform pgledger.redraw_invoice(
        (select invoices from pgledger.invoices where invoices.key = v_key), subscription
      );
    end loop;
    perform pgledger.finalize_invoice(v_key);
  end if;
  return v_key;
end;
$$;

comment on function pgledger.invoice_on_occasion is
  'The invoice for an occasion to invoice a subscription, or null.';

revoke all on function pgledger.invoice_on_occasion from public;
