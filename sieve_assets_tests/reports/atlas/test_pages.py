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
