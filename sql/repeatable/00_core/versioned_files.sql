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
      '3449232b9133e68727613d9c4170fedf1d2290cdc107981ca4b522c2ce893e0e'),
    ('migrations/0002_create_accounts.sql',
      '58a602a128f85599b9c45fadc9266692530354b39aa3e8db42b12425bdb0f91e'),
    ('migrations/0003_create_transfers.sql',
      '325984cbc9df1674b3a46aba56ec0b5057c6fd96be76b43350e06d7e765b2740'),
    ('migrations/0004_create_ledger_types.sql',
      'bc4fceef6cf63e8918c32b82853a0fcbd1cc363b72bcf1c6b8854f25a9a6b3e9'),
    ('migrations/0005_create_catalogue.sql',
      'b652070ee972a4e855e9491e54b14da1927a204d6c3da6e6a4d81de4e04a7176'),
    ('migrations/0006_create_subscriptions.sql',
      '9542dcbb46b339346f1fb79118c16c6f1970a3191c4233882194e0969c1ca213'),
    ('migrations/0007_create_usage.sql',
      '95d811286748ce99165207a4e04ff1b5e8a6119c4ba213c08cfcb4a23f75024f'),
    ('migrations/0008_create_entitlement_cache.sql',
      '7ece46b6d3dfab0b284b27a40b08232ca0df4152abe28219f0f255720aa56442'),
    ('migrations/0009_create_tenant_roles.sql',
      '32a13ec5c0840d048b6538c5984d40088fc3a0c89f3288950ac2b8d24ae60633'),
    ('migrations/0010_create_coupons.sql',
      '187c1c898719ae07328bd67dbd3cbbbfd813796bfcd5f295cd5894943e819c87'),
    ('migrations/0011_create_invoices.sql',
      '4d2fe9c7a67e489e2d94ac23b8960ab72e5bff910ae45d6bae013a866d7dbed7')
$$;

comment on function pgledger.versioned_files is
  'The versioned files that made this schema: also where a dump left the history out.';

revoke all on function pgledger.versioned_files from public;
