/*
Whether a draft of a subscription has to become final before another of its invoices, which goes on
from it. Invoices go by their periods; in a period the start comes first, then changes in the order
of their versions, then what the period has come to. An interim invoice comes after what is known at
its start. Nothing goes on from an interim draft: it bills what is there when it becomes final.
*/
create or replace function pgledger.draft_goes_before(
  draft pgledger.invoices,
  invoice pgledger.invoices
)
returns boolean
language sql
immutable
parallel safe
as $$
  select case
    when draft.kind = 'interim' then false
    when invoice.kind = 'interim'
      then case draft.kind when 'period' then draft.period_end else draft.period_start end
      <= invoice.period_start
    else (
      draft.period_start,
      array_position(array['start', 'change', 'period'], draft.kind),
      draft.change_version
    ) < (
      invoice.period_start,
      array_position(array['start', 'change', 'period'], invoice.kind),
      coalesce(invoice.change_version, 0)
    )
  end
$$;

comment on function pgledger.draft_goes_before is
  'Whether a draft has to become final before another invoice of its subscription.';

revoke all on function pgledger.draft_goes_before from public;
