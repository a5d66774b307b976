/*
Refuses an invoice for a period of which usage events may have been purged, unless it is final
already and is only looked up.

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
  v_purged_before timestamptz := (
    select tenants.purged_before
    from pgledger.tenants
    where tenants.app_id = subscription.app_id and tenants.tenant_id = subscription.tenant_id
  );
  v_ok boolean;
begin
  if period_start < v_purged_before and not exists (
    select
    from pgledger.invoices
    where invoices.subscription_key = subscription.key
      and invoices.kind = check_usage_not_purged.kind
      and invoices.period_start = check_usage_not_purged.period_start
      and invoices.status not in ('draft', 'voided')
  ) then
    v_ok := pgledger.fail(
      'UsagePurged', array['period_start', period_start::text, v_purged_before::text]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_usage_not_purged is
  'Raises UsagePurged if usage events of a period to be invoiced may have been purged.';

revoke all on function pgledger.check_usage_not_purged from public;
