/*
Refuses a status that no invoice has, and a range of time that is not finite or is empty. Each is
null where the caller gives none.
Errors: InvalidArgument, InvalidTime.
*/
create or replace function pgledger.check_invoice_filter(
  status text,
  period_from timestamptz,
  period_until timestamptz
)
returns boolean
language plpgsql
stable
parallel safe
as $$
declare
  v_edge record;
  v_ok boolean;
begin
  if status is not null then
    v_ok := pgledger.check_choice(
      'status',
      status,
      array['draft', 'pending', 'paid', 'past_due', 'voided', 'uncollectible']
    );
  end if;
  for v_edge in
    select edge.name, edge.at, pgledger.time_fault(edge.at) as fault
    from (
      values (1, 'period_from', period_from), (2, 'period_until', period_until)
    ) as edge (place, name, at)
    where edge.at is not null
    order by edge.place
  loop
    if v_edge.fault is not null then
      v_ok := pgledger.fail('InvalidTime', array[v_edge.name, v_edge.at::text, v_edge.fault]);
    end if;
  end loop;
  if period_until <= period_from then
    v_ok := pgledger.fail(
      'InvalidTime',
      array[
        'period_until', period_until::text, format('it is not after period_from %s', period_from)
      ],
      hint => 'Give a period_until that is later than period_from.'
    );
  end if;

  return true;
end;
$$;

comment on function pgledger.check_invoice_filter is
  'Raises InvalidArgument or InvalidTime unless invoices can be chosen by that.';

revoke all on function pgledger.check_invoice_filter from public;
