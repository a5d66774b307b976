/*
What a change of a plan's features, pricing and priority makes hold from another time on, as the row
to be written: null in place of what is not given, or would change nothing. The caller has locked
the plan's row.

Without a time it is now, but never before the plan's last change: so a clock that was put back does
not leave the change behind an earlier one. It changes nothing if the same holds already. With a
time it changes nothing only if the same was given for just that time: a later change for an earlier
time may come between.
*/
create or replace function pgledger.changed_plan_terms(
  plan pgledger.plans,
  features jsonb,
  pricing jsonb,
  priority integer,
  effective_at timestamptz
)
returns pgledger.plan_versions
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_version pgledger.plan_versions;
  v_since timestamptz := coalesce(effective_at, '-infinity');
begin
  v_version.plan_key := plan.key;
  v_version.version := plan.version + 1;
  v_version.created_at := greatest(pgledger.clock(), plan.updated_at);
  v_version.effective_at := coalesce(changed_plan_terms.effective_at, v_version.created_at);

  if features is distinct from (
    select plan_versions.features
    from pgledger.plan_versions
    where plan_versions.plan_key = plan.key
      and plan_versions.effective_at between v_since and v_version.effective_at
      and plan_versions.features is not null
    order by plan_versions.effective_at desc, plan_versions.version desc
    limit 1
  ) then
    v_version.features := features;
  end if;

  if pricing is distinct from (
    select plan_versions.pricing
    from pgledger.plan_versions
    where plan_versions.plan_key = plan.key
      and plan_versions.effective_at between v_since and v_version.effective_at
      and plan_versions.pricing is not null
    order by plan_versions.effective_at desc, plan_versions.version desc
    limit 1
  ) then
    v_version.pricing := pricing;
  end if;

  if priority is distinct from (
    select plan_versions.priority
    from pgledger.plan_versions
    where plan_versions.plan_key = plan.key
      and plan_versions.effective_at between v_since and v_version.effective_at
      and plan_versions.priority is not null
    order by plan_versions.effective_at desc, plan_versions.version desc
    limit 1
  ) then
    v_version.priority := priority;
  end if;

  return v_version;
end;
$$;

comment on function pgledger.changed_plan_terms is
  'What a change of a plan makes hold from another time on; null where it changes nothing.';

revoke all on function pgledger.changed_plan_terms from public;
