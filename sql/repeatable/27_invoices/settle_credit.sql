/*
Says what becomes of the credit of an invoice that becomes final with a total below zero. First it
lowers what is open on the invoices that billed what it gives back; what was billed last comes
first. What is then left is kept for the tenant. If the subscription was canceled with a refund, it
is to be paid back instead, up to the money that was paid on these invoices and is not to be paid
back already. Where the credit went is written down, so that it can be taken back.

Locks these invoices, ascending by key. Their subscription is locked already, so no other credit is
settled and none of them is voided meanwhile; payments wait.
*/
create or replace function pgledger.settle_credit(
  invoice_key bigint,
  at timestamptz
)
returns void
language plpgsql
volatile
parallel unsafe
as $$
declare
  v_credit record;
  v_keys bigint[] := array(select pgledger.credited_invoices(settle_credit.invoice_key));
begin
  select -invoices.total as amount, subscriptions.unused_time = 'refund' as to_refund
  into v_credit
  from pgledger.invoices
  left join pgledger.subscriptions on invoices.subscription_key = subscriptions.key
  where invoices.key = settle_credit.invoice_key;
  perform 1
  from pgledger.invoices
  where invoices.key = any(v_keys)
  order by invoices.key
  for no key update;

  insert into pgledger.invoice_credits (
    from_invoice_key, to_invoice_key, amount, refund, created_at
  )
  select settle_credit.invoice_key, split.key, split.amount, split.refund, settle_credit.at
  from (
    select
      billed.key,
      least(billed.open, greatest(v_credit.amount - billed.open_before, 0)) as amount,
      case
        when v_credit.to_refund then least(
          billed.money,
          greatest(greatest(v_credit.amount - billed.open_in_all, 0) - billed.money_before, 0)
        )
        else 0 * v_credit.amount
      end as refund
    from (
      select
        part.key, part.open, part.money,
        sum(part.open) over () as open_in_all,
        sum(part.open) over newest_first - part.open as open_before,
        sum(part.money) over newest_first - part.money as money_before
      from (
        select
          invoices.key, invoices.number,
          greatest(invoices.amount_due - invoices.amount_paid, 0 * invoices.total) as open,
          least(invoices.amount_paid, invoices.amount_due) - (
            select coalesce(sum(earlier.refund), 0)
            from pgledger.invoice_credits as earlier
            where earlier.to_invoice_key = invoices.key and earlier.taken_back_at is null
          ) as money
        from pgledger.invoices
        where invoices.key = any(v_keys)
      ) as part
      window newest_first as (order by part.number desc nulls first, part.key desc)
    ) as billed
  ) as split
  where split.amount > 0 or split.refund > 0;

  perform pgledger.lower_invoice(given.to_invoice_key, given.amount, settle_credit.at)
  from pgledger.invoice_credits as given
  where given.from_invoice_key = settle_credit.invoice_key and given.amount > 0;
  perform pgledger.note_credits(settle_credit.invoice_key, 'given', settle_credit.at);

  perform pgledger.tell_of_paid_by_credit(settle_credit.invoice_key);

  update pgledger.invoices
  set refund_due = given.refund, unapplied = v_credit.amount - given.amount - given.refund
  from (
    select
      coalesce(sum(invoice_credits.amount), 0) as amount,
      coalesce(sum(invoice_credits.refund), 0 * v_credit.amount) as refund
    from pgledger.invoice_credits
    where invoice_credits.from_invoice_key = settle_credit.invoice_key
  ) as given
  where invoices.key = settle_credit.invoice_key;
end;
$$;

comment on function pgledger.settle_credit is
  'Says what becomes of the credit of an invoice that becomes final.';

revoke all on function pgledger.settle_credit from public;
