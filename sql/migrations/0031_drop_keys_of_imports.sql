/*
What an import works on is read as a whole, never by its numbers, so indexes of them are made for
nobody. The tables give the numbers. Whoever gives others has to give each once: where transfers
refer to one that stands twice, the import is refused.
*/
-- squawk-ignore ban-drop-constraint
alter table pgledger.import_accounts drop constraint import_accounts_number_pk;
-- squawk-ignore ban-drop-constraint
alter table pgledger.import_transfers drop constraint import_transfers_number_pk;
-- squawk-ignore ban-drop-constraint
alter table pgledger.import_entries drop constraint import_entries_number_pk;
-- squawk-ignore ban-drop-constraint
alter table pgledger.import_legs drop constraint import_legs_account_number_place_pk;
-- squawk-ignore ban-drop-constraint
alter table pgledger.import_times drop constraint import_times_transfer_number_pk;
