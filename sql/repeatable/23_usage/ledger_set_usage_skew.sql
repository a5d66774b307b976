/*
Repeatable.

Checks, in this order: app_id, skew.
*/
create or replace function @extschema@.ledger_set_usage_skew(
  app_id text,
  skew interval
)
returns interval
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_fault text := case
    when skew < interval '0' then 'it is negative'
    when skew > interval '365 days' then 'it is more than 365 days'
  end;
  v_ok boolean;
begin
  v_ok := pgledger.check_app(app_id);

  if skew is null then
    v_ok := pgledger.fail('NullArgument', array['skew']);
  elsif v_fault is not null then
    v_ok := pgledger.fail('InvalidArgument', array['skew', quote_literal(skew::text), v_fault]);
  end if;

  insert into pgledger.apps (app_id, usage_skew)
  values (ledger_set_usage_skew.app_id, ledger_set_usage_skew.skew)
  on conflict on constraint apps_app_id_pk do update
  set usage_skew = excluded.usage_skew;

  return skew;
end;
$$;

comment on function @extschema@.ledger_set_usage_skew is
$$Sets how far ahead of the clock an app's usage events may be.

Clocks of machines differ, so an event may seem to come from the future. One
that is further ahead is refused (UsageInFuture).

app_id: App.
skew: How far, 0 to 365 days; 1 hour until it is set.

Returns: What was set.

Errors: NullArgument, InvalidScope, InvalidArgument (it is negative, or more
  than 365 days).$$;

revoke all on function @extschema@.ledger_set_usage_skew from public;
grant execute on function @extschema@.ledger_set_usage_skew to pgledger_poster;
