import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from sieve_assets.study_problems import (
    Problem,
    StudyError,
    nearest,
    problems_from,
    refusal,
    syntax_problem,
)


class Room(BaseModel, extra="forbid"):
    seats: int


class House(BaseModel, extra="forbid"):
    rooms: dict[str, Room]
    sizes: list[float] = []
    street: str = "unknown"


def problems_of(data):
    with pytest.raises(ValidationError) as caught:
        House.model_validate(data)
    return problems_from(caught.value, House)


def test_a_problem_reads_like_every_error_of_the_project():
    problem = Problem("a.b", "1 or more", "0", "Change it.")
    assert problem.in_file(Path("x.toml")) == "x.toml: a.b: expected 1 or more, got 0. Change it."
    assert problem._replace(key="").in_file(Path("x.toml")).startswith("x.toml: expected")


def test_a_study_error_has_every_problem_on_its_line():
    error = StudyError(Path("x.toml"), [Problem("a", "b", "c", "d."), Problem("e", "f", "g", "h.")])
    assert str(error) == "x.toml: a: expected b, got c. d.\nx.toml: e: expected f, got g. h."


def test_the_nearest_names_come_first_then_all():
    assert nearest("layr4", ["layer1", "layer4", "stem"], "Layers") == (
        "Did you mean layer4 or layer1? Layers: layer1, layer4, stem."
    )
    assert nearest("q", ["stem"], "Layers") == "Layers: stem."
    assert nearest("q", [], "Layers") == "Layers: none."


def test_of_many_names_the_nearest_are_listed():
    remedy = nearest("name_77", [f"name_{i:02}" for i in range(100)], "Known")
    assert remedy.startswith("Did you mean name_77 ")
    assert remedy.endswith(" and 80 more.")
    assert remedy.count(",") == 19


def test_keys_inside_tables_and_lists_are_written_as_in_toml():
    problems = problems_of({"rooms": {"big hall": {"seats": "x"}}, "sizes": [1, "y"]})
    assert [problem.key for problem in problems] == ['rooms."big hall".seats', "sizes[1]"]


def test_unknown_keys_are_compared_with_those_known_at_that_place():
    (inner, outer) = problems_of({"rooms": {"hall": {"seats": 1, "seat": 2}}, "stret": 3})
    assert inner.remedy == "Did you mean seats? Known here: seats."
    assert outer.remedy == "Did you mean street? Known here: rooms, sizes, street."


def test_long_values_are_cut_and_tables_shown_by_their_keys():
    (problem,) = problems_of({"rooms": {"hall": {"seats": "x" * 500}}})
    assert len(problem.got) < 100
    (problem,) = problems_of({"rooms": {"hall": {"seats": {"a": 1, "b": 2}}}})
    assert problem.got == "a table of a, b"


def test_a_type_of_error_without_words_of_ours_keeps_pydantics():
    (problem,) = problems_of({"rooms": {}, "sizes": {1}, "street": b"\xff"})[-1:]
    assert problem.key == "street"
    assert "string" in problem.expected


def test_an_error_of_ours_keeps_its_remedy():
    error = refusal("a dog", "Get {one} or {}.")
    assert error.context == {"expected": "a dog", "remedy": "Get {one} or {}."}
    assert "a dog" in error.message()


@pytest.mark.parametrize(
    ("text", "place"), [("a = \n", "line 1, column 5"), ("a = 1\nb = [1", "end of document")]
)
def test_a_syntax_error_says_where(text, place):
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    problem = syntax_problem(caught.value)
    assert problem.key == place
    assert "at line" not in problem.got


@pytest.mark.parametrize(
    "text", ["a = 1\na = 2", "[a]\n[a]", "a = {b = 1}\n[a.b]", "a = {b = 1, b = 2}"]
)
def test_every_kind_of_duplicate_is_told_from_other_syntax(text):
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    assert "keep one of the two" in syntax_problem(caught.value).remedy
