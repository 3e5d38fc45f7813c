"""SQLAlchemy: what it finds out about tables, and questions by what it has found."""

import sys

import sqlalchemy as sa

engine = sa.create_engine(sys.argv[1])
inspector = sa.inspect(engine)
assert sorted(inspector.get_schema_names()) == ["information_schema", "public"]
assert sorted(inspector.get_table_names()) == ["big", "cpu"]
assert inspector.get_view_names() == []
assert inspector.has_table("cpu") and not inspector.has_table("nope")
columns = {column["name"]: (str(column["type"]), column["nullable"]) for column in inspector.get_columns("cpu")}
assert columns == {
    "time": ("TIMESTAMP", False),
    "host": ("TEXT", True),
    "usage": ("DOUBLE PRECISION", True) if sa.__version__ >= "2" else ("DOUBLE_PRECISION", True),
    "n": ("BIGINT", True),
    "ok": ("BOOLEAN", True),
    "u": ("NUMERIC", True),
}, columns
assert inspector.get_pk_constraint("cpu")["constrained_columns"] == []
for lists in ("get_foreign_keys", "get_indexes", "get_unique_constraints", "get_check_constraints"):
    assert getattr(inspector, lists)("cpu") == [], lists

metadata = sa.MetaData()
metadata.reflect(engine)
assert sorted(metadata.tables) == ["big", "cpu"]
cpu = metadata.tables["cpu"]
with engine.connect() as connection:
    question = (
        sa.select(cpu.c.host, sa.func.avg(cpu.c.usage).label("mean"), sa.func.count())
        .where(cpu.c.host.in_(["h1", "h2"]), cpu.c.time < sa.func.now())
        .group_by(cpu.c.host)
        .order_by(cpu.c.host)
    )
    assert connection.execute(question).fetchall() == [("h1", 2.0, 3), ("h2", 2.5, 3)]
    assert connection.execute(sa.text("select count(*) from big")).scalar() == int(sys.argv[2])
print("well")
