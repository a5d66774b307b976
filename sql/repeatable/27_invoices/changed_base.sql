/*
What pgledger.due_base answers for a period in which something has changed: what the base fee comes
to and what has been billed of it, for each plan and quantity that has been charged or billed, in
the order in which they began.

A part of the period is charged its share: the rounded share up to its end less the rounded share up
to its start. So the parts add up to the whole, wherever the period is cut.
*/
create or replace function pgledger.changed_base(
  subscription pgledger.subscriptions,
  for_period timestamptz,
  segments pgledger.billing_segment[],
  advance_only boolean,
  for_invoice pgledger.invoices,
  exponent integer
)
returns setof pgledger.base_charge
language sql
stable
parallel safe
as $$
  select
    part.plan_key, part.quantity, plans.name, part.price, part.proration, part.starts_at,
    part.ends_at, part.units, part.length, part.due, part.gross, part.net
  from (
    select
      coalesce(run.plan_key, billed.plan_key) as plan_key,
      coalesce(run.quantity, billed.quantity) as quantity,
      coalesce(run.price, billed.price) as price,
      max(run.proration) over () as proration,
      run.starts_at, run.ends_at, coalesce(run.units, 0) as units,
      max(run.length) over () as length,
      coalesce(run.due, 0) as due, coalesce(billed.gross, 0) as gross,
      coalesce(billed.net, 0) as net
    from (
      select
        base_run.plan_key, base_run.quantity, base_run.price, base_run.proration,
        min(base_run.starts_at) as starts_at, max(base_run.ends_at) as ends_at,
        sum(base_run.sign * (base_run.until - base_run.since)) as units,
        base_run.length,
        sum(
          base_run.sign * pgledger.prorated(
            base_run.price * base_run.quantity, base_run.since, base_run.until, base_run.length,
            exponent
          )
        ) as due
      from pgledger.base_runs(subscription, for_period, segments, for_invoice) as base_run
      group by
        base_run.plan_key, base_run.quantity, base_run.price, base_run.proration, base_run.length
    ) as run
    full join pgledger.billed_base(subscription.key, for_period, for_invoice) as billed
      on run.plan_key = billed.plan_key and run.quantity = billed.quantity
  ) as part
  inner join pgledger.plans on part.plan_key = plans.key
  where part.price > 0
    and (
      not advance_only
      or pgledger.base_terms(part.plan_key, segments, for_period) ->> 'billed' = 'advance'
    )
  order by part.starts_at nulls first, part.plan_key, part.quantity
$$;

comment on function pgledger.changed_base is
  'What the base fee for a period of several parts comes to and what has been billed of it.';

revoke all on function pgledger.changed_base from public;
