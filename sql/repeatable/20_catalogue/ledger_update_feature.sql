/*
A plan's features keep the aggregation, limit, period and soft limit that they were written with, so
that nothing changes for those who have the plan.

Locks the feature. Whoever writes a plan that contains it holds it FOR SHARE.
Checks, in this order: app_id, id, existence, clear, name, aggregation, description, metadata,
default_limit, default_period, default_soft_limit, status.
*/
create or replace function @extschema@.ledger_update_feature(
  app_id text,
  id text,
  name text default null,
  description text default null,
  aggregation text default null,
  metadata jsonb default null,
  default_limit numeric default null,
  default_period text default null,
  default_soft_limit boolean default null,
  status text default null,
  clear text[] default null
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
  v_new pgledger.features;
  v_ok boolean := pgledger.check_cleared(
    clear,
    jsonb_build_object(
      'description', description, 'metadata', metadata, 'default_limit', default_limit,
      'default_period', default_period, 'default_soft_limit', default_soft_limit
    )
  );
begin
  v_new := jsonb_populate_record(v_old, pgledger.cleared(clear));
  v_new.name := coalesce(name, v_old.name);
  v_new.description := coalesce(description, v_new.description);
  v_new.aggregation := coalesce(aggregation, v_old.aggregation);
  v_new.metadata := coalesce(metadata, v_new.metadata);
  v_new.default_limit := coalesce(default_limit, v_new.default_limit);
  v_new.default_period := coalesce(default_period, v_new.default_period);
  v_new.default_soft_limit := coalesce(default_soft_limit, v_new.default_soft_limit);
  v_new.status := coalesce(status, v_old.status);
  v_ok := pgledger.check_feature(v_new);
  v_ok := pgledger.check_choice('status', v_new.status, array['active', 'archived']);

  if v_new is distinct from v_old then
    update pgledger.features
    set
      name = v_new.name,
      description = v_new.description,
      aggregation = v_new.aggregation,
      metadata = v_new.metadata,
      default_limit = v_new.default_limit,
      default_period = v_new.default_period,
      default_soft_limit = v_new.default_soft_limit,
      status = v_new.status,
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
that names no aggregation, limit, period or soft limit keeps those that the
feature had when the plan's features were written.

app_id: App that it belongs to; * for a feature of all apps.
id: Id of the feature.
name: Name for people, 1 to 255 characters, or null.
description: Text for people, at most 10,000 characters, or null.
aggregation: What usage of a metered feature comes to, for plans that are
  written from now on; one of: sum, count, max, unique_count, latest, or null.
metadata: JSON object of the app's own, at most 64 KiB, or null.
default_limit: Limit in plans that name none and are written from now on: -1
  for unlimited, of a boolean feature 1 for on and 0 for off, or null.
default_period: Period of a metered feature's limit in such plans; one of:
  day, week, month, year, billing, lifetime, or null.
default_soft_limit: Whether usage may go beyond the limit in such plans, or
  null.
status: Whether plans can take it; an archived feature becomes active again;
  one of: active, archived, or null.
clear: Array of the names of what is taken away: description, metadata,
  default_limit, default_period, default_soft_limit; null for nothing.

Returns: The feature; with the same version as before if nothing changed.

Errors: NullArgument, InvalidScope, InvalidId, FeatureNotFound (the app has no
  such feature), InvalidArgument (the name, aggregation, description, a
  default or the status is not valid, or clear has another name or one that is
  given), InvalidMetadata, InvalidQuantity (the default limit is not in
  range).$$;

revoke all on function @extschema@.ledger_update_feature from public;
grant execute on function @extschema@.ledger_update_feature to pgledger_poster;
