/*
Repeatable.

Checks, in this order: app_id, ttl.
*/
create or replace function @extschema@.ledger_set_entitlement_ttl(
  app_id text,
  ttl interval
)
returns interval
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);
  v_ok := pgledger.check_entitlement_ttl(ttl);

  insert into pgledger.apps (app_id, entitlement_ttl)
  values (ledger_set_entitlement_ttl.app_id, ledger_set_entitlement_ttl.ttl)
  on conflict on constraint apps_app_id_pk do update
  set entitlement_ttl = excluded.entitlement_ttl;

  return ttl;
end;
$$;

comment on function @extschema@.ledger_set_entitlement_ttl is
$$Sets how long an app's remembered entitlements are served at most.

It is for what is remembered from then on. ledger_check_cached_entitlement
goes by it, and ledger_set_cached_entitlement unless it is given another time.

app_id: App.
ttl: How long, above 0 and at most a day; 30 seconds until it is set.

Returns: What was set.

Errors: NullArgument, InvalidScope, InvalidArgument (ttl is out of range).$$;

revoke all on function @extschema@.ledger_set_entitlement_ttl from public;
grant execute on function @extschema@.ledger_set_entitlement_ttl to pgledger_poster;
