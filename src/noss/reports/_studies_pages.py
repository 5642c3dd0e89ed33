"""The sections of a page about studies: what their templates read, the rows of their charts, and the charts themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

from noss.reports import Details
from noss.reports._studies import ABOUT, Study, StudyTable, study_tables

if TYPE_CHECKING:
    import altair as alt

_WORDS: Final = {
    "robustness": {
        "title": "Robustness",
        "down": "Test clips",
        "chart": "Change from clean: ",
        "caption": (
            "The paired change of each task's score, with its 95 % interval; at the line nothing is lost, left is worse. Tasks "
            "whose metric is not in per cent stand in the table alone, where others are."
        ),
    },
    "context": {
        "title": "Context",
        "down": "Cut into",
        "chart": "Score against length of window: ",
        "caption": "Line and band: value and 95 % interval. The last point is the model's own windows, of any length.",
    },
}


def study_sections(details: Details) -> list[dict[str, Any]]:
    """A section a study that has records: its words and its tables."""
    found = []
    for study in get_args(Study):
        tables = study_tables(study, details.studies.get(study, []), details)
        if tables:
            shown = [{**vars(table), "lead": _lead(table)} for table in tables]
            found.append({"name": study, "about": ABOUT[study], "tables": shown, **_WORDS[study]})
    return found


def study_data(sections: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What the scripts read: by study, the rows of each table's chart and what its axis says."""
    return {
        section["name"]: [{"rows": table["points"], "value": table["unit"]} for table in section["tables"]]
        for section in sections
    }


def _lead(table: StudyTable) -> str:
    count, across = len(table.rows) - 1, "tasks" if table.study == "robustness" else "models"
    what = "conditions" if table.study == "robustness" else "lengths"
    return f"{count} {what}, {len(table.columns)} {across if len(table.columns) != 1 else across[:-1]}"


def robustness_chart() -> alt.LayerChart:
    """What each condition costs on each task, the paired change with its interval."""
    import altair as alt

    base = alt.Chart(alt.NamedData("rows")).encode(
        y=alt.Y("condition:N", sort=None, title=None),
        yOffset=alt.YOffset("task:N", sort=None),
        color=_colour("task"),
    )
    across = alt.X("low:Q", title="{value}", scale=alt.Scale(nice=True))
    numbers = [alt.Tooltip(f"{name}:Q", format="+.1f") for name in ("change", "low", "high")]
    tooltip = ["condition:N", "task:N", *numbers, alt.Tooltip("moved:Q", format=".2f")]
    interval = base.mark_rule(strokeWidth=4, strokeCap="round", opacity=0.45).encode(x=across, x2="high:Q")
    point = base.mark_point(filled=True, size=55, opacity=1).encode(x="change:Q", tooltip=tooltip)
    zero = alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(color="var(--muted)").encode(x="zero:Q")
    return alt.layer(zero, interval, point).properties(width="container", height=alt.Step(26))


def context_chart() -> alt.LayerChart:
    """Score against length of window, on a logarithmic axis; the last point is the model's own windows."""
    import altair as alt

    seconds = alt.X(
        "place:Q",
        title="seconds in a window",
        scale=alt.Scale(type="log", base=2, nice=False, padding=12),
        axis=alt.Axis(grid=False, labelExpr="datum.value == {own} ? 'own' : format(datum.value, '~g')"),
    )
    base = alt.Chart(alt.NamedData("rows")).encode(x=seconds, color=_colour("model"))
    up = alt.Y("low:Q", title="{value}", scale=alt.Scale(zero=False, nice=True))
    band = base.mark_area(opacity=0.14).encode(y=up, y2="high:Q")
    line = base.mark_line(strokeWidth=2).encode(y="value:Q")
    numbers = [alt.Tooltip(f"{name}:Q", format=".1f") for name in ("value", "low", "high")]
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        y="value:Q", tooltip=["model:N", "window:N", *numbers]
    )
    return alt.layer(band, line, points).properties(width="container", height=300)


def _colour(field: str) -> alt.Color:
    import altair as alt

    colours = alt.Scale(range=[f"var(--g{number})" for number in range(8)])
    legend = alt.Legend(orient="top", title=None, columns=2, labelLimit=320, symbolOpacity=1)
    return alt.Color(f"{field}:N", sort=None, scale=colours, legend=legend)
