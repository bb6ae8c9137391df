"""How a page of the atlas is made from its template.

Not here: what is on it.
"""

import base64
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(template: str, **context: Any) -> str:
    """A page; whatever is shown on it is escaped.

    Args:
        template: Name of a file of `templates`.
        **context: What the template names; anything that it names and that is not here is an error.
    """
    return environment().get_template(template).render(context)


@cache
def environment() -> Environment:
    """Templates of this package."""
    made = Environment(
        loader=PackageLoader("sieve_assets.reports.atlas"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["base64"] = lambda content: base64.b64encode(content).decode()
    return made
