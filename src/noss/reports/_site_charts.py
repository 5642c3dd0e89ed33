"""Charts of quality against cost, drawn once as SVG: pages of a site need no plotting script."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup

from noss.reports._table import Row, readable

_CONFIG: Final = {
    "axis": {
        "labelColor": "var(--muted)",
        "titleColor": "var(--muted)",
        "titleFontWeight": "normal",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "gridColor": "var(--line)",
    },
    "view": {"stroke": None},
}
_LABEL: Final = 20  # characters of a name beside a dot
_COSTS: Final[Mapping[str, tuple[str, Callable[[Row], float | None]]]] = {
    "Size of the weights": ("MB", lambda row: row.facts.size_mb),
    "Speed": ("hours of audio a second", lambda row: row.hours_per_s),
    "Embedding size": ("dimensions", lambda row: row.facts.dim),
}


def tradeoffs(
    rows: Sequence[Row], *, quality: str, values: Mapping[str, float | None], higher_is_better: bool = False
) -> list[tuple[str, Markup]]:
    """A chart for each cost that two models or more state: its title and the drawing.

    Args:
        rows: Models of a leaderboard; controls are drawn grey.
        quality: The title of the vertical axis.
        values: Quality by the name of the row; a model without is left out.
        higher_is_better: Whether larger values stand for better models; the better is always on top.
    """
    charts = []
    for title, (unit, cost) in _COSTS.items():
        points = [_point(row, quality, values[row.name], unit, cost(row)) for row in rows]
        drawn = sorted((point for point in points if point is not None), key=lambda point: float(point["cost"]))
        for index, point in enumerate(drawn):
            point["above"] = index % 2 == 0  # names of neighbours would lie on each other
        if len(drawn) > 1:
            charts.append((title, _draw(drawn, x=unit, y=quality, reverse=not higher_is_better)))
    return charts


def _point(row: Row, quality: str, value: float | None, unit: str, cost: float | None) -> dict[str, Any] | None:
    if value is None or not cost:  # without weights there is no place on a logarithmic axis
        return None
    said = f"{row.name}: {quality} {readable(value)}, {readable(cost)} {unit}"
    return {"model": _label(row.name), "value": value, "cost": cost, "ranked": row.ranked, "said": said}


def _label(name: str) -> str:
    """A name that fits beside a dot: of a long path, the end; who hears the chart hears the whole."""
    return f"…/{name.rpartition('/')[2]}" if "/" in name and len(name) > _LABEL else name


def _draw(points: list[dict[str, Any]], *, x: str, y: str, reverse: bool) -> Markup:
    import altair as alt
    import vl_convert

    colour = alt.condition("datum.ranked", alt.value("var(--accent)"), alt.value("var(--muted)"))
    base = alt.Chart(alt.InlineData(values=points)).encode(
        x=alt.X(
            "cost:Q",
            title=x,
            scale=alt.Scale(type="log", padding=44),
            axis=alt.Axis(tickCount=4, format="~g", grid=False),
        ),
        y=alt.Y("value:Q", title=y, scale=alt.Scale(zero=False, reverse=reverse, padding=18)),
        description="said:N",
    )
    marks = base.mark_point(filled=True, size=80, opacity=0.85).encode(color=colour)
    names = [
        base.transform_filter(alt.datum.above == above)
        .mark_text(dy=-12 if above else 13, fontSize=11)
        .encode(text="model:N", color=alt.value("var(--ink)"))
        for above in (True, False)
    ]
    chart = alt.layer(marks, *names).properties(width=300, height=230)
    spec = chart.to_dict() | {"background": None, "config": _CONFIG}
    return Markup(vl_convert.vegalite_to_svg(spec))  # Vega escapes every text it draws
