/*
An invoice with its lines as applications see it, whether or not it is written down.
*/
create or replace function pgledger.show_invoice(
  invoice pgledger.invoices,
  lines pgledger.invoice_lines[]
)
returns @extschema@.ledger_invoice
language sql
stable
parallel safe
as $$
  select
    invoice.id,
    invoice.app_id,
    invoice.tenant_id,
    (
      select subscriptions.id
      from pgledger.subscriptions
      where subscriptions.key = invoice.subscription_key
    ),
    invoice.kind,
    invoice.period_start,
    invoice.period_end,
    invoice.status,
    invoice.number,
    invoice.currency,
    invoice.subtotal,
    invoice.discount,
    invoice.tax,
    invoice.total,
    invoice.credits_applied,
    invoice.amount_due,
    invoice.amount_paid,
    case
      when invoice.status = 'voided' then 0 * invoice.total
      else greatest(invoice.amount_due - invoice.amount_paid, 0 * invoice.total)
    end,
    invoice.refund_due,
    invoice.unapplied,
    (
      select
        coalesce(
          jsonb_agg(pgledger.line_json(line.value, invoice.created_at) order by line.place), '[]'
        )
      from (
        select
          row(
            invoice.key, given.nth::integer, given.kind, given.description, given.item,
            given.period_start, given.period_end, given.quantity, given.unit_amount,
            given.amount, given.discount, given.tax, given.subscription_key, given.for_period,
            given.plan_key, given.gross, given.counted, given.events, given.redemption_key,
            given.basis
          )::pgledger.invoice_lines as value,
          given.nth as place
        from unnest(lines) with ordinality as given (
          invoice_key, place, kind, description, item, period_start, period_end, quantity,
          unit_amount, amount, discount, tax, subscription_key, for_period, plan_key, gross,
          counted, events, redemption_key, basis, nth
        )
      ) as line
    ),
    invoice.tax_rates,
    invoice.finalized_at,
    invoice.due_at,
    invoice.paid_at,
    invoice.voided_at,
    invoice.void_reason,
    invoice.uncollectible_at,
    invoice.version,
    invoice.metadata,
    invoice.created_at,
    invoice.updated_at
$$;

comment on function pgledger.show_invoice is
  'An invoice with its lines as the view ledger_invoices shows it.';

revoke all on function pgledger.show_invoice from public;
