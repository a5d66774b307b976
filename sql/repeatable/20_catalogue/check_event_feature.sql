/*
Refuses a price that asks something for each event of a feature whose usage is no sum of events, or
of one with an allowance: an amount that is free says nothing of which events are. The caller has
checked the price.

Errors: InvalidPlan.
*/
create or replace function pgledger.check_event_feature(
  price jsonb,
  path text,
  feature pgledger.plan_features
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_member text := case
    when price ->> 'event_fee' is not null then 'event_fee'
    when price ->> 'event_maximum' is not null then 'event_maximum'
    when price ->> 'event_minimum' is not null then 'event_minimum'
    when price ->> 'free_events' is not null then 'free_events'
  end;
  v_fault text := case
    when v_member is null then null
    when feature.type <> 'metered' then
      'is for each event of usage, and the feature is a ' || feature.type
    when feature.aggregation <> 'sum' then
      'is for usage that is a sum, and this feature''s is counted as ' || feature.aggregation
    when feature.soft_limit and feature.quota >= 0 then
      'is for each event, and the feature has a soft limit, which is an allowance: use free_events'
  end;
  v_ok boolean;
begin
  if v_fault is not null then
    v_ok := pgledger.refuse_json(price -> v_member, format('%s.%s', path, v_member), v_fault);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_event_feature is
  'Raises InvalidPlan if a price asks something for each event of a feature that is no sum.';

revoke all on function pgledger.check_event_feature from public;
