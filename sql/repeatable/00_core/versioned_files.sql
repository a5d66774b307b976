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
      '7e5dbc2c4e3dc02c09d270af895b3e80fec302bd81c8159d27c9f1836bd0b3ac'),
    ('migrations/0006_create_subscriptions.sql',
      'a39f13c7533cef660a496e2e3caf98549f4595e28523f58993111b5a533bd52b'),
    ('migrations/0007_create_usage.sql',
      '83e223a8c37facd724da28e4a364911742e91e27d6809b6ef7f8df67f8635634'),
    ('migrations/0008_create_entitlement_cache.sql',
      '3e1c91325e4b28fc7b76863c9a384f91373378bf6a5e621618594131648177e1'),
    ('migrations/0009_create_tenant_roles.sql',
      '0b49f1bf244e8518dd18656d664dae5f8d2a65957728a0988468b15a1e08b349'),
    ('migrations/0010_create_coupons.sql',
      'dbac9b1d638fc850a9f4371a37c01543a897a5e77a4d4241b2435a0ce56cda1a'),
    ('migrations/0011_create_invoices.sql',
      'dea729d7d5af7ac9e97148bb0a7f3c246b8e03d52b00b3605b1ed66ed0094f13')
$$;

comment on function pgledger.versioned_files is
  'The versioned files that made this schema: also where a dump left the history out.';

revoke all on function pgledger.versioned_files from public;
