/*
What coupons can take off each line of an invoice, in their order: all of a charge, nothing of a
credit. Lines for the same usage are one charge. What a credit among them gives back, because it is
above a maximum or was billed before, cannot be taken off again: it lowers the first of these lines
first.
*/
create or replace function pgledger.discountable(lines pgledger.invoice_lines[])
returns numeric[]
language sql
immutable
parallel safe
as $$
  select array_agg(least(part.charge, greatest(part.until - part.less, 0)) order by part.nth)
  from (
    select
      line.nth,
      greatest(line.amount, 0) as charge,
      sum(greatest(line.amount, 0)) over (usage_of_item order by line.nth) as until,
      sum(greatest(-line.amount, 0)) over usage_of_item as less
    from unnest(lines) with ordinality as line (
      invoice_key, place, kind, description, item, period_start, period_end, quantity, unit_amount,
      amount, discount, tax, subscription_key, for_period, plan_key, gross, counted, events,
      redemption_key, basis, nth
    )
    window usage_of_item as (
      partition by
        line.for_period, line.plan_key, line.item,
        case when line.subscription_key is null or line.gross is not null then line.nth end
    )
  ) as part
$$;

comment on function pgledger.discountable is 'What coupons can take off each line of an invoice.';

revoke all on function pgledger.discountable from public;
