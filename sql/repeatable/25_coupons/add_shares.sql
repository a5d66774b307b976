/*
Lines with their shares of a discount and of a tax added, in their order; null for none.
*/
create or replace function pgledger.add_shares(
  lines pgledger.invoice_lines[],
  discounts numeric[],
  taxes numeric[]
)
returns pgledger.invoice_lines[]
language sql
immutable
parallel safe
as $$
  select
    array_agg(
      row(
        line.invoice_key, line.place, line.kind, line.description, line.item, line.period_start,
        line.period_end, line.quantity, line.unit_amount, line.amount,
        line.discount + coalesce(discounts[line.nth], 0),
        line.tax + coalesce(taxes[line.nth], 0),
        line.subscription_key, line.for_period, line.plan_key, line.gross, line.counted,
        line.events, line.redemption_key, line.basis
      )::pgledger.invoice_lines
      order by line.nth
    )
  from unnest(lines) with ordinality as line (
    invoice_key, place, kind, description, item, period_start, period_end, quantity, unit_amount,
    amount, discount, tax, subscription_key, for_period, plan_key, gross, counted, events,
    redemption_key, basis, nth
  )
$$;

comment on function pgledger.add_shares is
  'Lines with their shares of a discount and of a tax added.';

revoke all on function pgledger.add_shares from public;
