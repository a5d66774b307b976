/*
Checks, in this order: app_id, id, existence.
*/
create or replace function @extschema@.ledger_get_plan(
  app_id text,
  id text
)
returns @extschema@.ledger_plan
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id);
  v_ok := pgledger.check_id('id', id, 'plan');

  select plans.key
  into v_key
  from pgledger.plans
  where plans.id = ledger_get_plan.id and plans.app_id = ledger_get_plan.app_id;

  if not found then
    v_ok := pgledger.fail('PlanNotFound', array[id, pgledger.in_app(app_id)]);
  end if;

  return pgledger.plan_with_key(v_key);
end;
$$;

comment on function @extschema@.ledger_get_plan is
$$Returns a plan of an app.

app_id: App that it belongs to.
id: Id of the plan.

Returns: The plan, whichever tenant's it is.

Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound (the app has no
  such plan).$$;

revoke all on function @extschema@.ledger_get_plan from public;
grant execute on function @extschema@.ledger_get_plan to pgledger_reader;
