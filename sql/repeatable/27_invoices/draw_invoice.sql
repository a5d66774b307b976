/*
What an invoice of a subscription comes to, with its lines, discounts and taxes; nothing is written.
Its tax rates are those given, or else the subscription's. own_key is the key of the draft that is
computed anew, if it is one: what it charges itself does not count as billed, and lines that the
application has given it stay.
*/
create or replace function pgledger.draw_invoice(
  subscription pgledger.subscriptions,
  kind text,
  period_start timestamptz,
  change_version bigint,
  tax_rates jsonb,
  own_key bigint,
  out invoice pgledger.invoices,
  out lines pgledger.invoice_lines[]
)
language plpgsql
stable
parallel safe
as $$
declare
  v_drawn record;
  v_exponent integer;
begin
  invoice.key := own_key;
  invoice.app_id := subscription.app_id;
  invoice.tenant_id := subscription.tenant_id;
  invoice.subscription_key := subscription.key;
  invoice.kind := kind;
  invoice.status := 'draft';
  invoice.period_start := period_start;
  invoice.currency := (
    select plans.currency from pgledger.plans where plans.key = subscription.plan_key
  );
  invoice.change_version := coalesce(draw_invoice.change_version, 0);
  invoice.tax_rates := coalesce(draw_invoice.tax_rates, subscription.tax_rates);

  v_exponent := pgledger.currency_exponent(invoice.app_id, invoice.currency);
  v_drawn := pgledger.draw_lines(subscription, invoice, v_exponent);
  invoice.period_end := v_drawn.period_end;
  invoice.rival_changes := v_drawn.rival_changes;
  lines := v_drawn.lines;
  if own_key is not null then
    lines := lines || pgledger.own_lines(own_key);
  end if;
  v_drawn := pgledger.complete_invoice(invoice, lines, v_exponent);
  invoice := v_drawn.invoice;
  lines := v_drawn.lines;
end;
$$;

comment on function pgledger.draw_invoice is
  'What an invoice of a subscription comes to, with its lines; nothing is written.';

revoke all on function pgledger.draw_invoice from public;
