"""Pages of the atlas show text as text, and miss nothing that they name."""

import pytest
from jinja2 import UndefinedError

from sieve_assets.reports.atlas.pages import environment, render


def test_what_is_shown_is_escaped():
    found = environment().from_string("{{ name }}").render(name='<script>alert("x")</script>')
    assert found == "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;"


def test_a_name_that_is_not_given_is_an_error():
    with pytest.raises(UndefinedError, match="'root' is undefined"):
        render("base.html.j2", target=None, page="home")


def test_content_is_encoded_for_an_address_of_data():
    assert environment().from_string("{{ x | base64 }}").render(x=b"\x00\xff") == "AP8="


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (
            "{{ 1234.5 | number }} {{ 0.000123 | number }} {{ none | number }}",
            "1.23e+03 0.000123 –",
        ),
        (
            "{{ 0.956 | share }} {{ 0.999 | share }} {{ -0.5 | share }} {{ none | share }}",
            ".96 1.00 -0.50 –",
        ),
    ],
)
def test_numbers_are_shown_as_everywhere(shown, expected):
    assert environment().from_string(shown).render() == expected


def test_a_name_after_a_dot_is_a_key_first_and_may_not_be_missing():
    template = environment().from_string("{{ row.items }} {{ row.key }}")
    assert template.render(row={"items": 2, "key": 3}) == "2 3"
    with pytest.raises(UndefinedError, match="'dict object' has no attribute 'key'"):
        template.render(row={"items": 2})
