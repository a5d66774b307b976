/*
Refuses what is not the name of a time zone. PostgreSQL also takes other texts for one: an
abbreviation, whose meaning depends on a setting of the session, a POSIX rule, or a name in any
case. A name with an area before a slash cannot be taken for any of these. The directories posix/
and right/ of the operating system are left out, because not every server has them.

Looking through the names takes some 20 ms; UTC is accepted without it.
Errors: NullArgument, InvalidArgument.
*/
create or replace function pgledger.check_time_zone(time_zone text)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_ok boolean;
begin
  if time_zone is null then
    v_ok := pgledger.fail('NullArgument', array['time_zone']);
  elsif time_zone <> 'UTC' and (
    time_zone !~ '^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)+$'
    or not pgledger.zone_is_known(time_zone)
  ) then
    v_ok := pgledger.fail(
      'InvalidArgument',
      array[
        'time_zone',
        quote_literal(pgledger.abridged(time_zone)),
        'it is neither UTC nor the name of a time zone such as Europe/Berlin'
      ]
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_time_zone is
  'Raises NullArgument or InvalidArgument unless the text is UTC or the name of a time zone.';

revoke all on function pgledger.check_time_zone from public;
