/*
What invoices have charged for good for a subscription's usage, one row for each period,
plan and feature: the amounts before discounts, and net, what was left of their sum after them. What
counts is in pgledger.counts_as_billed.

earlier: the periods before for_period, instead of that period itself.
*/
create or replace function pgledger.billed_usage(
  subscription_key bigint,
  for_period timestamptz,
  for_invoice pgledger.invoices,
  earlier boolean
)
returns table (
  for_period timestamptz,
  plan_key bigint,
  item text,
  starts_at timestamptz,
  ends_at timestamptz,
  quantity numeric,
  amount numeric,
  true_up numeric,
  cap numeric,
  net numeric,
  events bigint,
  basis jsonb
)
language sql
stable
parallel safe
as $$
  select
    invoice_lines.for_period,
    invoice_lines.plan_key,
    invoice_lines.item,
    min(invoice_lines.period_start),
    max(invoice_lines.period_end),
    coalesce(sum(invoice_lines.quantity) filter (where invoice_lines.events is not null), 0),
    coalesce(sum(part.gross) filter (where invoice_lines.kind not in ('true_up', 'cap')), 0),
    coalesce(sum(part.gross) filter (where invoice_lines.kind = 'true_up'), 0),
    coalesce(sum(part.gross) filter (where invoice_lines.kind = 'cap'), 0),
    sum(invoice_lines.amount - invoice_lines.discount),
    coalesce(sum(invoice_lines.events), 0),
    -- The price of the last line, without what is said of that line alone.
    (
      array_agg(invoice_lines.basis order by invoice_lines.invoice_key desc)
      filter (where invoice_lines.events is not null)
    )[1] - '{gross,billed_with,taxes}'::text[]
  from pgledger.invoice_lines
  inner join pgledger.invoices on invoice_lines.invoice_key = invoices.key
  cross join lateral (
    select
      coalesce((invoice_lines.basis ->> 'gross')::numeric, invoice_lines.amount) as gross
  ) as part
  where invoice_lines.subscription_key = billed_usage.subscription_key
    and invoice_lines.gross is null
    and pgledger.counts_as_billed(invoices, billed_usage.for_invoice)
    and case
      when earlier then invoice_lines.for_period < billed_usage.for_period
      else invoice_lines.for_period = billed_usage.for_period
    end
  group by 1, 2, 3
$$;

comment on function pgledger.billed_usage is
  'What invoices have charged for usage, by period, plan and feature.';

revoke all on function pgledger.billed_usage from public;
