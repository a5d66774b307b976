/*
Lines with what their own invoice's rates come to on each, as the member taxes of its basis, where
there is more than one rate: then a line's tax does not say how much of it is by which rate, and
credits give back each rate's own. Only lines of a subscription can be credited; those that are
credits themselves say it in billed_with.

taxes has a row for each rate and a column for each line.
*/
create or replace function pgledger.note_taxes(
  lines pgledger.invoice_lines[],
  taxes numeric[]
)
returns pgledger.invoice_lines[]
language plpgsql
immutable
parallel safe
as $$
begin
  if (array_length(taxes, 1) > 1) is not true then
    return lines;
  end if;
  for v_place in 1 .. cardinality(lines) loop
    continue when lines[v_place].subscription_key is null
      or (lines[v_place].basis ? 'billed_with') is true;
    lines[v_place].basis := coalesce(lines[v_place].basis, '{}') || jsonb_build_object(
      'taxes',
      (
        select jsonb_agg(taxes[rate.nth][v_place]::text order by rate.nth)
        from generate_subscripts(taxes, 1) as rate (nth)
      )
    );
  end loop;
  return lines;
end;
$$;

comment on function pgledger.note_taxes is
  'Lines with the tax of each rate, where there is more than one.';

revoke all on function pgledger.note_taxes from public;
