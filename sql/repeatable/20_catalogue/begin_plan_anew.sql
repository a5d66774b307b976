/*
Lets a plan whose billing interval changes have what was just written since ever: earlier and
planned prices are for periods of the other length. The caller has locked the plan's row, and has
written the version.

Errors: InUse, InvalidArgument.
*/
create or replace function pgledger.begin_plan_anew(
  previous pgledger.plans,
  plan_version pgledger.plan_versions
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_have text := case
    when exists (
      select from pgledger.subscriptions where subscriptions.plan_key = previous.key
    ) then 'have'
    when exists (
      select from pgledger.subscription_changes where subscription_changes.plan_key = previous.key
    ) then 'have had'
  end;
  v_ok boolean;
begin
  if v_have is not null then
    v_ok := pgledger.fail(
      'InUse',
      array[
        'plan',
        previous.id,
        'billed otherwise',
        format(
          'subscriptions %s it, so its interval stays %s %s',
          v_have,
          previous.interval_count,
          previous.billing_interval
        )
      ],
      hint => 'Create another plan with the other interval, and move subscriptions to it with '
      || 'ledger_change_plan.'
    );
  elsif plan_version.effective_at > plan_version.created_at then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'effective_at',
        plan_version.effective_at::text,
        'the billing interval changes, and that cannot be planned'
      ],
      hint => 'Leave effective_at out, or create another plan with the other interval.'
    );
  end if;

  update pgledger.plan_versions
  set
    effective_at = '-infinity',
    features = last.features,
    feature_terms = last.feature_terms,
    allowances = last.allowances,
    priority = pgledger.plan_priority(previous.key, plan_version.effective_at)
  from (
    select plan_versions.features, plan_versions.feature_terms, plan_versions.allowances
    from pgledger.plan_versions
    where plan_versions.plan_key = previous.key
      and plan_versions.effective_at <= plan_version.effective_at
      and plan_versions.features is not null
    order by plan_versions.effective_at desc, plan_versions.version desc
    limit 1
  ) as last
  where plan_versions.plan_key = previous.key
    and plan_versions.version = plan_version.version;

  delete from pgledger.plan_versions
  where plan_versions.plan_key = previous.key
    and plan_versions.version <> plan_version.version;
end;
$$;

comment on function pgledger.begin_plan_anew is
  'Lets a plan whose billing interval changes have what was just written since ever; raises InUse.';

revoke all on function pgledger.begin_plan_anew from public;
