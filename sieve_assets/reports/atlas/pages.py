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
    made = _Pages(
        loader=PackageLoader("sieve_assets.reports.atlas"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["base64"] = lambda content: base64.b64encode(content).decode()
    made.filters["number"] = _number
    made.filters["share"] = _share
    return made


class _Pages(Environment):
    """Takes a name after a dot for a key first where there are keys, in two thirds of the time."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


def _number(value: float | None) -> str:
    """Three digits that count; an en dash where there is none."""
    return "–" if value is None else f"{value:.3g}"


def _share(value: float | None) -> str:
    """.96, 1.00; an en dash where there is none. The same as `atlas.share` of atlas.js."""
    return "–" if value is None else f"{value:.2f}".removeprefix("0")
