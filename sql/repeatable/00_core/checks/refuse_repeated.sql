/*
Refuses an id, or a key if the argument is one, that was taken by a different request, and says in
what the two differ. Values are shown within one app and tenant only, and texts and numbers only:
metadata, prices and lines may be long or private, so they are merely named. If the id is another
app's or tenant's, or nothing is known of the first request, nothing more is said.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.refuse_repeated(
  id text,
  given jsonb,
  recorded jsonb,
  request_index bigint default null,
  request_count bigint default null,
  argument text default 'id'
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_detail text;
begin
  if
    given -> 'app_id' = recorded -> 'app_id'
    and given -> 'tenant_id' is not distinct from recorded -> 'tenant_id'
  then
    select
      'Compared with the first request, '
      || string_agg(
        case
          when field.name = 'metadata' or shown.kinds && array['array', 'object']
            then field.name || ': not the same'
          else format(
            '%s was %s and is now %s',
            field.name,
            pgledger.abridged(shown.recorded),
            pgledger.abridged(shown.given)
          )
        end,
        '; '
        order by field.name
      )
      || '.'
    into v_detail
    from jsonb_each(refuse_repeated.given) as field (name, value)
    cross join lateral (
      select
        array_agg(jsonb_typeof(side.value)) as kinds,
        min(side.text) filter (where side.is_recorded) as recorded,
        min(side.text) filter (where not side.is_recorded) as given
      from (
        select
          sides.value,
          sides.is_recorded,
          case
            when jsonb_typeof(sides.value) = 'number' then trim_scale(sides.value::numeric)::text
            else sides.value::text
          end as text
        from (
          values (refuse_repeated.recorded -> field.name, true), (field.value, false)
        ) as sides (value, is_recorded)
      ) as side
    ) as shown
    where field.value is distinct from refuse_repeated.recorded -> field.name;
  end if;

  return pgledger.fail(
    'IdempotencyConflict', array[argument, id], request_index, request_count, detail => v_detail
  );
end;
$$;

comment on function pgledger.refuse_repeated is
  'Raises IdempotencyConflict, and names the fields in which two requests of one id or key differ.';

revoke all on function pgledger.refuse_repeated from public;
