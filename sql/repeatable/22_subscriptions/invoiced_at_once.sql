/*
Whether a change of plan or quantity is invoiced at once: if that is asked for, or, where nothing is
said, if the period is longer than a month or 31 days. Only what goes on active in its period has
something to be invoiced: a trial or a pause charges nothing, and a period that begins is invoiced
anyway.
*/
create or replace function pgledger.invoiced_at_once(
  invoice text,
  before pgledger.subscriptions,
  after pgledger.subscriptions
)
returns boolean
language sql
immutable
parallel safe
as $$
  select
    after.status = 'active'
    and before.status = 'active'
    and after.current_period_start = before.current_period_start
    and coalesce(
      -- Another period began at the very start of the one that may have been billed.
      nullif(after.current_period_end <> before.current_period_end, false),
      invoice = 'now',
      case after.billing_interval
        when 'year' then true
        when 'month' then after.interval_count > 1
        when 'week' then after.interval_count > 4
        else after.interval_count > 31
      end
    )
$$;

comment on function pgledger.invoiced_at_once is
  'Whether a change of plan or quantity is invoiced at once, and not with the period.';

revoke all on function pgledger.invoiced_at_once from public;
