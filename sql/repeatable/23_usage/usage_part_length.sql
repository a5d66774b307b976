/*
How long the parts of time are that usage is added up in, by their span. Each length is a multiple
of the next one, down to a microsecond, which no time splits.

Written so that it is inlined.
*/
create or replace function pgledger.usage_part_length(span integer)
returns interval
language sql
immutable
parallel safe
as $$
  select case span
    when 1 then interval '24 hours'
    when 2 then interval '1 hour'
    when 3 then interval '10 minutes'
    when 4 then interval '1 minute'
    when 5 then interval '10 seconds'
    when 6 then interval '1 second'
    when 7 then interval '100 milliseconds'
    when 8 then interval '10 milliseconds'
    when 9 then interval '1 millisecond'
    when 10 then interval '100 microseconds'
    when 11 then interval '10 microseconds'
    when 12 then interval '1 microsecond'
  end
$$;

comment on function pgledger.usage_part_length is
  'How long the parts of time of a span are, in which usage is added up.';

revoke all on function pgledger.usage_part_length from public;
