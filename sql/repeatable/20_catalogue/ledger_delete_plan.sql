/*
Locks the plan FOR UPDATE. Whoever subscribes to it holds it FOR SHARE, and every subscription that
has it or has had it refers to it by a foreign key.
*/
create or replace function @extschema@.ledger_delete_plan(
  app_id text,
  id text
)
returns @extschema@.ledger_plan
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.plans := pgledger.lock_plan(app_id, id, to_delete => true);
  v_plan record := pgledger.plan_with_key(v_old.key);
  v_ok boolean;
begin
  begin
    delete from pgledger.plans
    where plans.key = v_old.key;
  exception
    when foreign_key_violation then
      v_ok := pgledger.fail(
        'InUse', array['plan', v_old.id, 'deleted', 'subscriptions have it or have had it']
      );
  end;

  return v_plan;
end;
$$;

comment on function @extschema@.ledger_delete_plan is
$$Deletes a plan that no subscription has or has had.

app_id: App that it belongs to.
id: Id of the plan.

Returns: The plan as it was.

Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound (the app has no
  such plan), InUse (a subscription has it, or had it once; archive it
  instead).$$;

revoke all on function @extschema@.ledger_delete_plan from public;
grant execute on function @extschema@.ledger_delete_plan to pgledger_poster;
