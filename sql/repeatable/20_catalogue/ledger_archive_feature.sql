/*
Locks the feature. Whoever writes a plan that contains it holds it FOR SHARE, so no plan takes it
while it is being archived.
*/
create or replace function @extschema@.ledger_archive_feature(
  app_id text,
  id text
)
returns @extschema@.ledger_feature
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_feature pgledger.features := pgledger.lock_feature(app_id, id);
begin
  if v_feature.status <> 'archived' then
    update pgledger.features
    set
      status = 'archived',
      version = features.version + 1,
      updated_at = pgledger.clock()
    where features.id = v_feature.id;
  end if;

  return pgledger.feature_with_id(id);
end;
$$;

comment on function @extschema@.ledger_archive_feature is
$$Archives a feature: plans that contain it keep it, no other plan may.

app_id: App that it belongs to; * for a feature of all apps.
id: Id of the feature.

Returns: The feature; a second call changes nothing.

Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound (the app has no
  such feature).$$;

revoke all on function @extschema@.ledger_archive_feature from public;
grant execute on function @extschema@.ledger_archive_feature to pgledger_poster;
