/*
Refuses a soft limit of a priced feature that is not for the billing period. Such a limit is the
price's allowance: an invoice charges for what the usage of the billing period has above it, and an
allowance for each day, for example, would mean nothing to that.

Errors: InvalidPlan.
*/
create or replace function pgledger.check_priced_limit(
  feature pgledger.plan_features,
  billing_interval text,
  interval_count integer
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if feature.type = 'metered'
    and feature.soft_limit
    and feature.quota >= 0
    and feature.period <> 'billing'
    and pgledger.interval_length(feature.period, 1)
    is distinct from pgledger.interval_length(billing_interval, interval_count) then
    v_ok := pgledger.refuse_json(
      to_jsonb(feature.period),
      format('$.features[%s].period', feature.place),
      'is not as long as the billing period: the soft limit is an allowance of a price, and '
      'counts over that'
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_priced_limit is
  'Raises InvalidPlan if a soft limit of a priced feature is not for the billing period.';

revoke all on function pgledger.check_priced_limit from public;
