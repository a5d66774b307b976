/*
A charge for usage of a feature by a plan, less what other invoices have billed of it. If more was
billed than it comes to, its amounts together give back what was paid of that: they are reduced by
the share that the discount had. gross_amount, gross_true_up and gross_cap then say what they were
before, and are null otherwise.
*/
create or replace function pgledger.less_billed_usage(
  subscription_key bigint,
  for_period timestamptz,
  for_invoice pgledger.invoices,
  plan_key bigint,
  feature_key text,
  exponent integer,
  inout quantity numeric,
  inout amount numeric,
  inout true_up numeric,
  inout cap numeric,
  inout events bigint,
  out gross_amount numeric,
  out gross_true_up numeric,
  out gross_cap numeric
)
language plpgsql
stable
parallel safe
as $$
declare
  v_billed record;
  v_gross numeric;
begin
  select
    coalesce(sum(billed.quantity), 0) as quantity, coalesce(sum(billed.amount), 0) as amount,
    coalesce(sum(billed.true_up), 0) as true_up, coalesce(sum(billed.cap), 0) as cap,
    coalesce(sum(billed.net), 0) as net, coalesce(sum(billed.events), 0) as events
  into v_billed
  from pgledger.billed_usage(subscription_key, for_period, for_invoice, false) as billed
  where billed.item = feature_key
    and billed.plan_key = less_billed_usage.plan_key;
  quantity := quantity - v_billed.quantity;
  amount := amount - v_billed.amount;
  true_up := true_up - v_billed.true_up;
  cap := cap - v_billed.cap;
  events := events - v_billed.events;

  v_gross := v_billed.amount + v_billed.true_up + v_billed.cap;
  if v_billed.net <> v_gross and amount + true_up + cap < 0 then
    gross_amount := amount;
    gross_true_up := true_up;
    gross_cap := cap;
    true_up := pgledger.rounded_quotient(gross_true_up * v_billed.net, v_gross, exponent);
    cap := pgledger.rounded_quotient(gross_cap * v_billed.net, v_gross, exponent);
    amount := pgledger.rounded_quotient(
      (gross_amount + gross_true_up + gross_cap) * v_billed.net, v_gross, exponent
    ) - true_up - cap;
  end if;
end;
$$;

comment on function pgledger.less_billed_usage is
  'A charge for usage less what other invoices have billed of it.';

revoke all on function pgledger.less_billed_usage from public;
