"""Catalogs: items of every source, checked row by row, refreshed while running, never past the guard."""

import csv
import json
import sqlite3
import time

import duckdb
import pyarrow
import pytest
from pyarrow import parquet

from tailored import RuleBookError
from tailored.book.load import check_book, load_book
from tailored.book.source import read_sources
from tailored.book.tables import read_table
from tailored.engine.engine import Engine

BOOK = """\
attributes:
  user:
    country: {type: string}
    favourite_brand: {type: string}
    bought: {type: list of strings}
  context: {product: {type: string}}
slots: {list: {many: 6}, hero: {default: plain}}
content: {plain: {title: Plain}, guide: {title: Guide}}
catalogs:
  things:
    SOURCE
    attributes:
      name: {type: string}
      price: {type: number}
      stock: {type: integer}
      fresh: {type: boolean}
      since: {type: date}
      tags: {type: list of strings}
      brand: {type: string, values: [Fjell, Lom]}
rules:
  shown:
    when: always
    show: {list: RANKING}
"""
CSV = """\
id,name,price,stock,fresh,since,tags,brand,unread
socks,Wool socks,19.5,3,true,2026-11-01,wool;warm,Fjell,x
tent,"Tent, large",320,,false,2025-01-31,,Lom,y
lamp,Lamp,,0,,,light,,z
"""
NAMES = ("id", "name", "price", "stock", "fresh", "since", "tags", "brand")
ROWS = [
    {name: value for name, value in zip(NAMES, values, strict=True) if value is not None}
    for values in (
        ("socks", "Wool socks", 19.5, 3, True, "2026-11-01", ["wool", "warm"], "Fjell"),
        ("tent", "Tent, large", 320, None, False, "2025-01-31", None, "Lom"),
        ("lamp", "Lamp", None, 0, None, None, ["light"], None),
    )
]


def write(tmp_path, source="file: things.csv", ranking="{of: {catalog: things}}", book=BOOK):
    (tmp_path / "book.yaml").write_text(book.replace("SOURCE", source).replace("RANKING", ranking))
    return tmp_path


def findings(tmp_path):
    """The errors of a book, each with its place."""
    found = check_book(read_sources(tmp_path), folder=tmp_path)[1].diagnostics
    return [f"{one.span.path}:{one.span.line} {one.code}" for one in found if one.severity == "error"]


def placed(decision, slot="list"):
    return [item.content for item in decision[slot].items]


def as_csv(tmp_path):
    (tmp_path / "things.csv").write_text(CSV)
    return "file: things.csv"


