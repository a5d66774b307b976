"""What the help of the benchmark says of its modes, and how they are called."""

EXAMPLES = """\
what --mode measures:
  single   pgledger_create_transfer, one a transaction (the default)
  batch    pgledger_create_transfers_from_rows with an array of --batch-size requests, one call a
           transaction
  bulk     pgledger_create_transfers_bulk with parallel arrays of --batch-size, one call a
           transaction
  python   Ledger.create_transfer and, call by call in the same open transaction, the statement that
           it sends through bare psycopg
  bytes    bytes a transfer after --transfers singles (200000) and VACUUM FULL, indexes included
  history  newest 20 entries and balance_at of an account that has --transfers entries (1000000)
  times    balances, statements of 1,000 entries and ranges of 10,000 transfers at times in the
           past, on both axes, of three accounts that have --transfers entries (1000000) each: of
           which none gives an event_at, one in a hundred, and each
  growth   a single transfer when there are --transfers of them (5000000), over one when there are
           10000; a fresh database is needed
  processor
           processor time that a backend takes for a single transfer, over what it takes for the
           floor's, both less a bare statement: --transfers of each (20000), the least of --rounds
  calls    processor time that a backend takes for a single transfer with a key and for a hold made
           and posted, over a plain one: --transfers of each (20000), the least of --rounds; and for
           a batch answered request by request, of which a tenth fails, over a bulk call, beside
           single calls with a savepoint each
  batcher  transfers of --workers (200) callers to one account, with single calls and through a
           TransferBatcher: threads, tasks, and one caller alone; each takes --duration twice
  usage    ledger_ingest_usage with parallel arrays of --batch-size (10000) events of --tenants
           tenants, one call a transaction; and bytes an event when there are --events (1000000)
  entitlement
           ledger_check_entitlement, not cached, when there are --events (10000000), over its time
           when there are 10000
  invoice  ledger_advance by --workers (2), drawing up an invoice for each of --tenants (10000)
           subscriptions with five metered features out of --events (10000000), and where the time
           goes; and invoices with 1,000 lines

examples:
  # The usual case, many accounts for few workers, on a temporary server:
  python performance_check.py --accounts 50 --workers 20 --duration 30s

  # Contention: workers wait for one another's accounts.
  python performance_check.py --accounts 10 --workers 20 --duration 30s

  # How much of what PostgreSQL can do at the very least is left, clients costing next to nothing:
  python performance_check.py --driver pgbench --floor

  # A picture: throughput by workers and accounts, percentiles, bytes by table and index:
  python performance_check.py --driver pgbench --workers 1,4,20 --accounts 50,1000 \\
    --duration 12s --floor --plot transfers.svg

  # Beside another ledger and an earlier pgledger, which are in databases of the same server:
  python performance_check.py "dbname=books" --driver pgbench --floor --peer "dbname=other" \\
    --baseline "dbname=old"

  # What a transfer costs the server, whatever else the machine does:
  python performance_check.py --mode processor

  # What keys, holds and outcomes cost:
  python performance_check.py --mode calls

  # Many callers and one hot account, with a batcher and without:
  python performance_check.py --mode batcher --duration 12s

  # Batches of 1,000 in one stream:
  python performance_check.py --mode bulk --batch-size 1000 --workers 1 --driver pgbench --floor

  # A server of yours, on which `pgledger migrate` has run, with figures for a program:
  python performance_check.py "host=db.example dbname=books" --duration 1m --json figures.json

  # The other bars, scaled down:
  python performance_check.py --mode bytes --transfers 20000
  python performance_check.py --mode history --transfers 100000
  python performance_check.py --mode times --transfers 100000
  python performance_check.py --mode growth --transfers 200000 --duration 10s

  # Usage events, beside a plain insert of the same; then while a million old ones are purged:
  python performance_check.py --mode usage --floor
  python performance_check.py --mode usage --batch-size 1000
  python performance_check.py --mode usage --purge --duration 1m

  # Whether a check stays as fast when events are many, scaled down:
  python performance_check.py --mode entitlement --events 1000000

  # A period's end, scaled down:
  python performance_check.py --mode invoice --tenants 1000 --events 500000

Transfers are permanent. On a server of yours they stay, in books of their own: app_id
'performance_check', accounts named 'performance_check 1' and so on. So do usage events, of tenants
that are new in each run, and their invoices. Nothing else is touched, except that --vacuum locks
each table of the database while it rewrites it, and that --floor and --mode growth make the schema
pgledger_floor and drop it again."""
