"""psycopg 3: text and binary, types, statements prepared by themselves, cursors, COPY, a pipeline."""

import datetime
import decimal
import sys
import uuid

import psycopg

START = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
ID = uuid.UUID("550e8400-e29b-41d4-a716-446655440000")


def check(connection, binary):
    def ask(sql, values=None):
        with connection.cursor(binary=binary) as cursor:
            return cursor.execute(sql, values).fetchall()

    row = ask("select time, host, usage, n, ok, u from cpu where n = %s and usage > %s", (1, 0.25))[0]
    minute = datetime.timedelta(minutes=1)
    assert row == (START + minute, "h1", 0.5, 1, False, decimal.Decimal(2**64 - 2)), row
    assert ask("select count(*) from cpu where host = any(%s)", (["h1", "h2"],)) == [(6,)]
    assert ask("select count(*) from cpu where n = any(%s)", ([1, 2],)) == [(2,)]
    assert ask("select count(*) from cpu where usage = any(%s)", ([1.0, 2.5],)) == [(2,)]
    assert ask("select count(*) from cpu where time = any(%s)", ([START],)) == [(1,)]
    assert ask("select count(*) from cpu where time >= %s", (START + 5 * minute,)) == [(5,)]
    prices = (decimal.Decimal("1.50"), decimal.Decimal("8"))
    assert ask("select count(*) from cpu where usage > %s and n < %s", prices) == [(4,)]

    span = datetime.timedelta(days=1, hours=1)
    values = (span, datetime.date(2026, 1, 2), True, None, b"ab", ID)
    casts = "select %s::interval, %s::date, %s::bool, %s::text, %s::bytea, %s::uuid"
    assert ask(casts, values) == [values], ask(casts, values)
    literals = "select '12:34:56.5'::time, 1.5::real, 2::smallint, [1, null, 3], 1234567890.12345::decimal(20, 5)"
    assert ask(literals) == [(
        datetime.time(12, 34, 56, 500000), 1.5, 2, [1, None, 3], decimal.Decimal("1234567890.12345"),
    )]
    # After five times psycopg prepares a statement.
    assert [ask("select n from cpu where n = %s", (i,))[0][0] for i in range(8)] == list(range(8))

    with connection.cursor("kept", binary=binary) as cursor:
        cursor.execute("select i, note from big order by i")
        assert cursor.fetchmany(2) == [(0, "row 0"), (1, "row 1")]
        assert len(cursor.fetchall()) == int(sys.argv[2]) - 2
    with connection.cursor() as cursor:
        with cursor.copy("copy (select host, n from cpu order by n limit 2) to stdout") as copy:
            assert list(copy.rows()) == [("h0", "0"), ("h1", "1")]


for binary in (False, True):
    with psycopg.connect(sys.argv[1]) as connection:
        check(connection, binary)
        connection.commit()
        try:
            connection.execute("select nope from cpu")
            raise SystemExit("there is a column nope")
        except psycopg.errors.UndefinedColumn:
            connection.rollback()
        assert connection.execute("select 1").fetchall() == [(1,)]

with psycopg.connect(sys.argv[1]) as connection:
    with connection.pipeline():
        first, second = connection.execute("select 1"), connection.execute("select 2")
    assert (first.fetchall(), second.fetchall()) == ([(1,)], [(2,)])
print("well")
