/*
What PostgreSQL calls a privilege, as a verb in a sentence.
*/
create or replace function pgledger.right_words(verb text)
returns table (words text)
language sql
immutable
parallel safe
as $$
  select
    case right_words.verb
      when 'USAGE' then 'use'
      when 'CREATE' then 'create objects in'
      when 'REFERENCES' then 'refer to'
      when 'TRIGGER' then 'make triggers on'
      when 'INSERT' then 'insert into'
      when 'DELETE' then 'delete from'
      else lower(right_words.verb)
    end
$$;

comment on function pgledger.right_words is 'A privilege as a verb in a sentence.';

revoke all on function pgledger.right_words from public;
