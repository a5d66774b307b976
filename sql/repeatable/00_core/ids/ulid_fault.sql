/*
Says what is wrong with a ULID, or null if nothing is. The reader of a message should see at once
which of the usual mistakes it is, so the first that applies is named.
*/
create or replace function pgledger.ulid_fault(ulid text)
returns text
language sql
stable
parallel safe
as $$
  select case
    when ulid is null then 'it is null'
    when char_length(ulid) <> 26
      then format('its ULID has %s characters instead of 26', char_length(ulid))
    when ulid collate "C" ~ '[a-z]' then 'its ULID has lower-case letters'
    when ulid collate "C" ~ '[ILOU]' then 'I, L, O and U are not used in a ULID'
    when ulid collate "C" !~ '^[0-9A-HJKMNP-TV-Z]*$'
      then 'its ULID has characters other than 0-9 and A-Z'
    when ulid collate "C" >= '8'
      then 'the first character of its ULID is above 7, which is more than 128 bits hold'
  end
$$;

comment on function pgledger.ulid_fault is 'What is wrong with a ULID, or null.';

revoke all on function pgledger.ulid_fault from public;
