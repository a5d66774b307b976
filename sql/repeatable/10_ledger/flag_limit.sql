/*
The limit that a flag and a number say together, which was checked not to be a contradiction: a flag
that is false is the limit 0.
*/
create or replace function pgledger.flag_limit(is_allowed boolean, limit_given numeric)
returns numeric
language sql
immutable
parallel safe
as $$
  select case when is_allowed then trim_scale(limit_given) else 0 end
$$;

comment on function pgledger.flag_limit is
  'The limit of a new account, from its flag and its number.';

revoke all on function pgledger.flag_limit from public;