def as_semicolons(tmp_path):
    """As a spreadsheet writes it where a comma is part of numbers."""
    with open(tmp_path / "things.csv", "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(ROWS[0]), delimiter=";")
        writer.writeheader()
        for row in ROWS:
            cells = {key: "|".join(one) if isinstance(one, list) else one for key, one in row.items()}
            writer.writerow(cells | ({"fresh": str(row["fresh"]).lower()} if "fresh" in row else {}))
    return "file: things.csv"


def as_parquet(tmp_path):
    columns = list(ROWS[0])
    parquet.write_table(
        pyarrow.table({name: [row.get(name) for row in ROWS] for name in columns}),
        tmp_path / "things.parquet",
    )
    return "file: things.parquet"


def as_yaml(tmp_path):
    (tmp_path / "things.yaml").write_text(yaml_of_the_rows())
    return "file: things.yaml"


def yaml_of_the_rows():
    bodies = [{key: value for key, value in row.items() if key != "id"} for row in ROWS]
    return "".join(f"{row['id']}: {json.dumps(one)}\n" for row, one in zip(ROWS, bodies, strict=True))


def as_items(tmp_path):
    return "items:\n" + "".join(f"      {line}\n" for line in yaml_of_the_rows().splitlines())


def as_sqlite(tmp_path):
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.execute(f"create table t ({', '.join(NAMES)})")
    for row in ROWS:
        values = [";".join(value) if isinstance(value := row.get(name), list) else value for name in NAMES]
        connection.execute("insert into t values (?, ?, ?, ?, ?, ?, ?, ?)", values)
    connection.commit()
    connection.close()
    return 'sql: "select * from t"\n    database: shop.db'


def as_duckdb(tmp_path):
    with duckdb.connect(tmp_path / "shop.duckdb") as connection:
        kinds = ("text", "text", "decimal(9, 2)", "int", "bool", "date", "text[]", "text")
        columns = [f"{name} {kind}" for name, kind in zip(NAMES, kinds, strict=True)]
        connection.execute(f"create table t ({', '.join(columns)})")
        for row in ROWS:
            connection.execute(
                "insert into t values (?, ?, ?, ?, ?, ?, ?, ?)", [row.get(name) for name in NAMES]
            )
    return 'sql: "select * from t"\n    database: shop.duckdb'


SOURCES = [as_csv, as_semicolons, as_parquet, as_yaml, as_items, as_sqlite, as_duckdb]


@pytest.mark.parametrize("source", SOURCES, ids=lambda one: one.__name__)
def test_every_source_gives_the_same_items(tmp_path, source):
    folder = write(tmp_path, source(tmp_path))
    assert findings(folder) == []
    decision = Engine.load(folder).evaluate({}, {})
    fields = [
        {key: list(value) if isinstance(value, tuple) else value for key, value in item.fields.items()}
        for item in decision["list"].items
    ]
    assert fields == [{key: value for key, value in row.items() if key != "id"} for row in ROWS]
    assert placed(decision) == ["socks", "tent", "lamp"]
    assert decision["list"].items[0].to_dict()["catalog"] == "things"


@pytest.mark.parametrize(
    "where, expected",
    [
        ("{brand: Fjell}", ["socks"]),
        ("{brand: [Fjell, Lom]}", ["socks", "tent"]),
        ("{price: {at most: 100}}", ["socks"]),
        ("{not: {price: {at most: 100}}}", ["tent"]),
        ("{price: {known: false}}", ["lamp"]),
        ("{tags: wool}", ["socks"]),
        ("{tags: {contains none: [wool]}}", ["lamp"]),
        ("{since: {after: 2026-01-01}}", ["socks"]),
        ("{since: {in the last: 52 weeks}}", ["socks"]),
        ("{any: [{fresh: true}, {stock: 0}]}", ["socks", "lamp"]),
        ("{brand: {same as: user.favourite_brand}}", ["tent"]),
        ("{not: {id: {same as: context.product}}}", ["tent", "lamp"]),
        ("{bought: true}", ["lamp"]),
        ("{bought: false}", ["socks", "tent"]),
        ("{item.brand: {same as: user.country}}", []),
        ("{brand: {same as: user.favourite_brand, is: Fjell}}", []),
    ],
)
def test_conditions_on_items_mean_what_they_mean_elsewhere(tmp_path, where, expected):
    folder = write(tmp_path, as_csv(tmp_path), f"{{of: {{catalog: things, where: {where}}}}}")
    assert findings(folder) == []
    user = {"favourite_brand": "Lom", "bought": ["lamp", "gone"]}
    decision = Engine.load(folder).evaluate(user, {"product": "socks"}, "2026-11-24")
    assert placed(decision) == expected


def test_without_a_product_not_the_same_lets_nothing_through_and_without_leaves_nothing_out(tmp_path):
    same = "{id: {same as: context.product}}"
    rankings = [
        f"{{of: {{catalog: things, where: {{not: {same}}}}}}}",
        f"{{of: {{catalog: things}}, without: [{same}]}}",
    ]
    lists = []
    for number, ranking in enumerate(rankings):
        (tmp_path / str(number)).mkdir()
        folder = write(tmp_path / str(number), as_csv(tmp_path / str(number)), ranking)
        engine = Engine.load(folder)
        lists.append([placed(engine.evaluate({}, context)) for context in ({}, {"product": "socks"})])
    assert lists == [[[], ["tent", "lamp"]], [["socks", "tent", "lamp"], ["tent", "lamp"]]]


@pytest.mark.parametrize(
    "ranking, expected",
    [
        ("{of: {catalog: things}, without: [{bought: true}]}", ["socks", "tent"]),
        ("{of: {catalog: things}, without: [{brand: Fjell}, {price: {known: false}}]}", ["tent"]),
        ("{top: 1, of: {catalog: things}}", ["socks"]),
        ("{of: {catalog: things}, pin: [{id: guide, at: 2}]}", ["socks", "guide", "tent", "lamp"]),
        ("{of: {catalog: things}, pin: [{id: lamp, at: 1}]}", ["lamp", "socks", "tent"]),
        ("{of: {catalog: things, where: {brand: Lom}}, pin: [{id: socks, at: 1}]}", ["socks", "tent"]),
        ("{of: {catalog: things, where: {id: nothing}}, pin: [{id: lamp, at: 6}]}", ["lamp"]),
    ],
)
def test_without_top_and_pins(tmp_path, ranking, expected):
    folder = write(tmp_path, as_csv(tmp_path), ranking)
    assert findings(folder) == []
    assert placed(Engine.load(folder).evaluate({"bought": ["lamp"]}, {})) == expected


def test_at_most_so_many_have_something_in_common(tmp_path):
    rows = "".join(f"t{number},{['Fjell', 'Lom'][number % 3 == 0]}\n" for number in range(9))
    (tmp_path / "things.csv").write_text("id,brand\n" + rows)
    book = BOOK[: BOOK.index("      name:")] + "      brand: {type: string}\n" + BOOK[BOOK.index("rules:") :]
    folder = write(tmp_path, ranking="{of: {catalog: things}, at most: {2 per: brand}}", book=book)
    assert placed(Engine.load(folder).evaluate({}, {})) == ["t0", "t1", "t2", "t3"]


@pytest.mark.parametrize(
    "lines, found",
    [
        ("socks,3,true\nsocks,4,true", ["things.csv:3 duplicate-id"]),
        ("socks,many,true", ["things.csv:2 wrong-type"]),
        ("socks,1.5,yes", ["things.csv:2 wrong-type", "things.csv:2 wrong-type"]),
        (",1,true", ["things.csv:2 unreadable-row"]),
        ("socks,1", ["things.csv:2 unreadable-row"]),
        ('"so\ncks",1,true\ntent,x,true', ["things.csv:4 wrong-type"]),
    ],
)
def test_every_row_that_cannot_be_used_is_found_at_its_place(tmp_path, lines, found):
    (tmp_path / "things.csv").write_text("id,stock,fresh\n" + lines + "\n")
    book = BOOK.replace("      name: {type: string}\n      price: {type: number}\n", "")
    book = "".join(
        line for line in book.splitlines(True) if not line.strip().startswith(("since:", "tags:", "brand:"))
    )
    assert findings(write(tmp_path, book=book)) == found


@pytest.mark.parametrize(
    "source, found",
    [
        ("file: things.cvs", "book.yaml:11 missing-file"),
        ("file: things.docx", "book.yaml:11 unreadable-file"),
        ("file: broken.parquet", "book.yaml:11 unreadable-file"),
        ("file: latin.csv", "book.yaml:11 unreadable-file"),
        ("file: slip.csv", "slip.csv:1 label-slip"),
        ("file: twice.csv", "book.yaml:11 unreadable-file"),
        ('sql: "select * from t"\n    database: things.csv', "book.yaml:11 unreadable-file"),
        ('sql: "select * from t"\n    database: shopp.db', "book.yaml:12 missing-file"),
        ("file: endless.csv", "book.yaml:11 unreadable-file"),
        ("file: endless-head.csv", "book.yaml:11 unreadable-file"),
        ("file: empty.csv", "book.yaml:11 unreadable-file"),
        ("file: list.yaml", "list.yaml:1 unreadable-row"),
        ("file: text.yaml", "text.yaml:1 wrong-kind"),
        ("file: typo.yaml", "typo.yaml:1 unknown-key"),
        ("file: ../things.csv", "book.yaml:11 missing-file"),
        ('sql: "select nothing"\n    database: shop.db', "book.yaml:11 unreadable-file"),
        ('sql: "delete from t"\n    database: shop.db', "book.yaml:11 unreadable-file"),
        (
            "sql: \"select * from read_csv('things.csv')\"\n    database: shop.duckdb",
            "book.yaml:11 unreadable-file",
        ),
        ("file: things.csv\n    id: sku", "things.csv:1 missing-column"),
    ],
)
def test_a_source_that_cannot_be_read_is_found(tmp_path, source, found):
    as_csv(tmp_path), as_sqlite(tmp_path), as_duckdb(tmp_path)
    (tmp_path / "things.docx").write_text("x")
    (tmp_path / "broken.parquet").write_text("x")
    (tmp_path / "latin.csv").write_bytes("id,name\nsocks,Blå\n".encode("latin-1"))
    (tmp_path / "endless.csv").write_text(CSV + "x" * 200_000 + "\n")
    (tmp_path / "endless-head.csv").write_text('"' + "x" * 200_000)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "twice.csv").write_text(CSV.replace("unread", "name"))
    yaml = {"list": "- {name: Socks}\n", "text": "socks\n", "typo": "socks: {nmae: Socks}\n"}
    for name in yaml.keys() & {source.removeprefix("file: ").removesuffix(".yaml")}:
        (tmp_path / f"{name}.yaml").write_text(yaml[name])
    (tmp_path / "slip.csv").write_text(CSV.replace("unread", "tpoic"))
    assert findings(write(tmp_path, source)) == [found]
    with pytest.raises(RuleBookError):
        Engine.load(tmp_path)


