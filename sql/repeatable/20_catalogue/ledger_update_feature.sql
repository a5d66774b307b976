/*
Changes a feature; what is null stays. A call that changes nothing leaves the version as it is. A
feature of all apps is changed with app_id *.

A plan that does not name an aggregation keeps the one that the feature had when the plan's features
were written: what is billed does not change under those who have the plan.

Locks the feature. Checks, in this order: app_id, id, existence, name, aggregation, description,
metadata.
Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound, InvalidArgument, InvalidMetadata.
*/
create or replace function ledger_update_feature(
  app_id text,
  id text,
  name text default null,
  description text default null,
  aggregation text default null,
  metadata jsonb default null
)
returns ledger_feature
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.features := pgledger.lock_feature(app_id, id);
  v_new pgledger.features := v_old;
begin
  v_new.name := coalesce(name, v_old.name);
  v_new.description := coalesce(description, v_old.description);
  v_new.aggregation := coalesce(aggregation, v_old.aggregation);
  v_new.metadata := coalesce(metadata, v_old.metadata);
  perform pgledger.check_feature(v_new);

  if v_new is distinct from v_old then
    update pgledger.features
    set
      name = v_new.name,
      description = v_new.description,
      aggregation = v_new.aggregation,
      metadata = v_new.metadata,
      version = features.version + 1,
      updated_at = pgledger.clock()
    where features.id = v_old.id;
  end if;

  return pgledger.feature_of(id);
end;
$$;

comment on function ledger_update_feature is
$$Changes a feature.

What is null stays as it is. Key, type and unique key never change.

[[was: Changes a feature and returns it; what is null stays as it is.]]

app_id: App that it belongs to; * for a global one. [[was: * for a feature of
  all apps. A changed aggregation counts for plans that are written from then
  on.]]
id: The feature's id.
name: Name for people, or null.
description: Text for people, or null.
aggregation: What usage comes to, as for ledger_create_feature, or null.
metadata: JSON object of the app's own, or null.

Returns: The feature; with the same version as before where nothing changed.

Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound (the app has no
  such feature), InvalidArgument (the name or the aggregation is not valid),
  InvalidMetadata.$$;

revoke all on function ledger_update_feature from public;
grant execute on function ledger_update_feature to pgledger_poster;
