/*
One plan of the app, whichever tenant's. An id that does not exist is an error rather than no row.

Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound.
*/
create or replace function ledger_get_plan(
  app_id text,
  id text
)
returns ledger_plan
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_key bigint;
begin
  perform pgledger.check_catalogue_scope(app_id);
  perform pgledger.check_id('id', id, 'plan');

  select plans.key
  into v_key
  from pgledger.plans
  where plans.id = ledger_get_plan.id and plans.app_id = ledger_get_plan.app_id;

  if not found then
    perform pgledger.fail('PlanNotFound', array[id, pgledger.in_app(app_id)]);
  end if;

  return pgledger.plan_of(v_key);
end;
$$;

comment on function ledger_get_plan is
$$Returns a plan.

[[was: The plan of that id.]]

app_id: App that it belongs to.
id: The plan's id.

Returns: [[?]]

Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound (the app has no
  such plan).$$;

revoke all on function ledger_get_plan from public;
grant execute on function ledger_get_plan to pgledger_reader;
