"""Adding up models that were trained apart, on several machines: counts are sums, so the order does not matter."""

from collections.abc import Sequence

import numpy as np

from tamis.models.bayes import Model
from tamis.models.correction import BOUND, Correction
from tamis.models.storage import ModelError


def merge(parts: Sequence[tuple[str, Model]], start: Model | None) -> Model:
    """Return one model of several, by name, and of the one to start from.

    The scale is the most cautious of all, since no held-out mail of the whole is at hand. The weight of a named test is
    the mean of those models that know it, by their messages; so are the weights of the second layer, added to those of
    `start` (parameter mixing, McDonald et al. 2010), for errors do not add up as counts do. Raises `ModelError` for a
    part that went on from another model, whose mail would be counted twice.
    """
    for name, part in parts:
        if part.started:
            raise ModelError(f"{name}: went on from another model, whose mail would count twice: use --start none")
    whole = start.copy() if start is not None else Model(parts[0][1].alpha)
    counts, messages = whole.counts.copy(), whole.messages.copy()
    for _, part in parts:
        counts += part.counts
        messages += part.messages
    whole.set_counts(counts, messages.tolist())
    whole.middle = max([part.middle for _, part in parts] + ([start.middle] if start is not None else []))
    whole.weights |= _mean_weights([part for _, part in parts])
    sizes = [float(part.messages.sum()) for _, part in parts]
    if sum(sizes):
        mixed = np.average([part.correction.weights for _, part in parts], axis=0, weights=sizes)
        whole.correction = Correction(
            np.clip(whole.correction.weights + np.rint(mixed), -BOUND, BOUND).astype(np.int16)
        )
    whole.started = start is not None
    return whole


def _mean_weights(parts: Sequence[Model]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in sorted({name for part in parts for name in part.weights}):
        knowing = [part for part in parts if name in part.weights]
        sizes = [float(part.messages.sum()) for part in knowing]
        found[name] = round(float(np.average([part.weights[name] for part in knowing], weights=sizes)), 3)
    return found
