"""Files of labels: a line a class, whatever an editor leaves behind."""

import pytest

from sieve_assets.stores.label_lists import read_labels


def test_each_line_is_a_class_and_an_empty_one_has_no_label(tmp_path):
    file = tmp_path / "labels.txt"
    file.write_bytes("\ufeffcat\r\n\r\n big dog \r\n\r\n\r\n".encode())

    assert read_labels(file) == ["cat", "", "big dog"]


@pytest.mark.parametrize(("content", "got"), [(b"\xff\xfe", "UTF-8 text"), (b"\n\n", "a label a")])
def test_what_has_no_labels_is_refused(tmp_path, content, got):
    file = tmp_path / "labels.txt"
    file.write_bytes(content)

    with pytest.raises(ValueError, match=f"labels: expected {got}"):
        read_labels(file)
