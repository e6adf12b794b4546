"""What a run says of somebody's own clip: `asked` asks its networks, `page` shows it."""

from mer_core.prediction.asked import Marks, Pictures, Prediction, PredictionError, predict

__all__ = ["Marks", "Pictures", "Prediction", "PredictionError", "predict"]
