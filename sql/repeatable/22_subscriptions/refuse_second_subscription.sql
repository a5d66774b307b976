/*
Raises that a tenant can have no other live subscription. Without a hint, with that of the error.

Errors: ActiveSubscriptionExists.
*/
create or replace function pgledger.refuse_second_subscription(
  app_id text,
  tenant_id text,
  hint text default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
begin
  return pgledger.fail(
    'ActiveSubscriptionExists',
    array[quote_literal(pgledger.abridged(tenant_id)), pgledger.in_app(app_id)],
    hint => hint
  );
end;
$$;

comment on function pgledger.refuse_second_subscription is
  'Raises that a tenant can have no other live subscription.';

revoke all on function pgledger.refuse_second_subscription from public;
