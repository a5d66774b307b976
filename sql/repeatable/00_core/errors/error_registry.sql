/*
Every error of pgledger, one row each: the one home of codes, names and texts. The message is a
form for format(); its arguments are given where the error is raised. Codes are of SQLSTATE class
LG and are never reused. None of these errors is cured by running the same transaction again at
once: those that are (40001, 40P01, 55P03) are PostgreSQL's own.
*/
create or replace function pgledger.error_registry()
returns table (code text, name text, message text, hint text, retryable boolean)
language sql
immutable
parallel safe
as $$
  values
    (
      'LG001', 'InvalidId', '%s is not a valid id: %s',
      'An id is a prefix, an underscore and a ULID: 26 characters out of 0-9 and A-Z without I, L, '
      'O and U, the first at most 7.',
      false
    ),
    (
      'LG002', 'InvalidIdPrefix', '%s is not a valid prefix for ids',
      'A prefix is 1 to 16 lower-case letters a-z, for example pgla.',
      false
    ),
    (
      'LG003', 'NullArgument', '%s must not be null',
      'Give a value; an argument that has a default may be left out.',
      false
    ),
    (
      'LG004', 'InvalidName', 'account name %s is not valid: %s',
      'A name has 1 to 255 characters and at least one that can be seen.',
      false
    ),
    (
      'LG005', 'InvalidCurrency', 'currency %s is not valid: %s',
      'A currency is 1 to 32 visible characters without spaces, for example USD.',
      false
    ),
    (
      'LG006', 'InvalidScope', '%s %s is not valid: %s',
      'app_id and tenant_id have at most 128 characters, group_id 1 to 255, all of them visible. '
      'In the billing store neither may be empty.',
      false
    ),
    (
      'LG007', 'InvalidMetadata', 'metadata is not valid: %s',
      'Metadata is a JSON object of at most 65536 bytes, or null. Store large things elsewhere and '
      'a reference here.',
      false
    ),
    (
      'LG008', 'InvalidTime', '%s %s is not valid: %s',
      'Give a finite time from the year 1 to the year 9999.',
      false
    ),
    (
      'LG009', 'EventAtInFuture', 'event_at %s is more than a day ahead of %s',
      'If the event really is that far ahead, call with allow_future_event_at => true.',
      false
    ),
    (
      'LG010', 'InvalidAmount', 'amount %s is not valid: %s',
      'An amount is a number above 0 and below 1e30 with at most 18 decimal places. To move money '
      'the other way, swap the accounts.',
      false
    ),
    (
      'LG011', 'SameAccount', 'cannot transfer from account %s to itself',
      'A transfer needs two different accounts.',
      false
    ),
    (
      'LG012', 'InvalidBatch', '%s',
      'Give one-dimensional arrays of equal length, one element a request; an optional array may '
      'be left out.',
      false
    ),
    (
      'LG013', 'BatchTooLarge', '%s requests in one call, at most %s are taken',
      'Split the requests into several calls, in one transaction if they belong together.',
      false
    ),
    (
      'LG014', 'InvalidPage', '%s %s is not valid: %s',
      'page_size is 1 to 10000. after_version is the account_version of the last entry of the page '
      'before, or null; page_offset counts rows to leave out, from 0.',
      false
    ),
    (
      'LG020', 'AccountNotFound', 'account %s does not exist%s',
      'Check the id, and the app_id: an account is found only under its own app.',
      false
    ),
    (
      'LG021', 'TransferNotFound', 'transfer %s does not exist%s',
      'Check the id, and the app_id: a transfer is found only under its own app.',
      false
    ),
    (
      'LG022', 'CurrencyMismatch',
      'cannot transfer between different currencies: account %s is in %s, account %s in %s',
      'An exchange is two transfers in one call, each within its currency, through accounts that '
      'hold both currencies'' liquidity.',
      false
    ),
    (
      'LG023', 'IdempotencyConflict', 'id %s is already taken by a different request',
      'Send exactly the same request to get its first result again, or choose a new id.',
      false
    ),
    (
      'LG024', 'InsufficientFunds',
      'account %s (%s) does not allow a negative balance: %s less %s would leave %s',
      'Move a smaller amount, or move money into the account first.',
      false
    ),
    (
      'LG025', 'PositiveBalanceNotAllowed',
      'account %s (%s) does not allow a positive balance: %s plus %s would leave %s',
      'Move a smaller amount, or move money out of the account first.',
      false
    ),
    (
      'LG026', 'BalanceOutOfRange', 'account %s (%s) cannot hold a balance of %s',
      'A balance stays above -1e30 and below 1e30.',
      false
    ),
    (
      'LG030', 'ImmutableRecord', '%s on %s is not allowed: its rows never change',
      'Correct a transfer with another transfer.',
      false
    ),
    (
      'LG101', 'InvalidArgument', '%s %s is not valid: %s',
      'The description of the function says what each argument can be: \df+ in psql, help() in '
      'Python.',
      false
    ),
    (
      'LG102', 'InvalidPlan', 'the plan is not valid at %s: %s',
      'The message names the JSON path of what is wrong; docs/concepts.md has the forms.',
      false
    ),
    (
      'LG103', 'UnknownCurrency', 'currency %s is not known%s',
      'Use a code of ISO 4217, or define a currency of the app''s own with ledger_set_currency.',
      false
    ),
    (
      'LG104', 'InvalidQuantity', '%s %s is not valid: %s',
      'A quantity is a number from 0 to below 1e30 with at most 18 decimal places.',
      false
    ),
    (
      'LG105', 'UsageInFuture', 'event_at %s is more than %s ahead of %s',
      'Check the unit and the time zone; ledger_set_usage_skew changes how far ahead is allowed.',
      false
    ),
    (
      'LG106', 'UsagePurged', '%s %s is before %s, where usage events may have been purged',
      'Usage that old is neither taken nor split any more. Ask for whole UTC hours, whose totals '
      'are kept.',
      false
    ),
    (
      'LG107', 'InvalidInvoice', 'the invoice is not valid at %s: %s',
      'The message names the JSON path of what is wrong; docs/billing.md has the forms.',
      false
    ),
    (
      'LG110', 'PlanNotFound', 'plan %s does not exist%s',
      'Check the id or slug, the app_id, and whether the plan belongs to another tenant.',
      false
    ),
    (
      'LG111', 'FeatureNotFound', 'feature %s does not exist%s',
      'Check the id or key and the app_id, or create it with ledger_create_feature.',
      false
    ),
    (
      'LG112', 'SubscriptionNotFound', 'subscription %s does not exist%s',
      'Check the id, the app_id and the tenant_id: a subscription is found only under its own.',
      false
    ),
    (
      'LG113', 'InvoiceNotFound', 'invoice %s does not exist%s',
      'Check the id, the app_id and the tenant_id: an invoice is found only under its own.',
      false
    ),
    (
      'LG114', 'CouponNotFound', 'coupon %s does not exist%s',
      'Check the code or id, the app_id, and whether the coupon belongs to another tenant.',
      false
    ),
    (
      'LG120', 'AlreadyExists', '%s %s is already taken%s',
      'Choose another, or get the one that has it.',
      false
    ),
    (
      'LG121', 'Archived', '%s %s is archived',
      'What is archived stays for those who have it and takes nobody new; choose another.',
      false
    ),
    (
      'LG122', 'InUse', '%s %s cannot be %s: %s',
      'What is in use stays as it is. Archive it, so that nobody else takes it, or choose another.',
      false
    ),
    (
      'LG123', 'InvalidState', '%s %s is %s and cannot become %s',
      'Get it again to see its state; it may have changed since.',
      false
    ),
    (
      'LG124', 'ActiveSubscriptionExists', 'tenant %s has an active subscription already%s',
      'Change its plan or cancel it at once, or take a plan that is an add-on.',
      false
    ),
    (
      'LG125', 'CouponNotValid', 'coupon %s cannot be redeemed: %s',
      'A coupon is redeemed while it is active, from valid_from until valid_until.',
      false
    ),
    (
      'LG126', 'CouponExhausted', 'coupon %s is used up: it has been redeemed %s of %s times%s',
      'max_redemptions limits all tenants together, max_redemptions_per_tenant each of them; '
      'ledger_update_coupon raises either.',
      false
    )
$$;

comment on function pgledger.error_registry is
  'Every error of pgledger: SQLSTATE, name, form of the message, hint, whether a retry can help.';

-- The view of errors calls it, with the privileges of whoever reads the view.
revoke all on function pgledger.error_registry from public;
grant execute on function pgledger.error_registry to pgledger_reader;
