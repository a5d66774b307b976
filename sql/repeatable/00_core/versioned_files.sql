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
      '1f81cd795759aee9244214b2fd20b269e47b7c16bfa29acc9d7df20fec0ce406'),
    ('migrations/0004_create_ledger_types.sql',
      '05528deb57661e38e319bf40edaa90d7a35b99fbe2b64a01d44dc810020fd9fe'),
    ('migrations/0005_create_catalogue.sql',
      '0fb1b34fc4e9a0d8d2e87e0f889620c194c60c4ee77e13303c8e4f76a020c6fe'),
    ('migrations/0006_create_subscriptions.sql',
      'fbbbf08d29906409766a862d95df85d64eb913c86106be5e4188d35e9df75782'),
    ('migrations/0007_create_usage.sql',
      '79c8c2fc9e2208ce8edf794418f5b3b89b684c0dbd711876ec994c43b9f33157'),
    ('migrations/0008_create_entitlement_cache.sql',
      '3e1c91325e4b28fc7b76863c9a384f91373378bf6a5e621618594131648177e1'),
    ('migrations/0009_create_tenant_roles.sql',
      '0b49f1bf244e8518dd18656d664dae5f8d2a65957728a0988468b15a1e08b349'),
    ('migrations/0010_create_coupons.sql',
      '914676155b356303d0ace315eef2d152787e749556334f6810b3121949473040'),
    ('migrations/0011_create_invoices.sql',
      'ddddeb6c41579e710a2f45f2f4ce5828270627fe235b9ef29864ac56aec886e3')
$$;

comment on function pgledger.versioned_files is
  'The versioned files that made this schema: also where a dump left the history out.';

revoke all on function pgledger.versioned_files from public;
