"""Always the most frequent class: the floor below which a score says nothing."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.dummy import DummyClassifier

from mer_core.clips import ClipSet, View
from mer_core.methods.base import FeatureMethod
from mer_core.settings import Settings


class Majority(FeatureMethod[Settings]):
    """Never looks at a clip."""

    name = "majority"
    Settings = Settings
    view = View(frames=2, size=64, span="onset-apex", landmarks=False)

    def features(self, clips: ClipSet) -> np.ndarray:
        return np.zeros((len(clips), 1))

    def estimator(self, seed: int) -> ClassifierMixin:
        return DummyClassifier(strategy="most_frequent")
