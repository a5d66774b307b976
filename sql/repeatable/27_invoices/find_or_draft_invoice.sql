/*
The key of a subscription's invoice of a kind and start that is not voided. If there is none, one is
drawn up as a draft, even if it has no lines.

The subscription is locked, so that two calls never draw up the same invoice.
*/
create or replace function pgledger.find_or_draft_invoice(
  subscription pgledger.subscriptions,
  kind text,
  period_start timestamptz,
  change_version bigint,
  tax_rates jsonb
)
returns bigint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_key bigint := (
    select invoices.key
    from pgledger.invoices
    where invoices.subscription_key = subscription.key
      and invoices.kind = find_or_draft_invoice.kind
      and invoices.period_start = find_or_draft_invoice.period_start
      and invoices.change_version = coalesce(find_or_draft_invoice.change_version, 0)
      and invoices.status <> 'voided'
  );
  v_drawn record;
begin
  if v_key is null then
    v_drawn := pgledger.draw_invoice(
      subscription, kind, period_start, change_version, tax_rates, null
    );
    v_key := pgledger.store_invoice(v_drawn.invoice, v_drawn.lines);
  end if;
  return v_key;
end;
$$;

comment on function pgledger.find_or_draft_invoice is
  'The key of a subscription''s invoice for a period, drawn up if there is none.';

revoke all on function pgledger.find_or_draft_invoice from public;
