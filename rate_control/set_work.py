"""Tasks of the pictures of a set, wherever an engine runs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eval.progress import Progress

from .engines import Engine
from .jobs import PictureJob, Place, Task, run_job
from .set_picture import SetPicture


@dataclass(frozen=True)
class SetWork:
    """What runs tasks: the engine, what all jobs need, and who is told how far they are."""

    place: Place
    engine: Engine
    progress: Progress

    def run(self, tasks: Mapping[SetPicture, Task], name: str, plain: bool = False) -> None:
        """Gives each picture what its task finds.

        Args:
          tasks: by picture; without any, nothing is done.
          name: of the phase, for the progress.
          plain: latents are not refined.
        """
        if not tasks:
            return
        pictures = list(tasks)
        jobs = [PictureJob(picture.file, picture.digest, self.place, task) for picture, task in tasks.items()]
        work = [task.work * picture.pixels / 1e6 for picture, task in tasks.items()]
        self.progress.phase(name, sum(work))
        for position, found in self.engine.map(run_job, jobs, [job.digest for job in jobs]):
            pictures[position].expect(found.estimates)
            for measured in found.candidates:
                pictures[position].add(measured, plain)
            self.progress.advance(work[position])
