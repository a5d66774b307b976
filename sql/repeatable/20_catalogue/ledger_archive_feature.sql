/*
Archives a feature: plans that contain it keep it, no other plan may contain it. Repeatable.

Locks the feature; whoever writes a plan that contains it holds it FOR SHARE.
Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound.
*/
create or replace function ledger_archive_feature(
  app_id text,
  id text
)
returns ledger_feature
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

  return pgledger.feature_of(id);
end;
$$;

comment on function ledger_archive_feature is
$$Closes a feature to new plans.

[[was: Archives a feature and returns it: plans that contain it keep it, no
other plan may contain it.]]

app_id: App that it belongs to; * for a global one.
id: The feature's id.

Returns: The feature; a second time it does not change.

Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound (the app has no
  such feature).$$;

revoke all on function ledger_archive_feature from public;
grant execute on function ledger_archive_feature to pgledger_poster;
