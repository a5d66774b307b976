/*
What is left to bill of the usage of a subscription's period as known by an invoice: what is due,
less what has been billed for good. Once the period's own invoice is final (is_closed), its prices
are those that it was billed at.
*/
create or replace function pgledger.unbilled_usage(
  subscription pgledger.subscriptions,
  for_period timestamptz,
  segments pgledger.billing_segment[],
  for_invoice pgledger.invoices,
  is_closed boolean,
  exponent integer,
  items text[] default null
)
returns pgledger.usage_charge[]
language plpgsql
stable
parallel safe
as $$
declare
  v_bills pgledger.billed_charge[] := '{}';
  v_charges pgledger.usage_charge[];
begin
  -- Nearly always nothing has been billed, and to see that is cheaper than to add it up.
  if exists (
    select
    from pgledger.invoice_lines
    where invoice_lines.subscription_key = subscription.key
      and invoice_lines.for_period = unbilled_usage.for_period
      and invoice_lines.gross is null
  ) then
    v_bills := array(
      select bill
      from pgledger.billed_usage(subscription.key, for_period, for_invoice) as bill
    );
  end if;
  v_charges := pgledger.due_usage(subscription, segments, v_bills, is_closed, exponent, items);
  if cardinality(v_bills) > 0 then
    for v_place in 1 .. cardinality(v_charges) loop
      v_charges[v_place] := pgledger.less_billed_usage(v_charges[v_place], v_bills, exponent);
    end loop;
  end if;
  return v_charges;
end;
$$;

comment on function pgledger.unbilled_usage is
  'What is left to bill of usage in a period: what is due, less what has been billed.';

revoke all on function pgledger.unbilled_usage from public;
