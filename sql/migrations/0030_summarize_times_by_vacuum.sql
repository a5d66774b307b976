/*
Autovacuum visits transfers after every 20,000 new ones, however many there are, and each visit
summarizes the new ranges of the index of times. A range that nobody has summarized is read as a
whole by whoever asks for a time.

Until now each new range asked for that by itself. The server keeps 256 such requests, and looks at
them once a minute: it forgot the others, and wrote a line into its log for each.
*/
alter table pgledger.transfers set (
  autovacuum_vacuum_insert_threshold = 20000, autovacuum_vacuum_insert_scale_factor = 0
);
alter index pgledger.transfers_event_at_created_at_idx set (autosummarize = false);
