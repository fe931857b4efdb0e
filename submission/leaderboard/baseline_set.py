"""Conventional codecs on an image set: whole curves, or what budgets choose of them.

Slow settings are coded only where an allocation chooses them: curves at quick settings tell where that may be, and
what is coded corrects the curves.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from eval.baselines import BaselineSetting, installed
from eval.metrics import SQUARED_ERROR, Distortion
from eval.progress import Progress
from eval.storage import cache_folder
from rate_control.engines import Engine, Here
from rate_control.settling import Wanted, settle, within

from .baseline_jobs import BaselineJob, Coded, coding_job, job_work, run_job, sketching_job
from .baseline_picture import BaselinePicture

Tables = dict[str, pd.DataFrame]
"""Candidate tables by the codec's name; a column more, `settings`, holds the arguments of each candidate."""

BASELINES = "baselines"
"""Name of the cache of their figures."""


OFTEN, QUICKLY = 1.4, 3.5
"""How many settings of a picture are coded for a budget, on average, slowly and where coding is quick."""


def expected_baseline_work(quick: bool, budgets: int) -> float:
    """Seconds of a core that a megapixel takes with all codecs that are installed, about."""
    codecs = [(baseline, baseline.quickened()) for baseline in installed()]
    return sum(
        rough.work * len(rough.knots())
        + budgets * (QUICKLY * rough.work if quick or not slow.quick else OFTEN * slow.work)
        for slow, rough in codecs
    )


class BaselineSet:
    """Some codecs' candidates of an image set."""

    def __init__(
        self,
        files: Sequence[Path],
        cache: Path | None = None,
        engine: Engine | None = None,
        codecs: Sequence[str] = (),
        distortion: Distortion = SQUARED_ERROR,
        quick: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Codes nothing yet.

        Args:
          files: one per picture; the stem is its name.
          cache: folder of the candidates' figures, by default this machine's.
          engine: where pictures are coded, by default in this process.
          codecs: by default all that are installed.
          distortion: what is minimised: codecs are tuned for it, and it is measured beside what costs little.
          quick: candidates are coded in the codecs' quick way.
          progress: of the whole run.
        """
        names = tuple(codecs) or tuple(baseline.name for baseline in installed())
        self._pictures = {name: [BaselinePicture(file, name, quick, distortion) for file in files] for name in names}
        self._cache, self._engine = cache or cache_folder(BASELINES), engine or Here()
        self._distortion, self._quick = distortion, quick
        self._progress = progress or Progress()

    def sweep(self) -> Tables:
        """Candidates of whole curves."""
        self._code({picture: picture.codec.curve() for pictures in self._pictures.values() for picture in pictures})
        return self.tables()

    def choose(self, budgets: Sequence[int]) -> Tables:
        """Candidates among which are those that the budgets choose of all settings, in bytes of the whole set."""
        self._draw()
        goals = [within(budget, self._distortion) for budget in sorted(budgets)]
        # What one goal chooses corrects what is predicted for the others.
        settle(self._predicted, goals[len(goals) // 2 :][:1], self._code_wanted, rounds=1)
        settle(self._predicted, goals, self._code_wanted)
        return self.tables()

    def tables(self) -> Tables:
        """What is coded; a codec that cannot code a picture is left out with a warning."""
        tables = {}
        for name, pictures in self._pictures.items():
            lacking = [picture.file.name for picture in pictures if not any(picture.coded.values())]
            if lacking:
                tqdm.write(f"warning: {name} cannot code {', '.join(lacking)}: it is left out", file=sys.stderr)
            else:
                tables[name] = pd.DataFrame([row for picture in pictures for row in picture.rows()])
        return tables

    def _draw(self) -> None:
        """Draws the curves of all pictures, and leaves out codecs that cannot code one."""
        pictures = [picture for of_codec in self._pictures.values() for picture in of_codec]
        jobs = {
            sketching_job(one.file, one.codec.name, one.codec.knots(), self._distortion, self._cache): one
            for one in reversed(pictures)
        }
        for job, coded in self._run(list(jobs)):
            jobs[job].drawn |= coded

    def _predicted(self) -> list[pd.DataFrame]:
        """The table of each codec that can code all pictures, with what is predicted."""
        return [
            pd.DataFrame([row for p in pictures for row in (*p.rows(), *p.predicted_rows())])
            for pictures in self._able()
        ]

    def _able(self) -> list[list[BaselinePicture]]:
        return [pictures for pictures in self._pictures.values() if all(picture.curves for picture in pictures)]

    def _code_wanted(self, wanted: Sequence[Wanted]) -> None:
        self._code(
            {
                picture: [BaselineSetting(*setting) for setting in of_codec.get(picture.file.stem, [])]
                for pictures, of_codec in zip(self._able(), wanted, strict=True)
                for picture in pictures
            }
        )

    def _code(self, wanted: Mapping[BaselinePicture, Sequence[BaselineSetting]]) -> None:
        """Codes settings, the slow codecs' first, so that they leave no process alone at the end."""
        jobs = {
            coding_job(p.file, p.codec.name, [setting], self._quick, self._distortion, self._cache): p
            for p, settings in reversed(list(wanted.items()))
            for setting in settings
        }
        for job, coded in self._run(list(jobs)):
            jobs[job].add(coded)

    def _run(self, jobs: Sequence[BaselineJob]) -> Iterator[tuple[BaselineJob, Coded]]:
        work = [job_work(job) for job in jobs]
        self._progress.phase("baselines", sum(work))
        for position, coded in self._engine.map(run_job, jobs):
            yield jobs[position], coded
            self._progress.advance(work[position])
