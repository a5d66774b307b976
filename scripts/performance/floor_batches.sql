-- A copy of the ledger's table with its indexes, the rows that lie ready to be inserted into it,
-- and which batch of them is next.

create table pgledger_floor.transfers
(like pgledger.transfers including indexes including storage including compression);

create unlogged table pgledger_floor.ready (like pgledger.transfers);
alter table pgledger_floor.ready add column batch bigint;
create index on pgledger_floor.ready (batch);

create sequence pgledger_floor.next_batch;
