/*
Checks, in this order: app_id, id, existence.
*/
create or replace function @extschema@.ledger_get_feature(
  app_id text,
  id text
)
returns @extschema@.ledger_feature
language plpgsql
stable
parallel safe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, all_apps_allowed => true);
  v_ok := pgledger.check_id('id', id, 'feat');

  if not exists (
    select
    from pgledger.features
    where features.id = ledger_get_feature.id
      and features.app_id in (ledger_get_feature.app_id, '*')
  ) then
    v_ok := pgledger.fail('FeatureNotFound', array[id, pgledger.in_catalogue(app_id, '')]);
  end if;

  return pgledger.feature_with_id(id);
end;
$$;

comment on function @extschema@.ledger_get_feature is
$$Returns a feature of an app, or one of all apps.

app_id: App that asks; * to look among the features of all apps alone.
id: Id of the feature.

Returns: The feature, whichever tenant's it is.

Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound (there is no
  such feature for this app).$$;

revoke all on function @extschema@.ledger_get_feature from public;
grant execute on function @extschema@.ledger_get_feature to pgledger_reader;
