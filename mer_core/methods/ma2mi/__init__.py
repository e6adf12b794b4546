"""MA2MI and MIACNet, to be read in this order: `network`, `reconstruction`, `pretraining`."""

from mer_core.methods.ma2mi.network import MA2MI, MA2MISettings, MIACNet
from mer_core.methods.ma2mi.pretraining import pretrain
from mer_core.methods.ma2mi.reconstruction import Reconstruction

__all__ = ["MA2MI", "MA2MISettings", "MIACNet", "Reconstruction", "pretrain"]
