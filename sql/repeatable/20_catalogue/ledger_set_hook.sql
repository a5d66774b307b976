/*
Repeatable. Only an administrator may: the function is run by whoever bills.

Checks, in this order: app_id, that both names are given or neither, then the function.
*/
create or replace function @extschema@.ledger_set_hook(
  app_id text,
  function_schema text,
  function_name text
)
returns void
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_fault text;
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);
  if (function_schema is null) <> (function_name is null) then
    v_ok := pgledger.fail(
      'NullArgument',
      array[case when function_schema is null then 'function_schema' else 'function_name' end]
    );
  elsif function_name is not null then
    v_fault := pgledger.hook_fault(function_schema, function_name);
    if v_fault is not null then
      v_ok := pgledger.fail(
        'InvalidArgument',
        array['function_name', quote_literal(pgledger.abridged(function_name)), v_fault]
      );
    end if;
  end if;

  insert into pgledger.apps (app_id, hook_schema, hook_function, hook_owner)
  values (
    ledger_set_hook.app_id,
    ledger_set_hook.function_schema,
    ledger_set_hook.function_name,
    (
      select pg_get_userbyid(pg_proc.proowner)
      from pg_catalog.pg_proc
      inner join pg_catalog.pg_namespace on pg_proc.pronamespace = pg_namespace.oid
      where pg_namespace.nspname = ledger_set_hook.function_schema
        and pg_proc.proname = ledger_set_hook.function_name
        and pg_proc.proargtypes = pgledger.hook_arguments()
    )
  )
  on conflict on constraint apps_app_id_pk do update
  set
    hook_schema = excluded.hook_schema,
    hook_function = excluded.hook_function,
    hook_owner = excluded.hook_owner;
end;
$$;

comment on function @extschema@.ledger_set_hook is
$$Names a function of the application that is told what happens in an app.

It is called with what happened, app_id, tenant_id, the id of the subscription
or invoice, and when, in the transaction in which it happens; what it raises
undoes that. docs/operations.md lists what is told. Only the owner of pgledger
may call this function.

The hook is an ordinary function of (text, text, text, text, timestamptz), is
SECURITY DEFINER, and runs with the rights of its owner, which is neither a
superuser nor the owner of pgledger. Nobody can log in as that role, or as the
owner of its schema, but who can act as the owner of pgledger. It changes no
subscription and no invoice.

app_id: App.
function_schema: Schema of the function; null for no hook.
function_name: Name of the function; null for no hook.

Errors: NullArgument, InvalidScope, InvalidArgument (there is no such
  function, or it is not as a hook has to be).$$;

revoke all on function @extschema@.ledger_set_hook from public;
