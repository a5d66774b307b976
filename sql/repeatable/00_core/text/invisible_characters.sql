/*
One character that cannot be seen, as a regular expression: controls, white space of every width,
joiners, direction marks, fillers, variation selectors and tags. Two texts that look the same and
differ in one of these would name two currencies.
*/
create or replace function pgledger.invisible_characters()
returns text
language sql
immutable
parallel safe
as $$
  select
    E'[\\u0001-\\u0020\\u007f-\\u00a0\\u00ad\\u034f\\u061c\\u115f\\u1160\\u1680\\u17b4\\u17b5'
    '\\u180b-\\u180f\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u2800\\u3000\\u3164'
    '\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb\\U00013430-\\U00013438'
    '\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff]'
$$;

comment on function pgledger.invisible_characters is
  'Regular expression that matches one character which cannot be seen.';

revoke all on function pgledger.invisible_characters from public;
