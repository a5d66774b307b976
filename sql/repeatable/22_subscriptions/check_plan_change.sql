/*
Refuses a plan that a subscription cannot be moved to: one of another currency, an add-on in place
of a plan that is none, or the other way round.

Errors: InvalidArgument.
*/
create or replace function pgledger.check_plan_change(
  subscription pgledger.subscriptions,
  plan pgledger.plans
)
returns boolean
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_currency text := (
    select plans.currency from pgledger.plans where plans.key = subscription.plan_key
  );
  v_fault text;
  v_ok boolean;
begin
  if plan.currency <> v_currency then
    v_fault := format(
      'its currency is %s, and the subscription''s is %s', plan.currency, v_currency
    );
  elsif plan.add_on and not subscription.add_on then
    v_fault := 'it is an add-on, and the subscription''s is not';
  elsif subscription.add_on and not plan.add_on then
    v_fault := 'it is not an add-on, and the subscription''s is';
  end if;

  if v_fault is not null then
    v_ok := pgledger.fail('InvalidArgument', array['plan_id', quote_literal(plan.id), v_fault]);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_plan_change is
  'Raises InvalidArgument unless a subscription can be moved to that plan.';

revoke all on function pgledger.check_plan_change from public;
