/*
Refuses an invoice for a period that ends at or before the purge line, unless it is final already
and is only looked up. Usage of such a period is not taken any more, and what is needed to add it up
anew is kept only until it is settled. A period that the line lies in is added up exactly.

Errors: UsagePurged.
*/
create or replace function pgledger.check_usage_not_purged(
  subscription pgledger.subscriptions,
  kind text,
  period_start timestamptz
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_period record := pgledger.billing_period(subscription, period_start);
  v_purged_before timestamptz := (
    -- What an interim invoice looks at is kept until it is settled.
    select case when kind = 'interim' then tenants.settled_before else tenants.purged_before end
    from pgledger.tenants
    where tenants.app_id = subscription.app_id and tenants.tenant_id = subscription.tenant_id
  );
  v_ok boolean;
begin
  if v_period.ends_at <= v_purged_before and not exists (
    select
    from pgledger.invoices
    where invoices.subscription_key = subscription.key
      -- There is always another interim invoice.
      and check_usage_not_purged.kind = 'period'
      and invoices.kind = check_usage_not_purged.kind
      and invoices.period_start = check_usage_not_purged.period_start
      and invoices.status not in ('draft', 'voided')
  ) then
    v_ok := pgledger.fail(
      'UsagePurged', array['period_start', period_start::text, v_purged_before::text],
      hint => 'Invoice a period before you purge its usage: this one can no longer be worked out.'
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_usage_not_purged is
  'Raises UsagePurged if a period to be invoiced lies before the purge line.';

revoke all on function pgledger.check_usage_not_purged from public;
