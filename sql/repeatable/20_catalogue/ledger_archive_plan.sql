/*
Archives a plan: subscriptions that have it keep it, no other may take it. Repeatable.

Locks the plan; whoever subscribes to it holds it FOR SHARE.
Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound.
*/
create or replace function ledger_archive_plan(
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
  v_plan pgledger.plans := pgledger.lock_plan(app_id, id);
begin
  if v_plan.status <> 'archived' then
    update pgledger.plans
    set
      status = 'archived',
      version = plans.version + 1,
      updated_at = pgledger.clock()
    where plans.key = v_plan.key;
  end if;

  return pgledger.plan_of(v_plan.key);
end;
$$;

comment on function ledger_archive_plan is
$$Takes a plan off the market; subscriptions keep it.

[[was: Archives a plan and returns it: subscriptions that have it keep it, no
other may take it.]]

app_id: App that it belongs to.
id: The plan's id.

Returns: The plan; a second time it does not change.

Errors: NullArgument, InvalidScope, InvalidId, PlanNotFound (the app has no
  such plan).$$;

revoke all on function ledger_archive_plan from public;
grant execute on function ledger_archive_plan to pgledger_poster;
