/*
For each of the 1,000 microseconds of a millisecond the four digits that pgledger.new_ulid writes
for it: the version's last bits, 12 bits of the fraction, the variant. It has no arguments and is
immutable, so a plan holds its result: a batch makes its ids by cutting pieces out of it.
*/
create or replace function pgledger.microsecond_digits()
returns bytea
language sql
immutable
parallel safe
as $$
  select decode(
    string_agg(
      substr(
        pgledger.base32_text(
          pgledger.base32_lanes(458760 | ((given.microsecond * 4096 / 1000) << 4))
        ),
        5
      ),
      ''
      order by given.microsecond
    ),
    'escape'
  )
  from generate_series(0, 999::bigint) as given (microsecond)
$$;

comment on function pgledger.microsecond_digits is
  'The four digits of a new ULID that tell the microsecond, for each from 0 to 999.';

revoke all on function pgledger.microsecond_digits from public;
