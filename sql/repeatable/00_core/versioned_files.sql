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
      '9db712cf60c2f6ace15d7d2a8df1e78a6d178b8ad3154e7589ce4603f3139882'),
    ('migrations/0004_create_ledger_types.sql',
      '05528deb57661e38e319bf40edaa90d7a35b99fbe2b64a01d44dc810020fd9fe'),
    ('migrations/0005_create_catalogue.sql',
      '1905d860f16eeb5927685725bc4bc8b5f32b7674a2c47ce98c40fc5d57d349b4'),
    ('migrations/0006_create_subscriptions.sql',
      'fbbbf08d29906409766a862d95df85d64eb913c86106be5e4188d35e9df75782'),
    ('migrations/0007_create_usage.sql',
      '300512a7248ac0c1a98b51ecc5f4ecf5d4c11e884921ad3e5939530dce23049f'),
    ('migrations/0008_create_entitlement_cache.sql',
      '3e1c91325e4b28fc7b76863c9a384f91373378bf6a5e621618594131648177e1'),
    ('migrations/0009_create_tenant_roles.sql',
      '0b49f1bf244e8518dd18656d664dae5f8d2a65957728a0988468b15a1e08b349'),
    ('migrations/0010_create_coupons.sql',
      '914676155b356303d0ace315eef2d152787e749556334f6810b3121949473040'),
    ('migrations/0011_create_invoices.sql',
      '0987bcbc5835e6bac73e2da621a51ea34d4ded7f99b1315d2be1db00b6956fd6'),
    ('migrations/0012_limit_accounts.sql',
      '088fd9584ca279cef365e671d68eb36cfca828d6e534b9a96ee7b192fe10a951'),
    ('migrations/0013_change_accounts.sql',
      '87b024a6bd160df22a25030f68133212fe15db8d58f3412b3189a37766d13364'),
    ('migrations/0014_name_accounts.sql',
      '9bd7bff464620d27658b9df5425448d5a1e3eefcb87885178f81bc07073b4d25'),
    ('migrations/0015_scale_currencies.sql',
      'd274eefa4e7221cce0342c6bd9318577a520d0984e0c4d9fb9b95a34f1ab931f'),
    ('migrations/0016_create_holds.sql',
      'fdc119f952c29750a04c916b0aaeb6fe0aa0b1628293cc9318d116dc3bea2506'),
    ('migrations/0017_reverse_transfers.sql',
      'a587d9d75ecf1ea74a8cfc8da7699cad870e78ea8236b8043090de808cd51d2a'),
    ('migrations/0018_create_idempotency_keys.sql',
      '8e696015c014603ad3ab2218b84b139819f43c818bef646858176c378a379637'),
    ('migrations/0019_require_conditions.sql',
      '0a37eb4a499add76de54c71658eb3dfbfbf27981e4f4efcad76418a4594add98'),
    ('migrations/0020_take_keys_everywhere.sql',
      '33bec15c9055c6ecf060ffb6e7e631cfdd064e29888223c18b120c1330a9f955'),
    ('migrations/0021_answer_for_holds.sql',
      '991bd15226bfab766f8c99ceefed6dc3bc2046110247406b4086a14601ebdaf4'),
    ('migrations/0022_index_event_times.sql',
      'cb4d16b690e994841687826c38d1a478b4ce64b88eaac67799d2fe5160750949'),
    ('migrations/0023_ask_at_times.sql',
      '484e303d94b7f617843e928b12febfebd622b0af35e31aba1fefddd367f62c13'),
    ('migrations/0024_close_periods.sql',
      'f59a61c31ceb0e498f910e06fb6cf2ade1adde8d990c2a65bf7f97a765f68f53'),
    ('migrations/0025_create_blocks.sql',
      '35be3a1fff529014b1ced2d63d9bbef1329a391f5fedf0a8f63afc680053fb83'),
    ('migrations/0026_create_seals.sql',
      '156f3972e3dd6ec786791e253738fdaaa0a6df711d4e8491007646fbf8de86e2'),
    ('migrations/0027_import_history.sql',
      '20c868f6a56be5f6ec427bc1831e859f0b8829b86472203b45563481d1dbef46'),
    ('migrations/0028_verify_slices.sql',
      'c6e46c40dbaa494129aae4b8c2ce95f361f4fc1a0fe2a5aac17f9b6a3aebe4db'),
    ('migrations/0029_narrow_time_ranges.sql',
      '710574d24b62909ae58fa64c22ade8bc9609506eb1bf06a9173ed2deb1dae5e9'),
    ('migrations/0030_summarize_times_by_vacuum.sql',
      'aea13c5d025c307ddfb1c299bcd88b353505a016d7da1341b2c84f87005a3276'),
    ('migrations/0031_drop_keys_of_imports.sql',
      '8a19c897d01bb33645bcedb792a0606772377fca50638a926b9e784c3a085a83'),
    ('migrations/0032_name_what_was_taken.sql',
      '73bc9fd05fa825f14c0b73e581c3fa5231df7dd34dccd061e7000ee94d624af7')
$$;

comment on function pgledger.versioned_files is
  'The versioned files that made this schema: also where a dump left the history out.';

revoke all on function pgledger.versioned_files from public;
