/*
Every error of pgledger, one row each: the only place where codes, names and texts are written.
Functions raise an error by its name. The message is a form for format(); whoever raises the error
gives its arguments. The meaning is what the reference and the Python class say of the error. Codes
are of SQLSTATE class LG and are never reused. Running the same transaction again at once cures none
of these errors: those that it does cure (40001, 40P01, 55P03) are PostgreSQL's own.
*/
create or replace function pgledger.error_registry()
returns table (
  code text,
  name text,
  message text,
  hint text,
  meaning text,
  retryable boolean
)
language sql
immutable
parallel safe
as $$
  values
    (
      'LG001', 'InvalidId', '%s is not a valid id: %s',
      'An id is a prefix, an underscore and a ULID: 26 characters out of 0-9 and A-Z without I, L, '
      'O and U, the first at most 7.',
      'An id is malformed; the message says how. An id is a prefix, an underscore and a ULID: 26 '
      'characters out of 0-9 and A-Z without I, L, O and U, the first at most 7. Pass ids on '
      'exactly as they were received. In Python, pgledger.ids raises it too, without asking a '
      'database.',
      false
    ),
    (
      'LG002', 'InvalidIdPrefix', '%s is not a valid prefix for ids',
      'A prefix is 1 to 16 lower-case letters a-z, for example pgla.',
      'A prefix to make ids with is not 1 to 16 lower-case letters a-z. Choose another.',
      false
    ),
    (
      'LG003', 'NullArgument', '%s must not be null',
      'Give a value; an argument that has a default may be left out.',
      'An argument that has to be given is null. Give it, or leave it out to get its default.',
      false
    ),
    (
      'LG004', 'InvalidName', 'account name %s is not valid: %s',
      'A name has 1 to 255 characters and at least one that can be seen.',
      'An account''s name is empty, cannot be seen, or has more than 255 characters.',
      false
    ),
    (
      'LG005', 'InvalidCurrency', 'currency %s is not valid: %s',
      'A currency is 1 to 32 visible characters without spaces, for example USD.',
      'A currency is not 1 to 32 visible characters without spaces. Use a code such as USD.',
      false
    ),
    (
      'LG006', 'InvalidScope', '%s %s is not valid: %s',
      'app_id and tenant_id have at most 128 characters, group_id 1 to 255, all of them visible. '
      'In the billing store neither may be empty.',
      'An app_id, tenant_id or group_id is too long or cannot be seen. '
      'In the billing store, neither app_id nor tenant_id may be empty.',
      false
    ),
    (
      'LG007', 'InvalidMetadata', 'metadata is not valid: %s',
      'Metadata is a JSON object of at most 65536 bytes, with at most 64 levels and numbers of at '
      'most 308 digits, or null. Store large things elsewhere and a reference here.',
      'Metadata is not a JSON object, or is too large or too deep. It has at most 65536 bytes, 64 '
      'levels, and numbers of at most 308 digits. Store large things elsewhere and a reference to '
      'them here.',
      false
    ),
    (
      'LG008', 'InvalidTime', '%s %s is not valid: %s',
      'Give a finite time from the year 1 to the year 9999; usage begins with 1970.',
      'A time is infinite or outside the years 1 to 9999. Give one inside.',
      false
    ),
    (
      'LG009', 'EventAtInFuture', 'event_at %s is more than a day ahead of %s',
      'If the event really is that far ahead, call with allow_future_event_at => true.',
      'event_at is more than a day ahead. Usually a mistaken unit or time zone. Where it is '
      'meant, call with allow_future_event_at => true.',
      false
    ),
    (
      'LG010', 'InvalidAmount', 'amount %s is not valid: %s',
      'An amount is a number above 0 and below 1e30 with at most 18 decimal places.',
      'An amount is not above 0 and below 1e30 with at most 18 decimal places. To move money the '
      'other way, swap the accounts.',
      false
    ),
    (
      'LG011', 'SameAccount', 'cannot transfer from account %s to itself',
      'A transfer needs two different accounts.',
      'A transfer goes from an account to itself. Give two different accounts.',
      false
    ),
    (
      'LG012', 'InvalidBatch', '%s',
      'Give one-dimensional arrays of equal length, one element a request; an optional array may '
      'be left out.',
      'The arrays of a batch are null, not one-dimensional, or of unequal length. Comes from SQL '
      'only: Python always sends well-formed arrays.',
      false
    ),
    (
      'LG013', 'BatchTooLarge', '%s in one call, at most %s are taken',
      'Split the requests into several calls, in one transaction if they belong together.',
      'More than 100,000 requests in one call, or more than 64 MiB of metadata. Split them into '
      'several calls, in one transaction if they belong together.',
      false
    ),
    (
      'LG014', 'InvalidPage', '%s %s is not valid: %s',
      'page_size is 1 to 10000. after_version is the account_version of the last entry of the page '
      'before, or null; page_offset counts rows to leave out, from 0.',
      'A page was asked for with a size outside 1 to 10,000, or with a wrong start. after_version '
      'is the account_version of the last entry of the page before; page_offset counts rows to '
      'leave out, from 0.',
      false
    ),
    (
      'LG020', 'AccountNotFound', 'account %s does not exist%s',
      'Check the id, and the app_id: an account is found only under its own app.',
      'There is no account of this id under this app_id. Check both. Or there is none of this '
      'name, currency, tenant_id and app_id.',
      false
    ),
    (
      'LG021', 'TransferNotFound', 'transfer %s does not exist%s',
      'Check the id, and the app_id: a transfer is found only under its own app.',
      'There is no transfer of this id under this app_id. Check both.',
      false
    ),
    (
      'LG022', 'CurrencyMismatch',
      'cannot transfer between different currencies: account %s is in %s, account %s in %s',
      'An exchange is two transfers in one call, each within its currency, through accounts that '
      'hold both currencies'' liquidity.',
      'A transfer joins accounts of different currencies. An exchange is two transfers in one '
      'call, each within its own currency, through accounts that hold the liquidity of both.',
      false
    ),
    (
      'LG023', 'IdempotencyConflict', '%s %s is already taken by a different request',
      'Send exactly the same request to get its first result again, or choose a new one.',
      'An id or a key chosen by the caller is already taken by a different request. Send exactly '
      'the same request to get its first result again, or choose a new one.',
      false
    ),
    (
      'LG024', 'InsufficientFunds',
      'account %s (%s) %s: %s less %s%s would leave %s',
      'Move a smaller amount, or move money into the account first.',
      'A transfer would leave an account below its lower limit, for example below zero. Move less, '
      'or move money into the account first.',
      false
    ),
    (
      'LG025', 'PositiveBalanceNotAllowed',
      'account %s (%s) %s: %s plus %s%s would leave %s',
      'Move a smaller amount, or move money out of the account first.',
      'A transfer would leave an account above its upper limit, for example above zero. Move less, '
      'or move money out of the account first.',
      false
    ),
    (
      'LG026', 'BalanceOutOfRange', 'account %s (%s) cannot hold a balance of %s',
      'A balance stays above -1e30 and below 1e30.',
      'A transfer would bring a balance to 1e30 or beyond, or to -1e30 or beyond.',
      false
    ),
    (
      'LG027', 'AccountAheadOfClock',
      'account %s was last changed at %s, more than a day ahead of the clock, which says %s',
      'If the clock is wrong, put it right. If it is right, the owner of pgledger accepts that '
      'time: select pgledger_accept_time(account_id, reason).',
      'The newest time on an account is more than a day ahead of the clock. Either the clock is '
      'wrong now, or it was when that time was recorded, and a transfer would carry the time to '
      'the other account. Put the clock right, or have the owner of pgledger accept the time with '
      'pgledger_accept_time.',
      false
    ),
    (
      'LG028', 'AccountFrozen', 'account %s (%s) is frozen: nothing may %s it',
      'Move the money from or to another account, or have the account unfrozen.',
      'A transfer would take from or give to an account that is frozen for that. Use another '
      'account, or have it unfrozen.',
      false
    ),
    (
      'LG029', 'AccountClosed', 'account %s (%s) is closed',
      'Move the money from or to another account.',
      'A transfer would take from or give to an account that is closed. Use another account.',
      false
    ),
    (
      'LG030', 'ImmutableRecord', '%s on %s is not allowed: its rows never change',
      'Correct a transfer with another transfer.',
      'Somebody tried to change or delete what was recorded. Correct a transfer with another '
      'transfer.',
      false
    ),
    (
      'LG032', 'AccountAmbiguous', 'account %s is not the only one of its name%s: %s have it, '
      'among them %s and %s',
      'Use the id of the one that is meant. Accounts that pgledger_ensure_account opens do not '
      'share a name among themselves.',
      'Several accounts of this app, tenant and currency have this name. Use the id of the one '
      'that is meant.',
      false
    ),
    (
      'LG035', 'LimitAlreadyBroken',
      'account %s (%s) is beyond its new %s of %s: its balance is %s%s',
      'Move money first, or call with allow_existing => true: then only transfers that bring the '
      'account nearer to the limit pass.',
      'A new limit is broken already by what the account holds. Move money first, or call with '
      'allow_existing => true; then only transfers that bring the account nearer to the limit '
      'pass.',
      false
    ),
    (
      'LG036', 'AccountNotEmpty',
      'account %s (%s) cannot be closed: its balance is %s, with %s held to leave it and %s to '
      'reach it',
      'Move the balance away, or close with sweep_to => another account. Post or void holds first.',
      'An account is to be closed that has a balance or open holds. Move the balance away, or '
      'close it with sweep_to; post or void its holds first.',
      false
    ),
    (
      'LG040', 'HoldNotFound', 'hold %s does not exist%s',
      'Check the id, and the app_id: a hold is found only under its own app.',
      'There is no hold of this id under this app_id. Check both.',
      false
    ),
    (
      'LG041', 'HoldEnded', 'hold %s was %s at %s',
      'A hold ends once. What else is to move is another hold or a transfer.',
      'A hold that was posted or voided is to be posted, voided or extended. It ends once: what '
      'else is to move is another hold or a transfer.',
      false
    ),
    (
      'LG042', 'HoldExpired', 'hold %s expired at %s',
      'What it kept back is free. Make another hold, or a transfer.',
      'A hold that has expired is to be posted, voided or extended. What it kept back is free: '
      'make another hold, or a transfer.',
      false
    ),
    (
      'LG043', 'HoldAmountExceeded', 'hold %s has %s left of %s, less than %s',
      'Post at most what is left, and move the rest by a transfer.',
      'More is to be posted of a hold than is left of it; the message says both. Post at most '
      'that, and move the rest by a transfer.',
      false
    ),
    (
      'LG050', 'VersionMismatch', 'account %s (%s) is at version %s, not at %s as required',
      'Somebody used the account since you read it. Read it again, decide again, and require the '
      'version that it has then.',
      'A transfer requires a version that an account does not have. Somebody used the account '
      'since it was read: read it again, decide again, and require the version that it has then.',
      false
    ),
    (
      'LG051', 'BalanceConditionFailed',
      'account %s (%s) would have a balance of %s, outside %s as required',
      'Move another amount, or require another range.',
      'A transfer requires that a balance after it lies in a range, and it would not. Move another '
      'amount, or require another range.',
      false
    ),
    (
      'LG055', 'TransferReversed', 'transfer %s was reversed already: nothing is left of its %s',
      'Nothing more can be given back of it. What else is to move is a transfer of its own.',
      'All of a transfer has been reversed already. Nothing more can be given back of it: what '
      'else is to move is a transfer of its own.',
      false
    ),
    (
      'LG056', 'ReversalExceeded', 'transfer %s has %s left of %s to reverse, less than %s',
      'Reverse at most what is left, and move the rest by a transfer.',
      'More of a transfer is to be reversed than is left of it; the message says both. Reverse at '
      'most that, and move the rest by a transfer.',
      false
    ),
    (
      'LG060', 'PeriodClosed',
      'event_at %s lies in a closed period: the books%s are closed until %s',
      'Give an event_at that is not before then, or none. pgledger_reopen_period opens the books '
      'again, for those who may.',
      'The books are closed until a time, and event_at lies before it; the message says '
      'both. Give a later event_at, or none, or let someone who may reopen the period with '
      'pgledger_reopen_period.',
      false
    ),
    (
      'LG061', 'CursorNotFound', 'cursor %s is not of this database',
      'The block that it names is not there: it was read in a transaction that was rolled back, or '
      'the database was restored to an earlier time, or is another one. Go on after an earlier '
      'cursor.',
      'The database does not have the block that a cursor of changes names. It was read in a '
      'transaction that was rolled back, or the database was restored to an earlier time. Go on '
      'after a cursor from before that, or read all from the beginning.',
      false
    ),
    (
      'LG065', 'ImportRefused', 'nothing is imported: %s',
      'See what pgledger_import_faults lists, put it right where it comes from, and import again.',
      'History from elsewhere cannot be imported as it is, and nothing of it was. '
      'pgledger_import_faults lists what is wrong. Put it right where it comes from, and import '
      'again.',
      false
    ),
    (
      'LG101', 'InvalidArgument', '%s %s is not valid: %s',
      E'The description of the function says what each argument can be: \\df+ in psql, help() in '
      'Python.',
      'An argument is not one of the values or forms it can have; the message says which. A '
      'status, an aggregation, a key, a slug, a time zone, a number of trial days and the like.',
      false
    ),
    (
      'LG102', 'InvalidPlan', 'the plan is not valid at %s: %s',
      E'The message names the JSON path of what is wrong. The description of ledger_create_plan '
      'shows the forms: \\df+ in psql, help() in Python.',
      'A plan''s features or pricing are not valid. The message names the JSON path of what is '
      'wrong, for example $.pricing.prices[0].tiers[1].up_to, and says why.',
      false
    ),
    (
      'LG103', 'UnknownCurrency', 'currency %s is not known%s',
      'Use a code of ISO 4217, or define a currency of the app''s own with ledger_set_currency.',
      'A currency is neither of ISO 4217 nor defined by the app. Define one of the app''s own '
      'with ledger_set_currency.',
      false
    ),
    (
      'LG104', 'InvalidQuantity', '%s %s is not valid: %s',
      'A quantity is a number from 0 to below 1e30 with at most 18 decimal places.',
      'A quantity is not from 0 to below 1e30 with at most 18 decimal places.',
      false
    ),
    (
      'LG105', 'UsageInFuture', 'event_at %s is more than %s ahead of %s',
      'Check the unit and the time zone; ledger_set_usage_skew changes how far ahead is allowed.',
      'event_at of a usage event is further ahead than the app allows, an hour by default. '
      'Usually a mistaken unit or time zone, or a clock that runs fast. ledger_set_usage_skew '
      'changes how far ahead is allowed.',
      false
    ),
    (
      'LG106', 'UsagePurged', '%s %s is before %s, where usage events may have been purged',
      'Usage that old is neither taken nor split any more. Ask for whole UTC hours, whose totals '
      'are kept.',
      'A time lies where the tenant''s usage events may have been purged. Usage that old is '
      'neither taken nor split any more. Ask for whole UTC hours, whose totals are kept.',
      false
    ),
    (
      'LG107', 'InvalidInvoice', 'the invoice is not valid at %s: %s',
      E'The message names the JSON path of what is wrong. The description of the function shows '
      'the forms: \\df+ in psql, help() in Python.',
      'Lines or tax rates given for an invoice are not valid. The message names the JSON path of '
      'what is wrong, for example $.lines[0].amount, and says why.',
      false
    ),
    (
      'LG110', 'PlanNotFound', 'plan %s does not exist%s',
      'Check the id or slug, the app_id, and whether the plan belongs to another tenant.',
      'There is no plan of this id or slug for this app_id and tenant. Check all three.',
      false
    ),
    (
      'LG111', 'FeatureNotFound', 'feature %s does not exist%s',
      'Check the id or key and the app_id, or create it with ledger_create_feature.',
      'There is no feature of this id or key for this app_id and tenant, nor a global one. Check '
      'all three, or create it with ledger_create_feature.',
      false
    ),
    (
      'LG112', 'SubscriptionNotFound', 'subscription %s does not exist%s',
      'Check the id, the app_id and the tenant_id: a subscription is found only under its own.',
      'There is no subscription of this id under this app_id and tenant_id. Check all three.',
      false
    ),
    (
      'LG113', 'InvoiceNotFound', 'invoice %s does not exist%s',
      'Check the id, the app_id and the tenant_id: an invoice is found only under its own.',
      'There is no invoice of this id under this app_id and tenant_id. Check all three.',
      false
    ),
    (
      'LG114', 'CouponNotFound', 'coupon %s does not exist%s',
      'Check the code or id, the app_id, and whether the coupon belongs to another tenant.',
      'There is no coupon of this code or id for this app_id and tenant. Check all three.',
      false
    ),
    (
      'LG115', 'UsageNotFound', 'usage event %s at %s does not exist%s',
      'Take id and event_at from ledger_query_usage.',
      'There is no usage event of that id and time for this app and tenant, or it was removed.',
      false
    ),
    (
      'LG120', 'AlreadyExists', '%s %s is already taken%s',
      'Choose another, or get the one that has it.',
      'A slug, key or code is already taken. Choose another, or get the one that has it.',
      false
    ),
    (
      'LG121', 'Archived', '%s %s is archived',
      'What is archived stays for those who have it and takes nobody new; choose another.',
      'A plan or feature is archived: it stays for those who have it and takes nobody new.',
      false
    ),
    (
      'LG122', 'InUse', '%s %s cannot be %s: %s',
      'What is in use stays as it is. Archive it, so that nobody else takes it, or choose another.',
      'Something cannot be deleted or changed because others refer to it; the message says who. '
      'Archive it instead, so that those who have it keep it and nobody else takes it.',
      false
    ),
    (
      'LG123', 'InvalidState', '%s %s is %s and cannot become %s',
      'Its state does not allow that, and may have changed since you read it: get it again.',
      'A change is not allowed in the state that something is in; the message names both states. '
      'Get it again to see its state; it may have changed since.',
      false
    ),
    (
      'LG124', 'ActiveSubscriptionExists', 'tenant %s has an active subscription already%s',
      'Change its plan or cancel it at once, or take a plan that is an add-on.',
      'The tenant has an active or trialing subscription already. Change its plan or cancel it at '
      'once, or take a plan that is an add-on.',
      false
    ),
    (
      'LG125', 'CouponNotValid', 'coupon %s cannot be redeemed: %s',
      'A coupon is redeemed while it is active, from valid_from until valid_until.',
      'A coupon cannot be redeemed now: it is archived, not valid yet or not valid any more.',
      false
    ),
    (
      'LG126', 'CouponExhausted', 'coupon %s is used up: it has been redeemed %s of %s times%s',
      'max_redemptions limits all tenants together, max_redemptions_per_tenant each of them; '
      'ledger_update_coupon raises either.',
      'A coupon has been redeemed as often as it can be, in all or by this tenant. '
      'ledger_update_coupon raises either limit.',
      false
    ),
    (
      'LG127', 'AdvanceTooFar',
      'app %s was last seen at %s, and the clock says %s: more than %s later',
      'If the clock is wrong, put it right. If nothing ran for so long, call once with a longer '
      'max_span, for example max_span => ''100 days'', or null for any.',
      'An app would be moved on by more than max_span beyond what was seen of it. Either the clock '
      'has jumped, or nothing ran for that long. Put the clock right, or call once with a longer '
      'max_span.',
      false
    ),
    (
      'LG128', 'UnknownTimeZone',
      'the server does not know the time zone %s of subscription %s any more',
      'Name the zone that has taken its place: ledger_change_time_zone(app_id, tenant_id, id, '
      'time_zone).',
      'An update of the server has dropped the time zone of a subscription. Its periods cannot be '
      'counted until ledger_change_time_zone gives it the zone that has taken its place, such as '
      'Europe/Kyiv for Europe/Kiev.',
      false
    )
$$;

comment on function pgledger.error_registry is
  'Every error of pgledger: SQLSTATE, name, form of the message, hint, meaning, '
  'and whether a retry can help.';

-- The view of errors calls this function with the privileges of whoever reads the view.
revoke all on function pgledger.error_registry from public;
grant execute on function pgledger.error_registry to pgledger_reader;
