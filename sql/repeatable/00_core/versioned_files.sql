/*
The versioned files that made this schema. Written by scripts/build_sql.py; do not edit.

pgledger.schema_history has the same, but a dump of the schema alone leaves its rows out. Then
`pgledger migrate` reads them here, in the body: it does not call the function.
*/
create or replace function pgledger.versioned_files()
returns table (
  name text,
  sha256 text
)
language sql
immutable
parallel safe
as $$
  values
    ('migrations/0001_create_foundation.sql',
      '84b8122792ef7587a61a704d380e67c7037582eedad32b88125a0de305e52ce5'),
    ('migrations/0002_create_accounts.sql',
      'e11f1a93d7d56884f21abbaa0155343dbebeec23b4ffe642720fc2ef07e8f5c6'),
    ('migrations/0003_create_transfers.sql',
      'd39fd5d3bd60ef7dc1d41e1dc4aae3ce8cb22db736906006c5bd40b65e50aca9'),
    ('migrations/0004_create_ledger_types.sql',
      '05528deb57661e38e319bf40edaa90d7a35b99fbe2b64a01d44dc810020fd9fe'),
    ('migrations/0005_create_catalogue.sql',
      '15722a00ea128c2c2130a4a7362fd3005f424e5501f6cb39208fecfb9ba82435'),
    ('migrations/0006_create_subscriptions.sql',
      'b23cfdfa7cf30c965b9e5c790cbfeef3754b259c61489a597613680f6d0ab2f0'),
    ('migrations/0007_create_usage.sql',
      '51f510f1760d766d4fae5cce826161508dd6d79e5b1b5cf996f1d76f6320b3b7'),
    ('migrations/0008_create_entitlement_cache.sql',
      '7ecca296197affb587e7eb1442e8863bfa2fd9fa2fd95763357a98fc75442a54'),
    ('migrations/0009_create_tenant_roles.sql',
      '32a13ec5c0840d048b6538c5984d40088fc3a0c89f3288950ac2b8d24ae60633'),
    ('migrations/0010_create_coupons.sql',
      'dbac9b1d638fc850a9f4371a37c01543a897a5e77a4d4241b2435a0ce56cda1a'),
    ('migrations/0011_create_invoices.sql',
      '4d9cfc9e777eb0eba3d63abdba1e7553ec0d05d68ab4346761bfeb738a422fa4')
$$;

comment on function pgledger.versioned_files is
  'The versioned files that made this schema: also where a dump left the history out.';

revoke all on function pgledger.versioned_files from public;