def test_a_database_that_is_missing_is_found_in_its_folder(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "shop.db").write_bytes(b"")
    folder = write(tmp_path, 'sql: "select * from t"\n    database: data/shpo.db')
    (found,) = [
        one
        for one in check_book(read_sources(folder), folder=folder)[1].diagnostics
        if one.code == "missing-file"
    ]
    assert (str(found.span), found.hint) == ("book.yaml:12:15", "Did you mean `data/shop.db`?")


def emptied(tmp_path, source):
    """The source of a catalog, with everything in it gone, and how a finding calls it."""
    written = source(tmp_path)
    if source is as_csv:
        (tmp_path / "things.csv").write_text(CSV.splitlines(keepends=True)[0])
    elif source is as_parquet:
        table = parquet.read_table(tmp_path / "things.parquet")
        parquet.write_table(table.slice(0, 0), tmp_path / "things.parquet")
    elif source is as_yaml:
        (tmp_path / "things.yaml").write_text("# nothing\n")
    elif source is as_sqlite:
        with sqlite3.connect(tmp_path / "shop.db") as connection:
            connection.execute("delete from t")
    elif source is as_duckdb:
        with duckdb.connect(tmp_path / "shop.duckdb") as connection:
            connection.execute("delete from t")
    else:
        return "items: {}", "`items` holds none"
    path = written.split(": ")[-1]
    return written, f"the query on `{path}` gives no rows" if "sql" in written else f"`{path}` holds none"


