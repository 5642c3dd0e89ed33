"""Compare models on the same clips: paired tests, ranks with ties, and a suite score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from noss import __version__
from noss.errors import DataError
from noss.pipeline._compare_contest import Result
from noss.pipeline._compare_files import Contest, gather
from noss.pipeline._compare_groups import Columns, Group, group_scores
from noss.pipeline._compare_many import Correction
from noss.pipeline._compare_results import Decisions, decide_all
from noss.pipeline._compare_seeds import SeedNoise, seed_noise, shaky_pairs
from noss.pipeline._compare_sheets import as_markdown, as_tables, sheets
from noss.pipeline._compare_suite import Suite, suite_of
from noss.pipeline._request import words
from noss.runs import write_json, write_text

if TYPE_CHECKING:
    from rich.console import Group as Tables


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What came out of comparing models.

    Attributes:
        contests: Every task, with its protocol where that is not `clean`.
        suite: All tasks together; None where there are not two with the same models.
        groups: Scores of sub-groups, where some were asked for.
        seeds: Noise of seeds, of models scored in several.
        correction: How p-values were corrected.
        permutations: Ways to swap that were tried, at most.
        draws: Bootstrap draws.
        seed: The seed of both.
        noss_version: The version that compared.
        notes: Loud lines.
    """

    contests: list[Result]
    suite: Suite | None
    groups: list[Group]
    seeds: list[SeedNoise]
    correction: Correction
    permutations: int
    draws: int
    seed: int
    noss_version: str
    notes: list[str]

    def __rich__(self) -> Tables:
        """Tables for the terminal."""
        return as_tables(
            sheets(self.contests, self.suite, self.groups, self.seeds, correction=self.correction), self.notes
        )


def compare(
    runs: Sequence[str | Path],
    *,
    tasks: Sequence[str] = (),
    by: Sequence[str] = (),
    correction: Correction = "max",
    permutations: int = 10_000,
    draws: int = 2000,
    seed: int = 0,
    out: Path | str | None = None,
) -> Comparison:
    """Compare models on the clips that all of them were scored on.

    Runs of the same models in several seeds are compared by their mean over seeds, and the noise of seeds is shown.

    Args:
        runs: Folders of runs, or predictions files, and names of models in them: `runs/a yamnet trivial`,
            `runs/a runs/b`. Without a name, every ranked model of the runs.
        tasks: Names of tasks, or of datasets for all their targets; by default every one in the runs.
        by: Columns to score sub-groups by: `speaker`, or a column that the corpus has, such as `gender`.
        correction: How p-values are corrected for the number of pairs of a task, or of tasks where there are two models:
            `max` (Westfall and Young; of tasks Holm) and `holm` for the chance of any false difference, `bh` for the
            share of false ones, `none` for not at all.
        permutations: Ways to swap two models' answers that are tried.
        draws: Bootstrap draws behind an interval.
        seed: The seed of both.
        out: A folder for `comparison.json` and `comparison.md`.

    Raises:
        DataError: There is nothing to compare, or a name is not in the runs.
    """
    if permutations < 1 or draws < 1:
        raise DataError(f"{permutations} permutations and {draws} draws: give at least one of each")
    gathered, columns = gather(runs, tasks=tasks), words(list(by))
    decisions = decide_all(gathered.contests, draws=draws, permutations=permutations, seed=seed, correction=correction)
    suite, lacking = suite_of(decisions.scored, permutations=permutations, seed=seed, correction=correction)
    seeds = seed_noise(decisions.scored, decisions.results)
    groups, unread = _groups(gathered.contests, decisions, by=columns, draws=draws, seed=seed)
    notes = [
        *gathered.notes,
        *decisions.notes,
        *_said([*decisions.results, *([suite.skill] if suite else [])]),
        *(suite.notes if suite else lacking),
        *unread,
    ]
    if not any(result.pairs for result in decisions.results) and not seeds and not groups:
        raise DataError(_nothing(decisions, notes))
    found = Comparison(
        contests=decisions.results,
        suite=suite,
        groups=groups,
        seeds=seeds,
        correction=correction,
        permutations=permutations,
        draws=draws,
        seed=seed,
        noss_version=__version__,
        notes=notes,
    )
    if out is not None:
        _write(found, Path(out))
    return found


def _groups(
    contests: Sequence[Contest], decisions: Decisions, *, by: Sequence[str], draws: int, seed: int
) -> tuple[list[Group], list[str]]:
    columns, rows, notes = Columns(), [], []
    first = {contest.name: contest.first for contest in contests}
    for scored in decisions.scored if by else ():
        file = first[scored.aligned.name]
        found, unread = group_scores(scored.aligned, file, by=by, columns=columns, draws=draws, seed=seed)
        rows += found
        notes += unread
    return rows, notes


def _said(results: Sequence[Result]) -> list[str]:
    """Each loud line of the contests, once, with the contests it is about."""
    about: dict[str, list[str]] = {}
    for result in results:
        for line in [*result.notes, *shaky_pairs(result)]:
            about.setdefault(line, []).append(result.name)
    return [f"{', '.join(names)}: {line}" for line, names in about.items()]


def _nothing(decisions: Decisions, notes: Sequence[str]) -> str:
    alone = [f"{result.name} was scored with {result.standings[0].name} only" for result in decisions.results]
    why = (decisions.notes or notes or alone or ["no ranked model; name the controls to compare"])[0]
    return f"nothing can be compared: {why}; give runs or names of two models on one task"


def _write(found: Comparison, folder: Path) -> None:
    shown = sheets(found.contests, found.suite, found.groups, found.seeds, correction=found.correction)
    write_json(folder / "comparison.json", asdict(found))
    write_text(folder / "comparison.md", as_markdown(shown, found.notes))
