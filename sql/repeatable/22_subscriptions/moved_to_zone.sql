/*
A subscription as it is counted in another time zone from its next period on. The current period
stays as it is, and so do the limits' periods that now lies in. The anchor keeps its time on the
clock; where a trial that is not over ends at it, it keeps its instant. Of what has not begun, all
periods are counted anew, and an anchor at its start keeps its instant too.

The server knows both zones.
*/
create or replace function pgledger.moved_to_zone(
  subscription pgledger.subscriptions,
  time_zone text,
  at timestamptz
)
returns pgledger.subscriptions
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_old text := subscription.time_zone;
  v_stays boolean := coalesce(
    (subscription.anchor_at = subscription.trial_end and subscription.trial_end > at)
    or (subscription.anchor_at = subscription.started_at and subscription.status = 'scheduled'),
    false
  );
begin
  if subscription.status <> 'scheduled' then
    subscription.held_quotas := coalesce(subscription.held_quotas, '{}') || (
      select
        jsonb_object_agg(
          unit.name,
          jsonb_build_array(
            quota.starts_at,
            quota.ends_at,
            case
              when v_stays then quota.ends_at
              else (boundary.at at time zone v_old) at time zone moved_to_zone.time_zone
            end
          )
        )
      from unnest(array['day', 'week', 'month', 'year']) as unit (name)
      cross join lateral pgledger.quota_period(subscription, unit.name, at) as quota
      -- A held period does not end at a boundary of its zone: it names the one that is near.
      cross join lateral (
        select
          coalesce(
            case
              when quota.ends_at = (subscription.held_quotas -> unit.name ->> 1)::timestamptz
                then (subscription.held_quotas -> unit.name ->> 2)::timestamptz
            end,
            quota.ends_at
          ) as at
      ) as boundary
    );
    if ((subscription.earlier_zones -> -1 ->> 'through')::timestamptz
      >= subscription.current_period_start) is not true then
      subscription.earlier_zones := coalesce(subscription.earlier_zones, '[]')
        || jsonb_build_object('time_zone', v_old, 'through', subscription.current_period_start);
    end if;
  end if;

  subscription.time_zone := time_zone;
  if not v_stays then
    subscription.anchor_at := (subscription.anchor_at at time zone v_old) at time zone time_zone;
  end if;
  subscription.quota_anchor_at := (subscription.quota_anchor_at at time zone v_old)
    at time zone time_zone;
  if subscription.status = 'scheduled' then
    subscription.current_period_end := null;
    subscription := pgledger.enter_period(subscription, subscription.started_at);
  end if;
  return subscription;
end;
$$;

comment on function pgledger.moved_to_zone is
  'A subscription as it is counted in another time zone from its next period on.';

revoke all on function pgledger.moved_to_zone from public;