@pytest.mark.parametrize("source", SOURCES[:1] + SOURCES[2:], ids=lambda one: one.__name__)
def test_a_source_without_items_is_a_warning_at_its_catalog(tmp_path, source):
    written, says = emptied(tmp_path, source)
    folder = write(tmp_path, written)
    every = check_book(read_sources(folder), folder=folder)[1].diagnostics
    (found,) = [one for one in every if one.code == "empty-source"]
    assert (found.severity, str(found.span)) == ("warning", "book.yaml:10:3")
    assert found.message == f"`things` has no items: {says}."
    assert found.hint == "Nothing of it can be shown until it has some."
    assert placed(Engine.load(folder).evaluate({}, {})) == []


@pytest.mark.parametrize("source", [as_csv, as_parquet, as_yaml, as_sqlite, as_duckdb])
def test_a_source_that_is_emptied_while_running_empties_no_page(tmp_path, source, caplog):
    folder = write(tmp_path, source(tmp_path))
    engine = Engine.load(folder)
    (tmp_path / "new").mkdir()
    _, says = emptied(tmp_path / "new", source)
    for file in (tmp_path / "new").iterdir():
        file.replace(tmp_path / file.name)
    (found,) = engine.refresh("things").diagnostics
    assert (found.code, found.severity, found.message) == (
        "empty-source",
        "error",
        f"`things` has no items: {says}.",
    )
    assert found.hint == "It keeps those that it had until there are some."
    assert f"catalog things keeps its items: {found.message}" in caplog.text
    assert placed(engine.evaluate({}, {})) == ["socks", "tent", "lamp"]
    source(tmp_path / "new")
    for file in (tmp_path / "new").iterdir():
        file.replace(tmp_path / file.name)
    assert engine.refresh("things").diagnostics == ()


