/*
Creates the subscription that a checked request asks for, moves it on if it starts in the past, and
returns its key. If the same call, made at the same time, has created it meanwhile, that
subscription's key is returned.

Locks the plan FOR SHARE. If another call is creating one with the same id, or another live one for
the tenant, this waits for it. Either may be in the way, or both.
Errors: NullArgument, InvalidId, PlanNotFound, Archived, InvalidTime, IdempotencyConflict,
ActiveSubscriptionExists.
*/
create or replace function pgledger.insert_subscription(
  request pgledger.subscriptions,
  plan_id text,
  trial_days integer
)
returns bigint
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_plan pgledger.plans := pgledger.subscribable_plan(request.app_id, request.tenant_id, plan_id);
  v_new pgledger.subscriptions := pgledger.new_subscription(request, v_plan, trial_days);
  v_key bigint;
  v_ok boolean;
begin
  if v_new.status = 'scheduled' then
    v_ok := pgledger.refuse_scheduled_clash(v_new);
  end if;
  loop
    v_new.key := pgledger.place_subscription(v_new);
    exit when v_new.key is not null;
    v_key := pgledger.repeated_subscription(request, plan_id, trial_days);
    if v_key is not null then
      return v_key;
    elsif exists (
      select
      from pgledger.subscriptions
      where subscriptions.app_id = request.app_id
        and subscriptions.tenant_id = request.tenant_id
        and not subscriptions.add_on
        and subscriptions.status in ('trialing', 'active')
    ) then
      v_ok := pgledger.refuse_second_subscription(request.app_id, request.tenant_id);
    end if;
    v_ok := pgledger.look_again();
  end loop;

  v_new := pgledger.note_subscription_change(
    v_new, 'created', least(v_new.started_at, v_new.created_at), v_new.created_at
  );
  perform pgledger.advance_subscription(
    v_new, v_new.created_at, at_most => pgledger.moves_at_once()
  );
  return v_new.key;
end;
$$;

comment on function pgledger.insert_subscription is
  'Creates the subscription that a checked request asks for, and returns its key.';

revoke all on function pgledger.insert_subscription from public;
