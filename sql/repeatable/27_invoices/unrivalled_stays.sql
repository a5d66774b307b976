/*
The stays of a period without the times in which another subscription of the tenant bills a feature:
one that is active, has a price for it, and comes first. The lowest priority comes first, then the
oldest; but one that was begun in the past comes last as long as others had billed by then.
*/
create or replace function pgledger.unrivalled_stays(
  subscription pgledger.subscriptions,
  segments pgledger.billing_segment[],
  stays pgledger.billing_segment[],
  rivals pgledger.rival_time[],
  feature_key text
)
returns pgledger.billing_segment[]
language plpgsql
stable
parallel safe
as $$
declare
  v_since timestamptz := pgledger.billed_before(
    subscription.key, subscription.started_at, subscription.created_at, feature_key
  );
  v_stay pgledger.billing_segment;
  v_priority integer;
  v_rival pgledger.rival_time;
  v_rival_since timestamptz;
  v_own tstzmultirange;
  v_taken tstzmultirange;
  v_stays pgledger.billing_segment[] := '{}';
begin
  foreach v_stay in array stays loop
    v_priority := pgledger.plan_priority(
      v_stay.plan_key, pgledger.plan_entered_at(segments, v_stay.plan_key)
    );
    v_own := tstzmultirange(tstzrange(v_stay.starts_at, v_stay.ends_at));
    foreach v_rival in array rivals loop
      continue when v_rival.status <> 'active' or not v_rival.priced ? feature_key;
      v_rival_since := pgledger.billed_before(
        v_rival.subscription_key, v_rival.started_at, v_rival.created_at, feature_key
      );
      v_taken := tstzmultirange(tstzrange(v_rival.starts_at, v_rival.ends_at));
      if (v_rival.priority, v_rival.started_at, v_rival.subscription_key)
        < (v_priority, subscription.started_at, subscription.key) then
        v_taken := v_taken - tstzmultirange(
          tstzrange(v_since, greatest(v_since, v_rival_since))
        );
      else
        v_taken := v_taken * tstzmultirange(
          tstzrange(v_rival_since, greatest(v_rival_since, v_since))
        );
      end if;
      v_own := v_own - v_taken;
    end loop;
    v_stays := v_stays || array(
      select
        row(
          lower(part), upper(part), v_stay.plan_key, v_stay.quantity, v_stay.status,
          v_stay.whole_start, v_stay.whole_end
        )::pgledger.billing_segment
      from unnest(v_own) as part
      order by part
    );
  end loop;
  return v_stays;
end;
$$;

comment on function pgledger.unrivalled_stays is
  'The stays of a period without the times in which another subscription bills a feature.';

revoke all on function pgledger.unrivalled_stays from public;
