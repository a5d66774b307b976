/*
The key of the invoice that an earlier call with that id has imported, or null if there is none. The
request is compared by value with what was written down: lines by their texts and by what those of a
text come to together, because a line that bills a charge of several parts is written down as
several. A time in the period and a payment are compared only if the caller gives them.

Errors: IdempotencyConflict.
*/
create or replace function pgledger.repeated_import(
  request pgledger.invoices,
  lines pgledger.invoice_lines[],
  at timestamptz,
  paid_at timestamptz,
  reference text
)
returns bigint
language plpgsql
stable
parallel safe
as $$
declare
  v_fields text[] := array[
    'app_id', 'tenant_id', 'subscription_key', 'kind', 'currency', 'tax_rates', 'metadata'
  ];
  v_key bigint;
  v_given jsonb;
  v_recorded jsonb;
  v_ok boolean;
begin
  select
    invoices.key,
    pgledger.picked(to_jsonb(request), v_fields) || jsonb_build_object('lines', (
      select jsonb_object_agg(line.description, line.amount)
      from (
        select given.description, sum(given.amount) as amount
        from unnest(repeated_import.lines) as given
        group by given.description
      ) as line
    ), 'is_of_the_period', true, 'is_paid', true),
    to_jsonb(invoices) || jsonb_build_object('lines', (
      select jsonb_object_agg(line.description, line.amount)
      from (
        select written.description, sum(written.amount) as amount
        from pgledger.invoice_lines as written
        where written.invoice_key = invoices.key and written.kind not in ('discount', 'tax')
        group by written.description
      ) as line
    ), 'is_of_the_period',
    request.subscription_key is null or repeated_import.at is null
    or (repeated_import.at >= invoices.period_start and repeated_import.at < invoices.period_end),
    'is_paid',
    repeated_import.paid_at is null or invoices.total <= 0 or exists (
      select
      from pgledger.invoice_payments as payment
      where payment.invoice_key = invoices.key
        and payment.paid_at = repeated_import.paid_at
        and payment.reference is not distinct from repeated_import.reference
    ))
  into v_key, v_given, v_recorded
  from pgledger.invoices
  where invoices.id = request.id;

  v_ok := pgledger.check_repeated(request.id, v_given, v_recorded);
  return v_key;
end;
$$;

comment on function pgledger.repeated_import is
  'Key of the imported invoice that has that id already, or null; raises if another request '
  'made it.';

revoke all on function pgledger.repeated_import from public;
