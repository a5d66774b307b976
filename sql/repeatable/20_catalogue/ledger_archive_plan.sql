/*
Locks the plan. Whoever subscribes to it holds it FOR SHARE, so nobody takes it while it is being
archived.
*/
create or replace function @extschema@.ledger_archive_plan(
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
  v_plan pgledger.plans := pgledger.lock_plan(app_id, id);
begin
  if v_plan.status <> 'archived' then
    update pgledger.plans
    set
      status = 'archived',
      version = plans.version + 1,
      updated_at = greatest(pgledger.clock(), plans.updated_at)
    where plans.key = v_plan.key;
  end if;

  return pgledger.plan_with_key(v_plan.key);
end;
$$;

comment on function @extschema@.ledger_archive_plan is
$$Archives a plan: subscriptions that have it keep it, no other may take it.

app_id: App that it belongs to.
id: Id of the plan.

Returns: The plan; a second call changes nothing.

Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound (the app has no
  such plan).$$;

revoke all on function @extschema@.ledger_archive_plan from public;
grant execute on function @extschema@.ledger_archive_plan to pgledger_poster;
