/*
Counts an invalidation of a feature, for one tenant, or for all where that is empty. An entitlement
that is being worked out at this moment is not served either: it remembers the count from before.

Locks: the row that counts.
*/
create or replace function pgledger.invalidate_feature(
  app_id text,
  tenant_id text,
  feature_key text
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
begin
    insert into pgledger.feature_invalidations (app_id, feature_key, tenant_id, version)
    values (
      invalidate_feature.app_id, invalidate_feature.feature_key, invalidate_feature.tenant_id, 1
    )
    on conflict on constraint feature_invalidations_app_id_feature_key_tenant_id_pk do update
    set version = feature_invalidations.version + 1;

    -- One row counts for each tenant, so each has changes of its own.
    perform pgledger.note_change(
      'entitlement',
      case
        when invalidate_feature.tenant_id = '' then features.id
        else features.id || ' ' || invalidate_feature.tenant_id
      end,
      'invalidated', pgledger.clock(), invalidate_feature.app_id, invalidate_feature.tenant_id,
      jsonb_build_object('feature_id', features.id, 'feature_key', features.key)
    )
    from pgledger.features
    where features.app_id = invalidate_feature.app_id
      and features.key = invalidate_feature.feature_key;
end;
$$;

comment on function pgledger.invalidate_feature is
  'Counts an invalidation of a feature, for one tenant or for all.';

revoke all on function pgledger.invalidate_feature from public;
