"""The page of a training run: one self-contained file, in the look of all pages, with two kinds of charts."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from functools import cache as remembered
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from noss.reports._render import environment, policy, source
from noss.reports._script import vega
from noss.reports._site_facts import Site
from noss.reports._site_shown import TIES
from noss.reports._site_training import Standing
from noss.reports._training import SUITE, Training, Watched, curves, facts, warnings, watched
from noss.reports._training_smaller import smaller

if TYPE_CHECKING:
    import altair as alt

_SCRIPTS: Final = ("table.js", "charts.js", "training.js")
_MOST_FAILURES: Final = 500
_HEIGHT: Final = 220


def write_training(training: Training, path: Path, *, cache: Path | None = None) -> None:
    """Write the page of a training run.

    Args:
        training: What the run left so far.
        path: The file to write.
        cache: Folder where the plotting script is kept, since it takes seconds to bundle; None keeps nothing.
    """
    path.write_text(training_page(training, cache=cache), encoding="utf-8", newline="\n")


def training_page(
    training: Training,
    *,
    cache: Path | None = None,
    site: Site | None = None,
    stem: str = "",
    standings: Sequence[Standing] = (),
) -> str:
    """The page of a training run, alone or in a site.

    Args:
        training: What the run left so far.
        cache: Folder where the plotting script is kept; None keeps nothing.
        site: The site that it belongs to, a folder above; None for a page that stands alone.
        stem: Its file's name there, without the suffix.
        standings: What its models score there.
    """
    scripts = [vega(cache), "\n".join(map(source, _SCRIPTS))]
    drawn, seen = curves(training), watched(training)
    page = environment().get_template("training.html")
    return page.render(
        training=training,
        curves=drawn,
        suite=seen,
        steps=sorted({look.step for look in training.looks if look.step >= 0}),
        levels=list(dict.fromkeys(look.model for look in training.looks if look.step < 0)),
        facts=facts(training),
        smaller=smaller(training),
        warnings=warnings(training),
        command=command(training),
        quoted=shlex.quote(training.opens),
        failures=list(training.failures[:_MOST_FAILURES]),
        data={
            "specs": _specs(),
            "curves": [{"rows": curve.rows, "log": curve.log} for curve in drawn],
            "watched": [_chart(one) for one in seen],
        },
        policy=policy(scripts),
        scripts=[Markup(script) for script in scripts],
        style=Markup(source("page.css") + (source("site.css") if site else "")),
        SUITE=SUITE,
        site=site,
        root="../",
        stem=stem,
        standings=standings,
        ties=TIES,
    )


def command(training: Training) -> str:
    """The line that repeats the run."""
    words = training.settings.get("command")
    if isinstance(words, list):
        return shlex.join(map(str, words))
    return shlex.join(["noss", "train", f"{training.run}/recipe.py", "--out", f"{training.run}-again"])


def _chart(one: Watched) -> dict[str, Any]:
    times = 100.0 if one.unit.percent else 1.0
    rows = [
        {
            "model": look.model,
            "step": max(look.step, 0),
            "kind": "level" if look.step < 0 else "student",
            **{end: times * getattr(look, end) for end in ("value", "low", "high")},
        }
        for look in [*one.student, *one.levels]
        if all(map(math.isfinite, (look.value, look.low, look.high)))  # what is no number has no place
    ]
    title = f"{one.unit.title}{', %' if one.unit.percent else ''}"
    return {"rows": rows, "value": title, "format": ".1f" if one.unit.percent else ".3f"}


@remembered
def _specs() -> dict[str, Any]:
    return {
        kind: {key: value for key, value in chart.to_dict(validate=True).items() if key not in {"$schema", "config"}}
        for kind, chart in {"curves": _curve_chart(), "watched": _watched_chart()}.items()
    }


def _steps() -> alt.X:
    import altair as alt

    return alt.X(
        "step:Q",
        title="step",
        scale=alt.Scale(nice=False, padding=6),
        axis=alt.Axis(grid=False, format="~s", tickMinStep=1),
    )


def _curve_chart() -> alt.LayerChart:
    """A number over steps: while training, faint as it was and bold smoothed; on held-out speech with dots."""
    import altair as alt

    colours = alt.Scale(domain=["training", "held out"], range=["var(--g0)", "var(--g1)"])
    legend = alt.Legend(orient="top", title=None, symbolOpacity=1, symbolStrokeWidth=3, symbolType="stroke")
    colour = alt.Color("series:N", scale=colours, legend=legend)
    base = alt.Chart(alt.NamedData("rows")).encode(x=_steps(), color=colour)
    up = alt.Y("value:Q", title=None, scale=alt.Scale(zero=False, nice=True), axis=alt.Axis(format=".4~g", tickCount=5))
    training, held_out = (base.transform_filter(alt.datum.series == name) for name in ("training", "held out"))
    raw = training.mark_line(strokeWidth=1, opacity=0.3).encode(y=up)
    smooth = training.mark_line(strokeWidth=2).encode(y="smooth:Q")
    numbers = [alt.Tooltip(f"{name}:Q", format=".4~g") for name in ("value", "smooth")]
    looks = held_out.mark_line(strokeWidth=2, point={"filled": True, "size": 36, "opacity": 1}).encode(y="value:Q")
    near = base.mark_point(size=60, opacity=0).encode(y="smooth:Q", tooltip=["series:N", "step:Q", *numbers])
    return alt.layer(raw, smooth, looks, near).properties(width="container", height=_HEIGHT)


def _watched_chart() -> alt.LayerChart:
    """A task's score over steps with its interval; baseline and teacher as dashed level lines."""
    import altair as alt

    colours = alt.Scale(range=[f"var(--g{number})" for number in range(8)])
    legend = alt.Legend(orient="top", title=None, columns=2, labelLimit=320, symbolOpacity=1, symbolType="stroke")
    colour = alt.Color("model:N", sort=None, scale=colours, legend=legend)
    base = alt.Chart(alt.NamedData("rows")).encode(color=colour)
    student = base.transform_filter(alt.datum.kind == "student").encode(x=_steps())
    up = alt.Y("low:Q", title="{value}", scale=alt.Scale(zero=False, nice=True))
    numbers = [alt.Tooltip(f"{name}:Q", format="{format}") for name in ("value", "low", "high")]
    band = student.mark_area(opacity=0.16, line=False).encode(y=up, y2="high:Q")
    ends = student.mark_rule(opacity=0.5).encode(y="low:Q", y2="high:Q")
    line = student.mark_line(strokeWidth=2).encode(y="value:Q")
    points = student.mark_point(filled=True, size=60, opacity=1).encode(
        y="value:Q", tooltip=["model:N", "step:Q", *numbers]
    )
    levels = base.transform_filter(alt.datum.kind == "level").mark_rule(strokeDash=[5, 4], strokeWidth=2)
    level = levels.encode(y="value:Q", tooltip=["model:N", *numbers])
    return alt.layer(band, ends, level, line, points).properties(width="container", height=_HEIGHT)
