"""What stands on a report's page, as a browser would read it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from sieve_assets.assets.target_report import target_report_of
from sieve_assets.reports.atlas.report_page import report_of
from sieve_assets.reports.atlas.report_parts import Subject


@dataclass
class Read(HTMLParser):
    """A page's tables by id (caption, headings, rows), its figures, its words, its scripts."""

    tables: dict = field(default_factory=dict)
    figures: dict = field(default_factory=dict)
    words: list = field(default_factory=list)
    ids: list = field(default_factory=list)
    tags: list = field(default_factory=list)

    def __post_init__(self):
        super().__init__()
        self.table = self.place = self.figure = None

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append((tag, found))
        self.ids += [found["id"]] if "id" in found else []
        if tag == "table":
            self.table = self.tables[found["id"].removeprefix("table-")] = {
                "caption": "",
                "headings": [],
                "rows": [],
            }
        elif tag == "figure":
            self.figure = found["id"].removeprefix("figure-")
        elif tag == "img":
            self.figures[self.figure] = found
        elif tag == "caption":
            self.place = "caption"
        elif tag == "tr":
            self.table["rows"].append([])
        elif tag in {"th", "td"}:
            self.place = "headings" if found.get("scope") == "col" else "rows"
            cells = self.table[self.place]
            (cells if self.place == "headings" else cells[-1]).append("")

    def handle_endtag(self, tag):
        if tag in {"caption", "th", "td"}:
            self.place = None
        elif tag == "table":
            self.table["rows"] = [row for row in self.table["rows"] if row]

    def handle_data(self, data):
        if self.place == "caption":
            self.table["caption"] += data
        elif self.place == "headings":
            self.table["headings"][-1] += data
        elif self.place == "rows":
            self.table["rows"][-1][-1] += data
        elif data.strip():
            self.words.append(" ".join(data.split()))

    def column(self, table, heading):
        """A column by the name of its rows."""
        place = self.tables[table]["headings"].index(heading)
        return {row[0]: row[place] for row in self.tables[table]["rows"]}


def page_of(study, model):
    """A target's report, as the stage makes it."""
    bench = study.bench()
    stages = [one.name for one in target_report_of(bench.study).ancestors()]
    return report_of(bench.warehouse, bench.study, model, stages, {})


def read(html):
    page = Read()
    page.feed(html)
    return page


def read_page(study, model):
    return read(page_of(study, model).html)


def subject_of(study, model):
    bench = study.bench()
    return Subject(bench.warehouse, bench.study, model)
