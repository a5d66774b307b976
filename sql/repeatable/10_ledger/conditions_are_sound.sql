/*
Whether no condition of a batch is one that pgledger.check_asked_conditions refuses. A null array
has no conditions, and a null in an array is none.
*/
create or replace function pgledger.conditions_are_sound(
  require_from_versions bigint[],
  require_to_versions bigint[],
  require_from_balances numrange[],
  require_to_balances numrange[]
)
returns boolean
language sql
immutable
parallel safe
as $$
  select (
    0 > any(require_from_versions)
    or 0 > any(require_to_versions)
    or 'empty'::numrange = any(require_from_balances)
    or 'empty'::numrange = any(require_to_balances)
  ) is not true
$$;

comment on function pgledger.conditions_are_sound is
  'Whether each condition of a batch can be met at all.';

revoke all on function pgledger.conditions_are_sound from public;
