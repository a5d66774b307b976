/*
Currencies that plans can be in: those of ISO 4217, and those of each app. If an app has defined a
code that ISO 4217 took up later, both are listed, and for that app its own one counts.
*/
create or replace view @extschema@.ledger_currencies as
select
  known.app_id,
  known.code,
  known.exponent
from (
  select
    '*' collate "C" as app_id,
    iso_currencies.code collate "C" as code,
    iso_currencies.exponent
  from pgledger.iso_currencies()
  union all
  select
    currencies.app_id,
    currencies.code,
    currencies.exponent
  from pgledger.currencies
  where currencies.exponent is not null
) as known;

comment on view @extschema@.ledger_currencies is
  'One row a currency: those of ISO 4217, which all apps share, and those that an app has defined.';
comment on column @extschema@.ledger_currencies.app_id is 'App that defined it; * for ISO 4217.';
comment on column @extschema@.ledger_currencies.code is 'Code, for example JPY or POINTS.';
comment on column @extschema@.ledger_currencies.exponent is
  'Decimal places that amounts are rounded to.';

revoke all on table @extschema@.ledger_currencies from public;
grant select on table @extschema@.ledger_currencies to pgledger_reader;
