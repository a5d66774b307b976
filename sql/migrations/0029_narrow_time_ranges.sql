/*
Smaller ranges of pages in the index of times. A transfer that was given an earlier time costs
whoever asks for that time a range of pages. A search looks at each range once, so still smaller
ones would cost more again.

The index is made anew in place, so what is known of its expression stays. Posting waits meanwhile.
*/
alter index pgledger.transfers_event_at_created_at_idx set (pages_per_range = 8);
-- squawk-ignore require-concurrent-reindex
reindex index pgledger.transfers_event_at_created_at_idx;
