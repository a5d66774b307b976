/*
Tells an app's hook what happened, if it has one, in the transaction in which it does. What the hook
raises is raised here, and undoes what happened.

What it happened to may not be written as a whole yet. So a hook changes no subscription and no
invoice: that would tell it again, and is refused.

A hook is called only while it is still SECURITY DEFINER and still its owner's, which a restore
without owners changes. Who else could change it is looked at when it is set.
Errors: InvalidState.
*/
create or replace function pgledger.tell_hook(
  app_id text,
  tenant_id text,
  happening text,
  subject_id text,
  occurred_at timestamptz
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_hook record;
  v_name text;
  v_ok boolean;
begin
  select apps.hook_schema as schema, apps.hook_function as function, apps.hook_owner as owner
  into v_hook
  from pgledger.apps
  where apps.app_id = tell_hook.app_id and apps.hook_function is not null;
  if not found then
    return;
  end if;

  v_name := format('%I.%I', v_hook.schema, v_hook.function);
  if current_setting('pgledger.telling', true) = 'on' then
    v_ok := pgledger.fail(
      'InvalidState', array['hook', v_name, 'running', 'called again'],
      hint => 'A hook must not change subscriptions or invoices. Let it note down what to do, and '
      || 'do that afterwards.'
    );
  elsif not exists (
    select
    from pg_catalog.pg_proc
    inner join pg_catalog.pg_namespace on pg_proc.pronamespace = pg_namespace.oid
    where pg_namespace.nspname = v_hook.schema
      and pg_proc.proname = v_hook.function
      and pg_proc.proargtypes = pgledger.hook_arguments()
      and pg_proc.prosecdef
      and pg_get_userbyid(pg_proc.proowner) = v_hook.owner
  ) then
    v_ok := pgledger.fail(
      'InvalidState', array['hook', v_name, 'not as it was set', 'called'],
      hint => 'Make the function again, with its owner, or call ledger_set_hook.'
    );
  end if;

  perform set_config('pgledger.telling', 'on', true);
  execute format('select %s($1, $2, $3, $4, $5)', v_name)
  using happening, app_id, tenant_id, subject_id, occurred_at;
  perform set_config('pgledger.telling', '', true);
end;
$$;

comment on function pgledger.tell_hook is 'Tells an app''s hook what happened, if it has one.';

revoke all on function pgledger.tell_hook from public;
