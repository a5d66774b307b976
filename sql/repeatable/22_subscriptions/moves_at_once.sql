/*
By how many changes at most a call moves one subscription of many, or one that it creates, and how
many changes it looks at to draw up invoices. It is more than a month has days, so that a run once a
month leaves nothing, and few enough for a statement timeout of a second.
*/
create or replace function pgledger.moves_at_once()
returns integer
language sql
immutable
parallel safe
as $$
  select 100
$$;

comment on function pgledger.moves_at_once is
  'By how many changes at most a call moves one subscription of many.';

revoke all on function pgledger.moves_at_once from public;
