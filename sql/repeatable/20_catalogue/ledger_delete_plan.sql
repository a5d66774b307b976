/*
Deletes a plan that no subscription has or has had, and returns it as it was.

Locks the plan FOR UPDATE: whoever subscribes to it holds it FOR SHARE.
Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound, InUse.
*/
create or replace function ledger_delete_plan(
  app_id text,
  id text
)
returns ledger_plan
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.plans := pgledger.lock_plan(app_id, id, to_delete => true);
  v_plan record := pgledger.plan_of(v_old.key);
begin
  begin
    delete from pgledger.plans
    where plans.key = v_old.key;
  exception
    when foreign_key_violation then
      perform pgledger.fail(
        'InUse', array['plan', v_old.id, 'deleted', 'subscriptions have it or have had it']
      );
  end;

  return v_plan;
end;
$$;

comment on function ledger_delete_plan is
$$Deletes a plan that nobody has or had.

[[was: Deletes a plan that no subscription has or has had, and returns it as
it was.]]

app_id: App that it belongs to.
id: The plan's id.

Returns: The plan as it was.

Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound (the app has no
  such plan), InUse (a subscription has it, or had it once. Archive it
  instead).$$;

revoke all on function ledger_delete_plan from public;
grant execute on function ledger_delete_plan to pgledger_poster;
