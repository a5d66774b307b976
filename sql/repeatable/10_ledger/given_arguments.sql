/*
The arguments of a request as its key's row keeps them: those that are not null. Left out and null
are the same to a function. Metadata keeps its own nulls.
*/
create or replace function pgledger.given_arguments(arguments jsonb)
returns jsonb
language sql
immutable
parallel safe
as $$
  select coalesce(jsonb_object_agg(argument.name, argument.value), '{}')
  from jsonb_each(arguments) as argument (name, value)
  where argument.value <> 'null'
$$;

comment on function pgledger.given_arguments is
  'The arguments of a request that are not null.';

revoke all on function pgledger.given_arguments from public;
