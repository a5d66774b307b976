/*
Takes the earlier project's names away. It stops where something of a user's is made of them.

Run by `pgledger migrate --no-compat` as pgledger's owner.
*/
drop function if exists @compat@.pgledger_create_account(text, text, boolean, boolean, jsonb);
drop function if exists @compat@.pgledger_create_transfer(text, text, numeric, timestamptz, jsonb);
drop function if exists @compat@.pgledger_generate_id(text);
drop function if exists @compat@.pgledger_create_transfers(@compat@.transfer_request[]);
drop function if exists @compat@.pgledger_create_transfers(
  @compat@.transfer_request[], timestamptz, jsonb
);
drop view if exists @compat@.pgledger_accounts;
drop view if exists @compat@.pgledger_accounts_view;
drop view if exists @compat@.pgledger_transfers;
drop view if exists @compat@.pgledger_transfers_view;
drop view if exists @compat@.pgledger_entries;
drop view if exists @compat@.pgledger_entries_view;
drop type if exists @compat@.transfer_request;
