/*
Says what is wrong with a text that a caller gives to name something, or null if nothing is.
A blank text has no visible character. Where allow_invisible is false, every character must be
visible. The text itself is stored as given.
*/
create or replace function pgledger.text_fault(
  value text,
  minimum integer,
  maximum integer,
  allow_invisible boolean
)
returns text
language sql
stable
parallel safe
as $$
  select case
    when value is null then 'it is null'
    when char_length(value) > maximum
      then format('it has %s characters, at most %s are allowed', char_length(value), maximum)
    when value = '' and minimum > 0 then 'it is empty'
    when value = '' then null
    when regexp_replace(value, pgledger.invisible_characters(), '', 'g') = ''
      then 'no character of it can be seen'
    when not allow_invisible and value collate "C" ~ pgledger.invisible_characters()
      then 'it contains a space, a control character or another character that cannot be seen'
  end
$$;

comment on function pgledger.text_fault is
  'What is wrong with a text that names something (its length, blank, invisible), or null.';

revoke all on function pgledger.text_fault from public;
