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
  v_member text := (
    select given.name
    from jsonb_each(price) as given (name, value)
    where given.name in ('event_fee', 'event_minimum', 'event_maximum', 'free_events')
      and given.value <> 'null'
    order by given.name collate "C"
    limit 1
  );
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