@pytest.mark.parametrize("source", [as_csv, as_sqlite, as_yaml])
def test_a_refresh_shows_what_is_new_without_a_restart(tmp_path, source):
    engine = Engine.load(write(tmp_path, source(tmp_path)))
    if source is as_sqlite:
        with sqlite3.connect(tmp_path / "shop.db") as connection:
            connection.execute("insert into t (id, name) values ('map', 'Map')")
    else:
        file = tmp_path / f"things.{source.__name__[3:]}"
        file.write_text(
            file.read_text() + {"csv": "map,Map,,,,,,,\n", "yaml": "map: {name: Map}\n"}[file.suffix[1:]]
        )
    assert placed(engine.evaluate({}, {})) == ["socks", "tent", "lamp"]
    assert engine.refresh().diagnostics == ()
    assert placed(engine.evaluate({}, {})) == ["socks", "tent", "lamp", "map"]


def test_a_refresh_with_errors_is_told_and_changes_nothing(tmp_path):
    engine = Engine.load(write(tmp_path, as_csv(tmp_path)))
    (tmp_path / "things.csv").write_text(CSV + "map,Map,cheap,,,,,,\n")
    report = engine.refresh("things")
    assert [f"{one.span} {one.code}" for one in report.diagnostics] == ["things.csv:5:1 wrong-type"]
    assert "map,Map,cheap" in report.to_text()
    assert placed(engine.evaluate({}, {})) == ["socks", "tent", "lamp"]
    (tmp_path / "things.csv").unlink()
    assert [one.code for one in engine.refresh().diagnostics] == ["missing-file"]
    with pytest.raises(KeyError):
        engine.refresh("nothing")


