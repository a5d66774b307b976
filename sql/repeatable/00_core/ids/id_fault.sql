/*
Says what is wrong with an id that must carry that prefix, or null if nothing is.
*/
create or replace function pgledger.id_fault(id text, prefix text)
returns text
language sql
stable
parallel safe
as $$
  select case
    when id is null then 'it is null'
    -- A count in the expression would make it six times as slow.
    when char_length(id) = char_length(prefix) + 27
      and id collate "C" ~ ('^' || prefix || '_[0-7][0-9A-HJKMNP-TV-Z]+$') then null
    when not starts_with(id, prefix || '_')
      then format('it does not begin with %s_', prefix)
    else pgledger.ulid_fault(substr(id, char_length(prefix) + 2))
  end
$$;

comment on function pgledger.id_fault is
  'What is wrong with an id that must be that prefix, an underscore and a ULID, or null.';

revoke all on function pgledger.id_fault from public;
