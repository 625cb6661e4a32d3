"""What a lesson does to the score of its message: for the person who teaches it, before the keeper has counted it."""

import numpy as np

from tamis.config import Config
from tamis.learning.published import PLATFORM
from tamis.learning.teaching import Lesson
from tamis.model_source import lessons_that_serve, model_path, with_lessons
from tamis.models.bayes import Model
from tamis.models.features import VIEWS, split_views
from tamis.models.sparse import SparseCounts


class Effect:
    """Scores with the model in force for a recipient domain, or for all."""

    def __init__(self, config: Config, domain: str) -> None:
        """Raises OSError or ValueError where there is no model."""
        try:
            learned, layer = lessons_that_serve(config)
        except ValueError:
            learned, layer = None, None
        self._model = Model.load(model_path(config))
        self._counted: list[SparseCounts] = []
        if learned is not None:
            self._model = with_lessons(self._model, learned, layer).for_domain(domain)
            self._counted = [
                learned.vectors[name] for name in dict.fromkeys((PLATFORM, domain)) if name in learned.vectors
            ]

    def before(self, lesson: Lesson) -> float:
        """Return the token evidence of a message in score points."""
        return self._model.score(lesson.features)

    def after(self, lesson: Lesson, moved: bool) -> float:
        """Return the same once the lesson counts; `moved`: its opposite counts no more."""
        counts = np.zeros((2, len(lesson.features)), dtype=np.float32)
        counts[int(lesson.spam)] = 1
        if moved:
            known = sum((vector.at(lesson.features) for vector in self._counted), np.zeros_like(counts))
            counts[int(not lesson.spam)] = -np.minimum(known[int(not lesson.spam)], 1)
        messages = np.zeros((len(VIEWS), 2))
        for view, part in enumerate(split_views(lesson.features)):
            messages[view, int(lesson.spam)] = float(len(part) > 0)
        return self._model.taught(SparseCounts(lesson.features, counts, messages), "").score(lesson.features)
