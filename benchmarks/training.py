"""What benchmarks/training.sh needs besides the tailwater command: a producer, and DuckDB as peer and judge.

  load SERVERS TRANSACTIONS.csv.gz FROM TO     appends the transactions FROM (inclusive) to TO to the topic
  spine TRANSACTIONS.csv.gz TO COUNT OUT       the last COUNT of the first TO transactions, as a spine
  peer RAW-FILES OUT FIRST-ID LAST-ID          DuckDB's features of the transactions of these ids, from the lake's files
  published SET DATA                           compares a set with the published features
  equal SET OTHER                              compares two sets, rows and features
"""

import gzip
import json
import sys
import time

import duckdb

DAY = 86_400
DAYS = (1, 7, 30)
DELAY = 7 * DAY
FEATURES = {
    f"{view}.{name}_{days}d": (f"{entity}_ID_{published}_{days}DAY_WINDOW", name)
    for view, entity, names in (
        ("customer_spend", "CUSTOMER", {"tx_count": "NB_TX", "amount_avg": "AVG_AMOUNT"}),
        ("terminal_risk", "TERMINAL", {"tx_count": "NB_TX", "risk": "RISK"}),
    )
    for days in DAYS
    for name, published in names.items()
}


def connect():
    db = duckdb.connect()
    db.execute("SET threads = 2; SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    return db


def load(servers, file, first, last):
    from confluent_kafka import Producer

    failed = []
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 50, "queue.buffering.max.messages": 500_000})
    with gzip.open(file, "rt") as lines:
        header = next(lines).rstrip("\n").split(",")
        numbers = [name for name in header if name != "TX_DATETIME"]
        for i, line in enumerate(lines):
            if i >= int(last):
                break
            if i < int(first):
                continue
            row = dict(zip(header, line.rstrip("\n").split(",")))
            event = {name: float(row[name]) if name == "TX_AMOUNT" else int(row[name]) for name in numbers}
            event["TX_DATETIME"] = row["TX_DATETIME"].replace(" ", "T") + "Z"
            value = json.dumps(event).encode()
            while True:
                try:
                    producer.produce(
                        "transactions", value, row["CUSTOMER_ID"], on_delivery=lambda e, _: e and failed.append(e)
                    )
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
    producer.flush()
    if failed:
        sys.exit(f"{len(failed)} transactions were not taken: {failed[0]}")


def spine(file, to, count, out):
    connect().execute(
        f"""COPY (SELECT TRANSACTION_ID, TX_DATETIME::TIMESTAMP AS event_time, CUSTOMER_ID::INT AS CUSTOMER_ID,
              TERMINAL_ID::INT AS TERMINAL_ID, TX_AMOUNT, TX_FRAUD::INT AS TX_FRAUD
            FROM read_csv('{file}') WHERE TRANSACTION_ID >= {int(to) - int(count)} AND TRANSACTION_ID < {to}
            ORDER BY TRANSACTION_ID) TO '{out}' (FORMAT parquet)"""
    )


def peer(files, out, first, last):
    """The same windows as those of DuckDbWindows in the Java benchmarks."""
    columns, windows = [], []
    for view, key, delay, name, value in (
        ("customer_spend", "CUSTOMER_ID", 0, "amount_avg", "avg(TX_AMOUNT) OVER {0}"),
        ("terminal_risk", "TERMINAL_ID", DELAY, "risk", "coalesce(avg(TX_FRAUD) OVER {0}, 0)"),
    ):
        for days in DAYS:
            window = f"{view}_{days}"
            columns.append(f'count(*) OVER {window} AS "{view}.tx_count_{days}d"')
            columns.append(f'{value.format(window)} AS "{view}.{name}_{days}d"')
            # Both ends of a RANGE are inclusive, so the old end is one second younger than its age.
            newest = f"{delay} PRECEDING" if delay else "CURRENT ROW"
            windows.append(
                f"{window} AS (PARTITION BY {key} ORDER BY TX_TIME_SECONDS"
                f" RANGE BETWEEN {delay + days * DAY - 1} PRECEDING AND {newest})"
            )
    db = connect()
    start = time.perf_counter()
    types = {"TRANSACTION_ID": "INT", "CUSTOMER_ID": "INT", "TERMINAL_ID": "INT", "TX_AMOUNT": "DOUBLE",
             "TX_TIME_SECONDS": "INT", "TX_FRAUD": "INT"}
    db.execute(
        f"""CREATE TABLE transactions AS SELECT UNNEST(from_json(decode(value)::JSON, '{json.dumps(types)}'))
            FROM read_parquet('{files}')"""
    )
    read = time.perf_counter()
    db.execute(
        f"""COPY (SELECT * FROM (SELECT TRANSACTION_ID, {", ".join(columns)} FROM transactions
            WINDOW {", ".join(windows)}) WHERE TRANSACTION_ID BETWEEN {first} AND {last}) TO '{out}' (FORMAT parquet)"""
    )
    end = time.perf_counter()
    print(f"{end - start:.2f} {read - start:.2f}")


def published(file, data):
    db = connect()
    db.execute(f"CREATE VIEW ours AS SELECT * FROM read_parquet('{file}')")
    db.execute(f"CREATE VIEW published AS SELECT * FROM read_csv('{data}/truth_transformed.csv.gz')")
    # Where a customer has two transactions in one second, the published value depends on the order of rows.
    db.execute(f"CREATE VIEW ties AS SELECT * FROM read_csv('{data}/tie_rows.csv') WHERE MISMATCH = 1")
    wrong = []
    for ours, (theirs, name) in FEATURES.items():
        wanted = f'coalesce(t."SETSEM_{theirs}", p."{theirs}")' if theirs.startswith("CUSTOMER") else f'p."{theirs}"'
        same = f'o."{ours}" = {wanted}'
        if name == "amount_avg":  # A running sum of doubles; zeros leave up to 2e-13.
            same = f'abs(o."{ours}" - {wanted}) <= 1e-9 * abs({wanted}) OR (o."{ours}" = 0 AND abs({wanted}) < 1e-12)'
        wrong.append(f"count(*) FILTER (WHERE ({same}) IS NOT TRUE)")
    rows, frauds, *counts = db.execute(
        f"""SELECT count(*), sum(o.TX_FRAUD), {", ".join(wrong)} FROM ours o
            LEFT JOIN published p USING (TRANSACTION_ID) LEFT JOIN ties t USING (TRANSACTION_ID)"""
    ).fetchone()
    report(f"{rows:,} rows, {frauds:,} frauds; against the published features", counts)


def equal(file, other):
    db = connect()
    conditions = [
        f'count(*) FILTER (WHERE (abs(a."{f}" - b."{f}") <= 1e-9 * abs(b."{f}")) IS NOT TRUE)' for f in FEATURES
    ]
    rows, *counts = db.execute(
        f"""SELECT count(*), {", ".join(conditions)} FROM read_parquet('{file}') a
            FULL JOIN read_parquet('{other}') b USING (TRANSACTION_ID)"""
    ).fetchone()
    report(f"{rows:,} rows; against DuckDB's features", counts)


def report(what, counts):
    different = {f: n for f, n in zip(FEATURES, counts) if n}
    print(f"{what}: {different or 'none of ' + str(len(counts)) + ' differs'}")
    if different:
        sys.exit(1)


if __name__ == "__main__":
    {"load": load, "spine": spine, "peer": peer, "published": published, "equal": equal}[sys.argv[1]](*sys.argv[2:])
