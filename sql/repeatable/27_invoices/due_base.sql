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
returns pgledger.base_charge[]
language plpgsql
stable
parallel safe
as $$
declare
  v_part pgledger.billing_segment := segments[1];
  v_billed record;
  v_base jsonb;
  v_charge pgledger.base_charge;
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
    return '{}';
  elsif cardinality(segments) <> 1 or v_part.status <> 'active' or v_billed.lines > 0
    or v_part.starts_at > v_part.whole_start or v_part.ends_at < v_part.whole_end then
    return array(
      select part
      from pgledger.changed_base(
        subscription, for_period, segments, advance_only, for_invoice, exponent
      ) as part
      where part.due <> part.gross
    );
  end if;

  v_base := (pgledger.plan_terms(v_part.plan_key, v_part.starts_at)).pricing -> 'base';
  v_charge.price := (v_base ->> 'amount')::numeric;
  v_charge.due := round(v_charge.price * v_part.quantity, exponent);
  if (v_charge.due > 0) is not true
    or advance_only and coalesce(v_base ->> 'billed', 'advance') <> 'advance' then
    return '{}';
  end if;
  v_charge.plan_key := v_part.plan_key;
  v_charge.quantity := v_part.quantity;
  v_charge.plan_name := (select plans.name from pgledger.plans where plans.key = v_part.plan_key);
  v_charge.proration := coalesce(v_base ->> 'proration', 'day');
  v_charge.starts_at := v_part.starts_at;
  v_charge.ends_at := v_part.ends_at;
  v_charge.length := pgledger.proration_unit(
    v_part.whole_end, v_part.whole_start, v_part.whole_end, subscription.time_zone,
    v_charge.proration
  );
  v_charge.units := v_charge.length;
  v_charge.gross := 0;
  v_charge.net := 0;
  return array[v_charge];
end;
$$;

comment on function pgledger.due_base is
  'What the base fee for a period comes to and what has been billed of it, where they differ.';

revoke all on function pgledger.due_base from public;
