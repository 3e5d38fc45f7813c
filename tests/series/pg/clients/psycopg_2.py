"""psycopg2: its own types, a cursor that the server keeps, COPY. Fails by an assertion."""

import datetime
import decimal
import io
import sys

import psycopg2

UTC = datetime.timezone.utc
START = datetime.datetime(2026, 1, 1, tzinfo=UTC)
connection = psycopg2.connect(sys.argv[1])


def ask(sql, values=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


row = ask("select time, host, usage, n, ok, u from cpu where n = %s", (1,))[0]
assert row == (
    START + datetime.timedelta(minutes=1), "h1", 0.5, 1, False, decimal.Decimal(2**64 - 2),
), row
assert ask("select count(*) from cpu where host = any(%s)", (["h1", "h2"],)) == [(6,)]
assert ask("select count(*) from cpu where n = any(%s)", ([1, 2],)) == [(2,)]
assert ask("select count(*) from cpu where host in %s", (("h1", "h2"),)) == [(6,)]
ahead = datetime.timezone(datetime.timedelta(hours=2))
moment = datetime.datetime(2026, 1, 1, 2, 5, tzinfo=ahead)
assert ask("select count(*) from cpu where time >= %s", (moment,)) == [(5,)]
values = (decimal.Decimal("1.50"), datetime.date(2026, 1, 2), datetime.timedelta(hours=1), True, None)
assert ask("select %s, %s, %s, %s, %s", values) == [values]

with connection.cursor("a cursor") as cursor:
    cursor.itersize = 3000
    cursor.execute("select i from big order by i")
    assert [i for (i,) in cursor] == list(range(int(sys.argv[2])))

try:
    ask("select nope from cpu")
    raise SystemExit("there is a column nope")
except psycopg2.errors.UndefinedColumn:
    pass
try:
    ask("select 1")
    raise SystemExit("the transaction goes on after an error")
except psycopg2.errors.InFailedSqlTransaction:
    connection.rollback()
assert ask("select 1") == [(1,)]

text = io.StringIO()
with connection.cursor() as cursor:
    cursor.copy_expert("copy (select host, n from cpu order by n limit 2) to stdout with csv", text)
assert text.getvalue() == "h0,0\nh1,1\n", text.getvalue()
connection.close()
print("well")
