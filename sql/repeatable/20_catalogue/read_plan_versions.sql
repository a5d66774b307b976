/*
Checks what a plan asks from a time on: at each time at which something else begins to hold, its
pricing against its features. Returns the billing period that the first of them sets.

Errors: InvalidPlan.
*/
create or replace function pgledger.read_plan_versions(
  plan_key bigint,
  since timestamptz,
  out billing_interval text,
  out interval_count integer
)
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_terms record;
  v_period record;
begin
  for v_terms in
    select terms.pricing, terms.features
    from (
      select distinct plan_versions.effective_at
      from pgledger.plan_versions
      where plan_versions.plan_key = read_plan_versions.plan_key
        and plan_versions.effective_at >= since
    ) as beginning
    cross join lateral pgledger.plan_terms(
      read_plan_versions.plan_key, beginning.effective_at
    ) as terms
    order by beginning.effective_at
  loop
    v_period := pgledger.read_pricing(
      v_terms.pricing,
      array(
        select jsonb_populate_record(null::pgledger.plan_features, feature.value)
        from jsonb_each(v_terms.features) as feature (key, value)
      )
    );
    if read_plan_versions.billing_interval is null then
      read_plan_versions.billing_interval := v_period.billing_interval;
      read_plan_versions.interval_count := v_period.interval_count;
    end if;
  end loop;
end;
$$;

comment on function pgledger.read_plan_versions is
  'The billing period that a plan has from a time on; raises InvalidPlan unless all is sound.';

revoke all on function pgledger.read_plan_versions from public;