def test_a_catalog_that_says_so_is_refreshed_by_itself(tmp_path):
    engine = Engine.load(write(tmp_path, as_csv(tmp_path) + "\n    refresh: 1 minute"))
    (tmp_path / "things.csv").write_text(CSV.splitlines()[0] + "\nmap,Map,,,,,,,\n")
    assert placed(engine.evaluate({}, {})) == ["socks", "tent", "lamp"]
    engine._ranker.catalogs._due["things"] = 0.0
    deadline = time.monotonic() + 10
    while placed(engine.evaluate({}, {})) != ["map"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert placed(engine.evaluate({}, {})) == ["map"]


def test_what_is_learnt_from_items_is_learnt_again_when_they_are_refreshed(tmp_path):
    pytest.importorskip("sklearn", reason="the extra scoring is not installed")
    scorers = "scorers: {alike: {kind: similar, history: [user.seen], text: [name]}}\n"
    book = BOOK.replace("rules:", scorers + "rules:").replace("    bought:", "    seen:")
    ranking = "{of: {catalog: things}, by: alike}"
    engine = Engine.load(write(tmp_path, as_csv(tmp_path), ranking, book))
    (tmp_path / "things.csv").write_text(CSV + "map,Old map,,,,,,,\nmaps,New map,,,,,,,\n")
    assert engine.refresh("things").diagnostics == ()
    decision = engine.evaluate({"seen": ["map"]}, {})
    assert decision["list"].scorer.used == "alike"
    assert placed(decision)[0] == "maps"


def test_a_query_makes_no_file(tmp_path):
    made = tmp_path / "new.sqlite"
    source = as_sqlite(tmp_path).replace("select * from t", f"attach database '{made}' as new")
    assert findings(write(tmp_path, source)) == ["book.yaml:11 unreadable-file"]
    assert not made.exists()


LABELLED = """\
id,name,topic,purpose
socks,Socks,,
bandage,Bandage,health,
advert,Advert,,personalization
both,Both,health;finance,
"""
SMALL = BOOK[: BOOK.index("      price:")] + BOOK[BOOK.index("rules:") :]


def test_labelled_items_are_no_candidates_without_consent_and_are_told_as_withheld(tmp_path):
    seen = []

    class Looking:
        def score(self, facts, candidates):
            seen.append([one.id for one in candidates])
            return [0] * len(candidates)

    (tmp_path / "things.csv").write_text(LABELLED)
    book = SMALL.replace("rules:", "scorers: {model: {kind: python, timeout: 9 s}}\nrules:")
    ranking = "{of: {catalog: things}, by: model, pin: [{id: bandage, at: 1}], explore: 50%}"
    engine = Engine(load_book(write(tmp_path, ranking=ranking, book=book)), {"model": Looking()})
    plain = engine.evaluate({"id": "u"}, {})
    assert sorted(placed(plain)) == ["advert", "socks"]
    assert [entry.to_dict() for entry in plain.withheld] == [
        {"kind": "content", "id": "bandage", "topic": "health"},
        {"kind": "content", "id": "both", "topic": "finance"},
        {"kind": "content", "id": "both", "topic": "health"},
    ]
    consenting = engine.evaluate(
        {"id": "u", "consents": {"health": True, "finance": True}, "opt_outs": ["personalization"]}, {}
    )
    assert placed(consenting)[0] == "bandage"
    assert sorted(placed(consenting)) == ["bandage", "both", "socks"]
    assert seen == [["socks", "advert"], ["socks", "both"]]


@pytest.mark.parametrize(
    "ranking",
    [
        "{of: {catalog: things}, pin: [{id: gone, at: 1}]}",
        "{of: {catalog: things}, explore: {share: 0%, first: [gone]}}",
    ],
)
def test_an_item_that_left_its_file_keeps_no_book_from_being_loaded(tmp_path, ranking):
    folder = write(tmp_path, as_csv(tmp_path), ranking)
    every = check_book(read_sources(folder), folder=folder)[1].diagnostics
    assert [(one.severity, one.message) for one in every if one.code == "unknown-item"] == [
        ("warning", "There is no item `gone`.")
    ]
    engine = Engine.load(folder)
    assert placed(engine.evaluate({}, {})) == ["socks", "tent", "lamp"]
    if "pin" in ranking:
        (tmp_path / "things.csv").write_text(CSV + "gone,Back again,,,,,,,\n")
        assert engine.refresh().diagnostics == ()
        assert placed(engine.evaluate({}, {})) == ["gone", "socks", "tent", "lamp"]
        again = load_book(folder)
        assert Engine(again).evaluate({}, {})["list"].items[0].content == "gone"


def test_an_item_that_the_book_would_have_to_write_is_still_an_error(tmp_path):
    source = "items: {socks: {name: Socks}}"
    folder = write(tmp_path, source, "{of: {catalog: things}, pin: [{id: gone, at: 1}]}")
    assert findings(folder) == ["book.yaml:23 unknown-item"]


def test_a_labelled_catalog_is_kept_back_as_a_whole(tmp_path):
    folder = write(
        tmp_path,
        as_csv(tmp_path) + "\n    topic: health",
        "{of: {catalog: things}, pin: [{id: socks, at: 1}]}",
    )
    engine = Engine.load(folder)
    decision = engine.evaluate({}, {})
    assert placed(decision) == []
    assert [entry.to_dict() for entry in decision.withheld] == [
        {"kind": "catalog", "id": "things", "topic": "health"}
    ]
    assert placed(engine.evaluate({"consents": {"health": True}}, {})) == ["socks", "tent", "lamp"]


def test_an_unknown_label_in_a_row_is_an_error(tmp_path):
    (tmp_path / "things.csv").write_text(LABELLED.replace("health,\n", "helath,\n"))
    assert findings(write(tmp_path, book=SMALL)) == ["things.csv:3 unknown-topic"]


def test_fields_are_templates_and_data_never_is(tmp_path):
    (tmp_path / "things.csv").write_text("id,name\nsocks,<b>{{ 6 * 7 }}</b>\n")
    fields = (
        'fields: {title: "{{ item.name }} ({{ item.id }}) for {{ user.country }}", link: "/p/{{ item.id }}"}'
    )
    folder = write(tmp_path, f"file: things.csv\n    {fields}", book=SMALL)
    decision = Engine.load(folder).evaluate({"country": "NO"}, {})
    assert decision["list"].items[0].fields == {
        "title": "&lt;b&gt;{{ 6 * 7 }}&lt;/b&gt; (socks) for NO",
        "link": "/p/socks",
    }
    plain = Engine.load(write(tmp_path, f"file: things.csv\n    format: text\n    {fields}", book=SMALL))
    assert plain.evaluate({}, {})["list"].items[0].fields["title"] == "<b>{{ 6 * 7 }}</b> (socks) for "


def test_numbers_may_be_ids(tmp_path):
    parquet.write_table(
        pyarrow.table({"id": [7, 8], "name": ["Seven", "Eight"]}), tmp_path / "things.parquet"
    )
    folder = write(
        tmp_path, "file: things.parquet", "{of: {catalog: things}, pin: [{id: 8, at: 1}]}", book=SMALL
    )
    assert findings(folder) == []
    assert placed(Engine.load(folder).evaluate({}, {})) == ["8", "7"]


def test_one_item_of_a_catalog_may_stand_in_a_slot_for_one(tmp_path):
    book = BOOK.replace("{list: RANKING}", "{hero: {of: {catalog: things, where: {brand: Lom}}}}")
    decision = Engine.load(write(tmp_path, as_csv(tmp_path), book=book)).evaluate({}, {})
    data = decision.to_dict()["slots"]["hero"]
    assert (data["content"], data["catalog"], data["fields"]["price"]) == ("tent", "things", 320)


def test_the_last_check_takes_out_what_got_past_everything_else(tmp_path, monkeypatch):
    (tmp_path / "things.csv").write_text(LABELLED)
    engine = Engine.load(write(tmp_path, book=SMALL))
    monkeypatch.setattr("tailored.scoring.stock.Stock.held_back", lambda self, permissions: {})
    decision = engine.evaluate({"id": "u"}, {})
    assert placed(decision) == ["socks", "advert"]
    assert [warning.code for warning in decision.warnings] == ["guard"]


def test_a_ranking_is_described_and_explained(tmp_path):
    from tailored.book.describe import describe as described
    from tailored.engine.explain import explain

    ranking = "{top: 2, of: {catalog: things, where: {fresh: true}}, without: [{bought: true}], explore: 20%}"
    book = load_book(write(tmp_path, as_csv(tmp_path), ranking))
    (told,) = [rule for rule in described(book)["rules"] if rule["id"] == "shown"]
    assert told["then"] == [
        "shows the best 2 of things where fresh is true, as they stand, "
        "but for those where it is in their bought, with 20% of the places explored in list"
    ]
    text = explain(Engine(book), {}, {}).to_text(["list"])
    assert text.splitlines()[0] == "list: socks"
    assert "won       shown" in text


ENDLESS = "with recursive x(id) as (select 1 union all select id + 1 from x) select {} from x"


@pytest.mark.parametrize("database", ["shop.db", "shop.duckdb"])
@pytest.mark.parametrize(
    "select, seconds, rows, says",
    [
        ("max(id) as id", 0.2, 1000, "The query on `{}` takes longer than 0.2 s."),
        ("id", 20, 1000, "The query on `{}` gives more than 1,000 rows."),
    ],
)
def test_a_query_without_end_is_broken_off(tmp_path, monkeypatch, database, select, seconds, rows, says):
    monkeypatch.setattr("tailored.book.tables.LONGEST_QUERY", seconds)
    monkeypatch.setattr("tailored.book.tables.MOST_ROWS", rows)
    as_sqlite(tmp_path), as_duckdb(tmp_path)
    source = f'sql: "{ENDLESS.format(select)}"\n    database: {database}'
    folder = write(tmp_path, source)
    report = check_book(read_sources(folder), folder=folder)[1]
    assert says.format(database) in [one.message for one in report.diagnostics]


def test_a_line_break_in_the_name_of_a_column_is_a_space(tmp_path):
    (tmp_path / "odd.csv").write_text('id,"the\nprice"\na,3\n')
    table = read_table("odd.csv", "", "", str(tmp_path))
    assert table.columns == ("id", "the price")
