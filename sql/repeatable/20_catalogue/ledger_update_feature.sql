/*
A plan's features keep the aggregation that they were written with, so that what is billed does not
change for those who have the plan.

Locks the feature.
Checks, in this order: app_id, id, existence, name, aggregation, description, metadata.
*/
create or replace function @extschema@.ledger_update_feature(
  app_id text,
  id text,
  name text default null,
  description text default null,
  aggregation text default null,
  metadata jsonb default null
)
returns @extschema@.ledger_feature
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_old pgledger.features := pgledger.lock_feature(app_id, id);
  v_new pgledger.features := v_old;
  v_ok boolean;
begin
  v_new.name := coalesce(name, v_old.name);
  v_new.description := coalesce(description, v_old.description);
  v_new.aggregation := coalesce(aggregation, v_old.aggregation);
  v_new.metadata := coalesce(metadata, v_old.metadata);
  v_ok := pgledger.check_feature(v_new);

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

  return pgledger.feature_with_id(id);
end;
$$;

comment on function @extschema@.ledger_update_feature is
$$Changes a feature.

What is null stays as it is. Key, type and unique key never change. A plan
that names no aggregation keeps the one that the feature had when the plan's
features were written.

app_id: App that it belongs to; * for a feature of all apps.
id: Id of the feature.
name: Name for people, 1 to 255 characters, or null.
description: Text for people, at most 10,000 characters, or null.
aggregation: What usage of a metered feature comes to, for plans that are
  written from now on; one of: sum, count, max, unique_count, latest, or null.
metadata: JSON object of the app's own, at most 64 KiB, or null.

Returns: The feature; with the same version as before if nothing changed.

Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound (the app has no
  such feature), InvalidArgument (the name, aggregation or description is not
  valid), InvalidMetadata.$$;

revoke all on function @extschema@.ledger_update_feature from public;
grant execute on function @extschema@.ledger_update_feature to pgledger_poster;
