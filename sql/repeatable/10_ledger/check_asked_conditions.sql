/*
Refuses conditions that no account can ever meet: a version below zero, a range without a number.

Errors: InvalidArgument.
*/
create or replace function pgledger.check_asked_conditions(
  require_from_version bigint,
  require_to_version bigint,
  require_from_balance numrange,
  require_to_balance numrange,
  request_index bigint default null,
  request_count bigint default null
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_fault text[];
  v_ok boolean;
begin
  v_fault := case
    when require_from_version < 0
      then array['require_from_version', require_from_version::text, 'it is below zero']
    when require_to_version < 0
      then array['require_to_version', require_to_version::text, 'it is below zero']
    when isempty(require_from_balance)
      then array['require_from_balance', 'empty', 'no balance lies in it']
    when isempty(require_to_balance)
      then array['require_to_balance', 'empty', 'no balance lies in it']
  end;

  if v_fault is not null then
    v_ok := pgledger.fail('InvalidArgument', v_fault, request_index, request_count);
  end if;

  return true;
end;
$$;

comment on function pgledger.check_asked_conditions is
  'Raises the first thing that is wrong with a request''s conditions by themselves.';

revoke all on function pgledger.check_asked_conditions from public;
