"""Comma-separated tables: every row with its line, and refusals that name it."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sieve_assets.stores.csv_tables import read_csv_table


def read(tmp_path, content):
    file = tmp_path / "table.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_csv_table(file, "here")


def test_rows_come_with_the_line_they_begin_in(tmp_path):
    text = '\ufeffNeuron , Description\r\n\r\n0,"a dog, running"\r\n1,"two\r\nlines"\r\n , \r\n2,x'

    table = read(tmp_path, text)

    assert table.header == ["neuron", "description"]
    assert [(row.line, row.cells) for row in table.rows] == [
        (3, ["0", "a dog, running"]),
        (4, ["1", "two\r\nlines"]),
        (7, ["2", "x"]),
    ]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)


@given(rows=st.lists(st.lists(cells, min_size=2, max_size=2), min_size=1, max_size=5))
def test_what_a_table_program_writes_is_what_is_read(tmp_path_factory, rows):
    file = tmp_path_factory.mktemp("table") / "table.csv"
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])

    written = [row for row in rows if any(cell.strip() for cell in row)]
    if written:
        assert [row.cells for row in read_csv_table(file, "here").rows] == written


def test_our_name_of_a_column_goes_before_others(tmp_path):
    table = read(tmp_path, "unit,neuron,label\n1,2,x\n")

    assert table.column(("neuron", "unit")) == 1
    assert table.column(("description", "label")) == 2
    assert table.column_if_any(("score",)) is None


@pytest.mark.parametrize(
    ("header", "got"), [("unit,id", "unit and id"), ("b,a", "b, a"), ("neuron,neuron", "neuron")]
)
def test_a_column_that_is_absent_or_not_clear_is_refused(tmp_path, header, got):
    table = read(tmp_path, f"{header}\n1,2\n")

    with pytest.raises(ValueError, match=f"here, line 1: expected one column neuron, got {got}"):
        table.column(("neuron", "unit", "id"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "here: expected a header and rows, got an empty file"),
        (b"\n \n", "here: expected a header and rows, got an empty file"),
        (b"a,b\n\n", "here: expected a header and rows, got a header alone"),
        (b"a,b\nx,y\nB\xe4r,z\n", "here, line 3: expected UTF-8 text, got the byte 0xE4"),
        ("a,b\n1,2\n".encode("utf-16"), "here, line 1: expected UTF-8 text, got the byte 0xFF"),
        (b"a,b\n\n1,2,3\n", "here, line 3: expected 2 cells as in the header, got 3"),
        (b"a,b\n1\n", "here, line 2: expected 2 cells as in the header, got 1"),
        (b'a,b\n1,"x" y\n', "here, line 2: expected comma-separated cells, got"),
        (b'a,b\n1,x\n2,"y\nz\n', "here, line 3: expected comma-separated cells, got"),
    ],
)
def test_what_is_no_table_is_refused_with_its_line(tmp_path, content, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        read(tmp_path, content)
