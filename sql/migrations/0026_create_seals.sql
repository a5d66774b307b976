/*
Seals. Each holds the SHA-256 of one block, with all that the block covers, and of the seal before.
So who knows a root knows whether anything up to it has changed since.
*/
create table pgledger.seals (
  block bigint not null,
  sealed_at timestamptz not null,
  root bytea not null,
  constraint seals_block_pk primary key (block),
  constraint seals_root_has_32_bytes_check check (octet_length(root) = 32)
);

comment on table pgledger.seals is
  'One row for each sealed block of changes, from 1 without a gap. Rows never change.';
comment on column pgledger.seals.block is 'Block that is sealed.';
comment on column pgledger.seals.sealed_at is 'When it was sealed.';
comment on column pgledger.seals.root is
  'SHA-256 of what the block covers, in version 1 of its form, and of the root before.';

revoke all on table pgledger.seals from public;
grant select on table pgledger.seals to pgledger_auditor;

create type @extschema@.pgledger_seal as (
  block bigint,
  root text collate "C",
  sealed_at timestamptz
);

comment on type @extschema@.pgledger_seal is
  'What proves later that nothing up to a block of changes was tampered with.';
comment on column @extschema@.pgledger_seal.block is
  'Newest block that it seals (null if nothing has ever changed), or null.';
comment on column @extschema@.pgledger_seal.root is
  'SHA-256 over all blocks up to that one, 64 lower-case hexadecimal digits, or null.';
comment on column @extschema@.pgledger_seal.sealed_at is
  'When the block was sealed, or null.';

revoke all on type @extschema@.pgledger_seal from public;
grant usage on type @extschema@.pgledger_seal to pgledger_reader;
