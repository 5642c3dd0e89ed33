"""The charts of the page as Vega-Lite specs, one a kind; the page fills in rows and colours.

`var(--name)` stands for a colour of the page and `{name}` for a text (a title, a number format) that the page puts in
when it draws, so that one spec serves every task, light and dark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from noss.reports._studies_pages import context_chart, robustness_chart

if TYPE_CHECKING:
    import altair as alt

_STATES = ["best", "tied", "behind", "control"]
_HEIGHT = 260


def specs() -> dict[str, dict[str, Any]]:
    """Every chart of the page, by kind, without its rows."""
    charts: dict[str, Any] = {
        "scores": _scores(),
        "confusion": _confusion(),
        "recall": _recall(),
        "speakers": _speakers(),
        "curve": _curve(),
        "mix": _mix(),
        "calibration": _calibration(),
        "points": _points(),
        "map": _map(),
        "tradeoff": _tradeoff(),
        "robustness": robustness_chart(),
        "context": context_chart(),
    }
    return {kind: _bare(chart) for kind, chart in charts.items()}


def _bare(chart: Any) -> dict[str, Any]:
    spec: dict[str, Any] = chart.to_dict(validate=True)
    return {key: value for key, value in spec.items() if key not in {"$schema", "config"}}


def _rows() -> alt.NamedData:
    import altair as alt

    return alt.NamedData("rows")


def _scores() -> alt.LayerChart:
    """Value and interval of each model, with chance as a dashed line."""
    import altair as alt

    state = (
        alt.Color("state:N").scale(domain=_STATES, range=[*["var(--accent)"] * 2, *["var(--muted)"] * 2]).legend(None)
    )
    shape = alt.Shape("state:N").scale(domain=_STATES, range=["circle", "circle", "square", "diamond"]).legend(None)
    tooltip = ["model:N", *(alt.Tooltip(f"{name}:Q", format="{format}") for name in ("value", "low", "high"))]
    base = alt.Chart(_rows()).encode(y=alt.Y("model:N", sort=None, title=None))
    across = alt.X("low:Q", title="{value}", scale=alt.Scale(zero=False, nice=True))
    interval = base.mark_rule(strokeWidth=4, strokeCap="round", opacity=0.45).encode(x=across, x2="high:Q", color=state)
    point = base.mark_point(filled=True, size=90, opacity=1).encode(
        x="value:Q", color=state, shape=shape, tooltip=tooltip
    )
    chance = alt.Chart(_rows()).mark_rule(strokeDash=[4, 4], color="var(--muted)").encode(x="chance:Q")
    return alt.layer(chance, interval, point).properties(width="container", height=alt.Step(30))


def _confusion() -> alt.LayerChart:
    """Share of each true class by prediction; the shares are written out where there is room."""
    import altair as alt

    base = alt.Chart(_rows()).encode(
        x=alt.X("predicted:N", sort=None, title="predicted", axis=alt.Axis(orient="top", labelAngle=-60)),
        y=alt.Y("truth:N", sort=None, title="truth"),
    )
    scale = alt.Scale(domain=[0, 1], range=["var(--surface)", "var(--accent)"], interpolate="rgb")
    cell = base.mark_rect(stroke="var(--line)", strokeWidth=0.5).encode(
        color=alt.Color("share:Q", scale=scale, legend=None),
        tooltip=["truth:N", "predicted:N", "clips:Q", alt.Tooltip("share:Q", format=".1%")],
    )
    ink = alt.condition("datum.share > 0.5", alt.value("var(--on-accent)"), alt.value("var(--ink)"))
    text = base.mark_text(fontSize=10).encode(text="text:N", color=ink)
    return alt.layer(cell, text).properties(width="container", height=alt.Step(26))


def _recall() -> alt.LayerChart:
    """Recall of each class, the worst on top."""
    import altair as alt

    base = alt.Chart(_rows()).encode(y=alt.Y("label:N", sort=None, title=None))
    across = alt.X("recall:Q", title="recall", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
    tooltip = ["label:N", alt.Tooltip("recall:Q", format=".1%"), "clips:Q"]
    bar = base.mark_bar(color="var(--accent)", opacity=0.85, height={"band": 0.62}).encode(x=across, tooltip=tooltip)
    mean = alt.Chart(_rows()).mark_rule(strokeDash=[4, 4], color="var(--ink)").encode(x="mean(recall):Q")
    return alt.layer(bar, mean).properties(width="container", height=alt.Step(20))


def _speakers() -> alt.LayerChart:
    """The metric on each speaker, with quartiles, for every model."""
    import altair as alt

    base = alt.Chart(_rows()).encode(y=alt.Y("model:N", sort=None, title=None))
    across = alt.X("value:Q", title="{value}", scale=alt.Scale(zero=False, nice=True))
    tooltip = ["model:N", "speaker:N", alt.Tooltip("value:Q", format="{format}"), "clips:Q"]
    ticks = base.mark_tick(thickness=2, opacity=0.5, color="var(--accent)", height={"band": 0.5}).encode(
        x=across, tooltip=tooltip
    )
    box = base.mark_rule(strokeWidth=7, opacity=0.3, color="var(--ink)").encode(x="q1(value):Q", x2="q3(value):Q")
    median = base.mark_point(filled=True, size=60, opacity=1, color="var(--ink)").encode(x="median(value):Q")
    return alt.layer(box, ticks, median).properties(width="container", height=alt.Step(30))


def _model_colour() -> alt.Color:
    import altair as alt

    colours = alt.Scale(range=[f"var(--g{number})" for number in range(8)])
    return alt.Color(
        "model:N",
        sort=None,
        scale=colours,
        legend=alt.Legend(orient="top", title=None, columns=2, labelLimit=320, symbolOpacity=1),
    )


def _curve() -> alt.LayerChart:
    """What each layer alone scores: on test with its interval, on validation dashed; dots where it was chosen."""
    import altair as alt

    layer = alt.X(
        "layer:Q",
        title="layer",
        scale=alt.Scale(padding=8, nice=False),
        axis=alt.Axis(tickMinStep=1, format="d", grid=False),
    )
    base = alt.Chart(_rows()).encode(x=layer, color=_model_colour())
    up = alt.Y("low:Q", title="{value}", scale=alt.Scale(zero=False, nice=True))
    band = base.mark_area(opacity=0.16).encode(y=up, y2="high:Q")
    line = base.mark_line(strokeWidth=2).encode(y="value:Q")
    dev = base.mark_line(strokeWidth=1.2, strokeDash=[4, 4], opacity=0.8).encode(y="dev:Q")
    numbers = [alt.Tooltip(f"{name}:Q", format="{format}") for name in ("value", "low", "high", "dev")]
    size = alt.Size("folds:Q", legend=None, scale=alt.Scale(domainMin=0, range=[12, 150]))
    points = base.mark_point(filled=True, opacity=1).encode(
        y="value:Q", size=size, tooltip=["model:N", "layer:Q", *numbers, "folds:Q"]
    )
    return alt.layer(band, dev, line, points).properties(width="container", height=_HEIGHT)


def _mix() -> alt.LayerChart:
    """The weight of each layer in a learned mix; dashed: what each would have if all were worth the same."""
    import altair as alt

    base = alt.Chart(_rows()).encode(x=alt.X("layer:O", title="layer", axis=alt.Axis(labelAngle=0)))
    bars = base.mark_bar().encode(
        xOffset=alt.XOffset("model:N", sort=None),
        y=alt.Y("weight:Q", title="weight", scale=alt.Scale(domainMin=0)),
        color=_model_colour(),
        tooltip=["model:N", "layer:O", alt.Tooltip("weight:Q", format=".3f")],
    )
    even = alt.Chart(_rows()).mark_rule(strokeDash=[4, 4], color="var(--muted)").encode(y="even:Q")
    return alt.layer(bars, even).properties(width="container", height=_HEIGHT)


def _calibration() -> alt.LayerChart:
    """How often the model was right, by how sure it was; on the diagonal the two agree."""
    import altair as alt

    unit = alt.Scale(domain=[0, 1])
    base = alt.Chart(_rows()).encode(
        x=alt.X("confidence:Q", title="confidence", axis=alt.Axis(format="%"), scale=unit),
        y=alt.Y("accuracy:Q", title="accuracy", axis=alt.Axis(format="%"), scale=unit),
    )
    ends = alt.Data(values=[{"confidence": 0, "accuracy": 0}, {"confidence": 1, "accuracy": 1}])
    diagonal = base.mark_line(strokeDash=[4, 4], color="var(--muted)", strokeWidth=1).properties(data=ends)
    line = base.mark_line(color="var(--accent)", strokeWidth=2)
    tooltip = [*(alt.Tooltip(f"{name}:Q", format=".1%") for name in ("confidence", "accuracy")), "clips:Q"]
    size = alt.Size("clips:Q", legend=None, scale=alt.Scale(range=[30, 300]))
    points = base.mark_point(filled=True, color="var(--accent)", opacity=1).encode(size=size, tooltip=tooltip)
    return alt.layer(diagonal, line, points).properties(width="container", height=_HEIGHT)


def _points() -> alt.LayerChart:
    """Predicted numbers by true ones."""
    import altair as alt

    base = alt.Chart(_rows()).encode(
        x=alt.X("truth:Q", scale=alt.Scale(zero=False)), y=alt.Y("predicted:Q", scale=alt.Scale(zero=False))
    )
    dots = base.mark_circle(size=24, opacity=0.5, color="var(--accent)").encode(tooltip=["truth:Q", "predicted:Q"])
    diagonal = base.mark_line(strokeDash=[4, 4], color="var(--muted)", strokeWidth=1).encode(y="truth:Q")
    return alt.layer(diagonal, dots).properties(width="container", height=_HEIGHT)


def _map() -> alt.Chart:
    """Places of clips, coloured and shaped by group; the page draws the legend."""
    import altair as alt

    none = alt.Axis(labels=False, ticks=False, grid=False, domain=False)
    field = alt.Scale(domain=[-20, 1019])
    marks = alt.Chart(_rows()).mark_point(filled=True, size=46, strokeWidth=0)
    return marks.encode(
        x=alt.X("x:Q", title=None, axis=none, scale=field),
        y=alt.Y("y:Q", title=None, axis=none, scale=field),
        color=alt.Color("colour:N", scale=None),
        shape=alt.Shape("shape:N", scale=None),
        opacity=alt.Opacity("opacity:Q", scale=None),
        tooltip=["group:N", "file:N"],
    ).properties(width="container", height=420)


def _tradeoff() -> alt.LayerChart:
    """Quality by speed, with the size of the model as the size of its mark."""
    import altair as alt

    few = {"grid": False, "tickCount": 5, "format": "~g"}
    states = alt.Scale(domain=_STATES, range=[*["var(--accent)"] * 2, *["var(--muted)"] * 2])
    base = alt.Chart(_rows()).encode(
        x=alt.X(
            "speed:Q", title="hours of audio a second", scale=alt.Scale(type="log", padding=48), axis=alt.Axis(**few)
        ),
        y=alt.Y("value:Q", title="{value}", scale=alt.Scale(zero=False, reverse=False, padding=16)),
    )
    interval = base.mark_rule(strokeWidth=2, opacity=0.35).encode(
        y="low:Q", y2="high:Q", color=alt.Color("state:N", scale=states, legend=None)
    )
    numbers = [alt.Tooltip(f"{name}:Q", format=".3~g") for name in ("value", "speed", "size_mb", "dim")]
    marks = base.mark_point(filled=True, opacity=0.8).encode(
        size=alt.Size("area:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[60, 900])),
        color=alt.Color("state:N", scale=states, legend=None),
        tooltip=["model:N", *numbers],
    )
    names = base.mark_text(align="center", baseline="bottom", dy=-19, fontSize=11, color="var(--ink)").encode(
        text="model:N"
    )
    return alt.layer(interval, marks, names).properties(width="container", height=360)
