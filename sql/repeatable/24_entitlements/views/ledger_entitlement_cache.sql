/*
Cached entitlements as they were stored, also those that are no longer served. Only
ledger_get_cached_entitlement finds out which these are.
*/
create or replace view @extschema@.ledger_entitlement_cache as
select
  entitlement_cache.app_id,
  entitlement_cache.tenant_id,
  entitlement_cache.feature_key,
  entitlement_cache.used,
  entitlement_cache.quota as "limit",
  case
    when entitlement_cache.quota = -1 then -1
    else greatest(entitlement_cache.quota - entitlement_cache.used, 0)
  end as remaining,
  entitlement_cache.soft_limit,
  entitlement_cache.reason,
  entitlement_cache.created_at,
  entitlement_cache.expires_at
from pgledger.entitlement_cache
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only;

comment on view @extschema@.ledger_entitlement_cache is
  'Cached entitlements, also those that are no longer served because something changed since.';
comment on column @extschema@.ledger_entitlement_cache.app_id is 'App.';
comment on column @extschema@.ledger_entitlement_cache.tenant_id is 'Tenant.';
comment on column @extschema@.ledger_entitlement_cache.feature_key is 'Key of the feature.';
comment on column @extschema@.ledger_entitlement_cache.used is
  'Usage in the limit''s period, or seats taken.';
comment on column @extschema@.ledger_entitlement_cache."limit" is 'Limit; -1 for unlimited.';
comment on column @extschema@.ledger_entitlement_cache.remaining is
  'What is left of the limit; -1 for unlimited.';
comment on column @extschema@.ledger_entitlement_cache.soft_limit is
  'Whether usage may go beyond the limit, at a price.';
comment on column @extschema@.ledger_entitlement_cache.reason is
  'Why nothing is allowed at all; empty where the limit decides.';
comment on column @extschema@.ledger_entitlement_cache.created_at is 'When it was made.';
comment on column @extschema@.ledger_entitlement_cache.expires_at is
  'From this time on it is not served; a change may end it earlier.';

revoke all on table @extschema@.ledger_entitlement_cache from public;
grant select on table @extschema@.ledger_entitlement_cache to pgledger_reader;
