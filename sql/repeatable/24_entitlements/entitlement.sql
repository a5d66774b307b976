/*
What a tenant has of a feature now: the plans of its live subscriptions, the limit and its period,
and what is used. It goes by the clock, whatever ledger_advance has written so far; only what is to
start while another subscription is live waits for that.

With several subscriptions (add-ons), limits add up; one that is unlimited makes the sum unlimited,
and one that is soft makes it soft. The period is that of the first subscription that has the
feature; the one that is not an add-on comes first. The reason is empty where the limit decides.

One body, though long: every check and every record within a limit runs it, and further calls would
slow those down.
Errors: NullArgument, FeatureNotFound, UnknownTimeZone.
*/
create or replace function pgledger.entitlement(
  app_id text,
  tenant_id text,
  feature_key text,
  out type text,
  out used numeric,
  out quota numeric,
  out soft_limit boolean,
  out reason text,
  out aggregation text,
  out starts_at timestamptz,
  out ends_at timestamptz,
  out expires_at timestamptz
)
language plpgsql
stable
parallel unsafe
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_part record;
  v_meter record;
  v_is_live boolean := false;
  v_ok boolean;
begin
  used := 0;
  quota := 0;
  soft_limit := false;
  reason := 'no_subscription';
  expires_at := 'infinity';
  for v_part in
    select
      subscriptions as subscription, subscriptions.status, subscriptions.add_on,
      subscriptions.started_at, subscriptions.trial_end, subscriptions.cancel_at,
      plan_features.type, plan_features.quota, plan_features.period, plan_features.soft_limit,
      plan_features.aggregation
    from pgledger.subscriptions
    left join pgledger.plan_features
      on subscriptions.plan_key = plan_features.plan_key
      and plan_features.feature_key = entitlement.feature_key
    where subscriptions.app_id = entitlement.app_id
      and subscriptions.tenant_id = entitlement.tenant_id
      and subscriptions.status <> 'canceled'
      and (subscriptions.cancel_at > v_now or subscriptions.cancel_at is null)
    order by subscriptions.add_on, subscriptions.status = 'scheduled', subscriptions.key
  loop
    if v_part.status = 'scheduled' and v_part.started_at > v_now then
      expires_at := least(expires_at, v_part.started_at);
      continue;
    end if;
    -- What is to start waits while another is live.
    continue when v_part.status = 'scheduled' and not v_part.add_on and v_is_live;
    v_is_live := v_is_live or v_part.status <> 'paused';
    expires_at := least(
      expires_at, v_part.cancel_at, case when v_part.trial_end > v_now then v_part.trial_end end
    );
    if v_part.status = 'paused' then
      reason := case when reason = 'no_subscription' then 'paused' else reason end;
      continue;
    end if;
    if v_part.type is null then
      reason := case when type is null then 'not_in_plan' else reason end;
      continue;
    end if;
    if type is null then
      type := v_part.type;
      aggregation := v_part.aggregation;
      if type <> 'boolean' then
        select quota_period.starts_at, quota_period.ends_at
        into entitlement.starts_at, entitlement.ends_at
        from pgledger.quota_period(
          v_part.subscription, case when type = 'seat' then 'lifetime' else v_part.period end, v_now
        );
        expires_at := least(expires_at, ends_at);
      end if;
    end if;
    quota := case
      when -1 in (quota, v_part.quota) then -1
      when type = 'boolean' then greatest(quota, v_part.quota)
      else quota + v_part.quota
    end;
    soft_limit := soft_limit or v_part.soft_limit;
    reason := '';
  end loop;

  if type is null then
    v_ok := pgledger.check_feature_exists(app_id, tenant_id, feature_key);
  elsif type = 'boolean' then
    reason := case when quota = 0 then 'disabled' else 'enabled' end;
  else
    select meters.key, meters.unique_key
    into v_meter
    from pgledger.meters
    where meters.app_id = entitlement.app_id
      and meters.tenant_id = entitlement.tenant_id
      and meters.feature_key = entitlement.feature_key;
    if found then
      used := pgledger.usage_between(
        v_meter.key, v_meter.unique_key, aggregation, starts_at, ends_at
      );
    end if;
  end if;
end;
$$;

comment on function pgledger.entitlement is
  'What a tenant has of a feature now: limit, what is used of it, and why nothing if nothing.';

revoke all on function pgledger.entitlement from public;
