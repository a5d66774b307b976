/*
The entries of an account whose event_at was given, for balances and statements by event time. Who
gives none has nothing in these indexes: 8 KiB each, whatever number of transfers there is.

Whether an entry was recorded by a time, and what it adds, is in the index too: so a balance
reads a few of its pages, and not a page of the table for each entry.

They are made in the transaction of the upgrade: made apart, they would leave a part of it to
callers as long as they take. Posting waits while the transfers are read three times.
*/
-- squawk-ignore require-concurrent-index-creation
create index transfers_from_key_event_at_created_at_amount_idx
on pgledger.transfers (from_key, event_at, created_at) include (amount)
where event_at is not null;
-- squawk-ignore require-concurrent-index-creation
create index transfers_to_key_event_at_created_at_amount_idx
on pgledger.transfers (to_key, event_at, created_at) include (amount)
where event_at is not null;

-- A transfer that was given an earlier time costs whoever asks for that time a range of pages: so
-- smaller ones. A search looks at each range once, so still smaller ones would cost more again.
alter index pgledger.transfers_event_at_created_at_idx set (pages_per_range = 8);
-- squawk-ignore require-concurrent-reindex
reindex index pgledger.transfers_event_at_created_at_idx;
