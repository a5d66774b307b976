/*
What the base fee for a subscription's period comes to and what has been billed of it, where the two
differ. Nearly always the period has one part, which either has been billed, or is whole and has
not. These two cases are answered here, which is cheaper; pgledger.changed_base does the rest.
*/
create or replace function pgledger.due_base(
  subscription pgledger.subscriptions,
  for_period timestamptz,
  segments pgledger.billing_segment[],
  advance_only boolean,
  for_invoice pgledger.invoices,
  exponent integer
)
returns table (
  plan_key bigint,
  quantity numeric,
  plan_name text,
  price numeric,
  proration text,
  starts_at timestamptz,
  ends_at timestamptz,
  units numeric,
  length numeric,
  due numeric,
  gross numeric,
  net numeric
)
language plpgsql
stable
parallel safe
as $$
declare
  v_part pgledger.billing_segment := segments[1];
  v_billed record;
begin
  select
    count(*) as lines,
    bool_and(
      invoice_lines.gross > 0
      and invoice_lines.plan_key = v_part.plan_key
      and invoice_lines.quantity = v_part.quantity
      and invoice_lines.period_start = v_part.starts_at
      and invoice_lines.period_end = v_part.ends_at
    ) as is_the_same
  into v_billed
  from pgledger.invoice_lines
  inner join pgledger.invoices on invoice_lines.invoice_key = invoices.key
  where invoice_lines.subscription_key = subscription.key
    and invoice_lines.for_period = due_base.for_period
    and invoice_lines.gross is not null
    and pgledger.counts_as_billed(invoices, for_invoice);

  if cardinality(segments) = 1 and v_part.status = 'active' and v_billed.lines = 1
    and v_billed.is_the_same then
    return;
  elsif cardinality(segments) <> 1 or v_part.status <> 'active' or v_billed.lines > 0
    or v_part.starts_at > v_part.whole_start or v_part.ends_at < v_part.whole_end then
    return query
    select
      part.plan_key, part.quantity, part.plan_name, part.price, part.proration, part.starts_at,
      part.ends_at, part.units, part.length, part.due, part.gross, part.net
    from pgledger.changed_base(
      subscription, for_period, segments, advance_only, for_invoice, exponent
    ) as part
    where part.due <> part.gross;
    return;
  end if;

  return query
  select
    plans.key, v_part.quantity, plans.name, terms.price, terms.proration, v_part.starts_at,
    v_part.ends_at, whole.length, whole.length, terms.due, 0::numeric, 0::numeric
  from pgledger.plans
  cross join lateral (
    select
      (asked.pricing #>> '{base,amount}')::numeric as price,
      coalesce(asked.pricing #>> '{base,billed}', 'advance') as billed,
      coalesce(asked.pricing #>> '{base,proration}', 'day') as proration,
      round((asked.pricing #>> '{base,amount}')::numeric * v_part.quantity, exponent) as due
    from pgledger.plan_terms(v_part.plan_key, v_part.starts_at) as asked
  ) as terms
  cross join lateral (
    select
      pgledger.proration_unit(
        v_part.whole_end, v_part.whole_start, v_part.whole_end, subscription.time_zone,
        terms.proration
      ) as length
  ) as whole
  where plans.key = v_part.plan_key
    and terms.due > 0
    and (not advance_only or terms.billed = 'advance');
end;
$$;

comment on function pgledger.due_base is
  'What the base fee for a period comes to and what has been billed of it, where they differ.';

revoke all on function pgledger.due_base from public;
