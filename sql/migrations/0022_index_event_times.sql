/*
The entries of an account whose event_at was given, for balances and statements by event time. Who
gives none has nothing in these indexes: 8 KiB each, whatever number of transfers there is.

Whether an entry was recorded by a time, and what it adds, is in the index too: so a balance
reads a few of its pages, and not a page of the table for each entry.

They are made in the transaction of the upgrade: made apart, they would leave a part of it to
callers as long as they take. Posting waits while the transfers are read twice.
*/
-- squawk-ignore require-concurrent-index-creation
create index transfers_from_key_event_at_created_at_amount_idx
on pgledger.transfers (from_key, event_at, created_at) include (amount)
where event_at is not null;
-- squawk-ignore require-concurrent-index-creation
create index transfers_to_key_event_at_created_at_amount_idx
on pgledger.transfers (to_key, event_at, created_at) include (amount)
where event_at is not null;
