/*
Whether a draft of a subscription has to become final before another of its invoices, which goes on
from it. Invoices go by the time at which what they are for is known: that of a period at its end,
all others at the start of their period; those of the same time in the order below, and changes in
that of their versions. Nothing goes on from an interim draft, which bills what is there when it
becomes final.
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
  select
    draft.kind <> 'interim'
    and (
      case draft.kind when 'period' then draft.period_end else draft.period_start end,
      array_position(array['period', 'start', 'change', 'interim'], draft.kind),
      coalesce(draft.as_of_version, 0)
    ) < (
      case invoice.kind when 'period' then invoice.period_end else invoice.period_start end,
      array_position(array['period', 'start', 'change', 'interim'], invoice.kind),
      coalesce(invoice.as_of_version, 0)
    )
$$;

comment on function pgledger.draft_goes_before is
  'Whether a draft has to become final before another invoice of its subscription.';

revoke all on function pgledger.draft_goes_before from public;
