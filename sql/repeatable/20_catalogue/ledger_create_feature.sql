/*
A repeated call is refused if anything that it asks for differs. Once the feature has been updated,
only what an update cannot change is compared.

Locks the features of that key which the app sees, FOR UPDATE, ascending by id. Whoever opens a
meter of such a feature has finished by then, or waits and looks again.
Checks, in this order: app_id, tenant_id, key, name, type, aggregation, unique_key, description,
metadata, default_limit, default_period, default_soft_limit, id, repeat, whether the key is taken,
or was used for something else.
*/
create or replace function @extschema@.ledger_create_feature(
  app_id text,
  key text,
  name text,
  type text default 'metered',
  aggregation text default null,
  unique_key text default null,
  description text default null,
  metadata jsonb default null,
  id text default null,
  tenant_id text default '',
  default_limit numeric default null,
  default_period text default null,
  default_soft_limit boolean default null
)
returns @extschema@.ledger_feature
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pgledger, pg_temp
as $$
declare
  v_now timestamptz := pgledger.clock();
  v_new pgledger.features;
  v_is_new boolean := false;
  v_constraint text;
  v_ok boolean;
begin
  v_ok := pgledger.check_catalogue_scope(app_id, tenant_id, all_apps_allowed => true);
  v_ok := pgledger.check_text('key', key, 128);

  v_new.id := coalesce(id, 'feat_' || pgledger.new_ulid(v_now));
  v_new.app_id := app_id;
  v_new.tenant_id := tenant_id;
  v_new.key := key;
  v_new.name := name;
  v_new.description := description;
  v_new.type := type;
  v_new.aggregation := coalesce(aggregation, case when type = 'metered' then 'sum' end);
  v_new.unique_key := unique_key;
  v_new.metadata := metadata;
  v_new.default_limit := default_limit;
  v_new.default_period := default_period;
  v_new.default_soft_limit := default_soft_limit;
  v_ok := pgledger.check_feature(v_new);
  v_ok := pgledger.check_id('id', v_new.id, 'feat');

  perform
  from pgledger.features
  where features.key = v_new.key and features.app_id in (v_new.app_id, '*')
  order by features.id
  for update;
  loop
    begin
      insert into pgledger.features (
        id, app_id, tenant_id, key, name, description, type, aggregation, unique_key, metadata,
        created_at, updated_at, default_limit, default_period, default_soft_limit
      )
      values (
        v_new.id, v_new.app_id, v_new.tenant_id, v_new.key, v_new.name, v_new.description,
        v_new.type, v_new.aggregation, v_new.unique_key, v_new.metadata, v_now, v_now,
        v_new.default_limit, v_new.default_period, v_new.default_soft_limit
      )
      on conflict on constraint features_id_pk do nothing;
      v_is_new := found;
    exception
      when unique_violation then
        get stacked diagnostics v_constraint = constraint_name;
        if v_constraint is distinct from 'features_app_id_tenant_id_key_key' then
          raise;
        end if;
    end;

    if v_is_new then
      v_ok := pgledger.check_usage_keeps_meaning(v_new);
      exit;
    end if;
    exit when pgledger.feature_is_repeated(v_new);

    if exists (
      select
      from pgledger.features
      where features.app_id = v_new.app_id
        and features.tenant_id = v_new.tenant_id
        and features.key = v_new.key
    ) then
      v_ok := pgledger.fail(
        'AlreadyExists',
        array['feature key', quote_literal(key), pgledger.in_catalogue(app_id, tenant_id)]
      );
    end if;
    v_ok := pgledger.look_again();
  end loop;

  return pgledger.feature_with_id(v_new.id);
end;
$$;

comment on function @extschema@.ledger_create_feature is
$$Adds a feature to the catalogue, for an app, one tenant of it, or all apps.

The narrowest feature of a key counts: a tenant's own before the app's, and
the app's before that of all apps.

app_id: App that it belongs to; * for all apps.
key: Name in plans and usage events, unique in the app (and tenant): 1 to 128
  visible characters.
name: Name for people, 1 to 255 characters.
type: What it is: boolean is on or off, metered adds usage up over a period,
  seat is a level; one of: boolean, metered, seat.
aggregation: What usage of a metered feature comes to; null is sum for these,
  and nothing for other types; one of: sum, count, max, unique_count, latest,
  or null.
unique_key: Of a metered feature, the member of an event's metadata whose
  different values unique_count counts, 1 to 128 characters, or null.
description: Text for people, at most 10,000 characters, or null.
metadata: JSON object of the app's own, at most 64 KiB, or null.
id: Id that the caller chooses, feat_ and a ULID, so that the call can be
  repeated: it then returns the feature as it is now; null for a new one.
tenant_id: The one tenant that it is for; the empty text for all tenants, and
  always for a feature of all apps.
default_limit: Limit in plans that name none: -1 for unlimited, of a boolean
  feature 1 for on and 0 for off; null for -1, or of a boolean feature 1.
default_period: Period of a metered feature's limit in plans that name none;
  one of: day, week, month, year, billing, lifetime; null for billing.
default_soft_limit: Whether usage may go beyond the limit, in plans that do
  not say so; null for false.

Returns: The feature.

Errors: NullArgument, InvalidScope, InvalidArgument (the key, name, type,
  aggregation, unique key, description or a default is not valid),
  InvalidMetadata, InvalidQuantity (the default limit is not in range),
  InvalidId, IdempotencyConflict (the id is taken by a different feature),
  AlreadyExists (the key is taken), InUse (usage was recorded under this key,
  with another type or unique key).$$;

revoke all on function @extschema@.ledger_create_feature from public;
grant execute on function @extschema@.ledger_create_feature to pgledger_poster;
