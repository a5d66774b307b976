/*
Currencies whose decimal places are set. Columns never change; a change of shape is a new version.
*/
create or replace view @extschema@.pgledger_currencies_v1 as
select
  currencies.app_id,
  currencies.code,
  currencies.amount_scale::integer as amount_scale
from pgledger.currencies
-- Costs nothing, and makes the view read-only for everyone, its owner included.
cross join (select) as read_only
where currencies.amount_scale is not null;

comment on view @extschema@.pgledger_currencies_v1 is
  'One row a currency whose decimal places a set of books has set; of all others amounts may have '
  '18.';
comment on column @extschema@.pgledger_currencies_v1.app_id is
  'Set of books; the empty text where there is only one.';
comment on column @extschema@.pgledger_currencies_v1.code is 'Code, for example USD or POINTS.';
comment on column @extschema@.pgledger_currencies_v1.amount_scale is
  'Decimal places that amounts may have.';

revoke all on table @extschema@.pgledger_currencies_v1 from public;
grant select on table @extschema@.pgledger_currencies_v1 to pgledger_reader;
