/*
The final invoices that have billed what an invoice gives back. An invoice gives something back
where its lines for the same plan, item and period of the subscription, and of a base fee for the
same quantity, come to less than zero after discounts.
*/
create or replace function pgledger.credited_invoices(invoice_key bigint)
returns setof bigint
language sql
stable
parallel safe
as $$
  with credit as (
    select
      line.subscription_key, line.for_period, line.plan_key, line.item,
      line.gross is null as is_usage,
      case when line.gross is not null then line.quantity end as quantity
    from pgledger.invoice_lines as line
    where line.invoice_key = credited_invoices.invoice_key and line.subscription_key is not null
    group by 1, 2, 3, 4, 5, 6
    having sum(line.amount - line.discount) < 0
  )
  select distinct billed.key
  from (
    select invoices.key
    from credit
    inner join pgledger.invoice_lines as line
      on credit.subscription_key = line.subscription_key
      and credit.for_period = line.for_period
      and credit.plan_key = line.plan_key
      and credit.item = line.item
      and credit.is_usage = (line.gross is null)
      and (credit.is_usage or credit.quantity = line.quantity)
    inner join pgledger.invoices on line.invoice_key = invoices.key
    where invoices.status not in ('draft', 'voided')
      and invoices.key <> credited_invoices.invoice_key
    group by
      invoices.key, credit.for_period, credit.plan_key, credit.item, credit.is_usage,
      credit.quantity
    having sum(line.amount - line.discount) > 0
  ) as billed
$$;

comment on function pgledger.credited_invoices is
  'Final invoices that have billed what an invoice gives back.';

revoke all on function pgledger.credited_invoices from public;
