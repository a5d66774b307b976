/*
A length of time as a key's row keeps it, for example P1MT86400S: lengths that come to the same
expiry are the same text. A day has 24 hours; a month has no length of its own.
*/
create or replace function pgledger.argument_length(length interval)
returns text
language sql
immutable
parallel safe
strict
as $$
  select format('P%sMT%sS', given.months, trim_scale(given.seconds))
  from (
    select
      extract(year from length) * 12 + extract(month from length),
      extract(day from length) * 86400 + extract(hour from length) * 3600
      + extract(minute from length) * 60 + extract(second from length)
  ) as given (months, seconds)
$$;

comment on function pgledger.argument_length is
  'A length of time of a request as its key''s row keeps it.';

revoke all on function pgledger.argument_length from public;
