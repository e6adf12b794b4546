"""What a trained network says of motion and landmarks, with rivals that have learnt nothing, and where it looks."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import torch
from torch import Tensor

from mer_core.figures.images import flow_colours, panels, seen_on
from mer_core.methods.mol import middle
from mer_core.studies.attribution import attribution, moving_region, share_inside, still
from mer_core.studies.auxiliary import endpoint_error, landmark_error
from mer_core.studies.mol.blocks import untrained
from mer_core.studies.mol.figures import dotted
from mer_core.studies.mol.live import mean_face
from mer_core.studies.mol.material import ExactMotion
from mer_core.studies.papers import Fitted, Material
from mer_core.training import predict_outputs
from mer_core.vision import estimate_flows, eye_distance


@dataclass(frozen=True)
class Estimates:
    """What the network of the first fold says of motion and landmarks of the clips that it never saw, with its rivals.

    All in pixels of the middle that the network sees, S × S of the view's H × W.
    """

    given: Material
    motion: ExactMotion
    fitted: Fitted

    @property
    def rows(self) -> np.ndarray:
        """The tested clips of the fold."""
        return self.given.folds[0].test

    @cached_property
    def outputs(self) -> dict[str, Tensor]:
        """Of the trained network."""
        return predict_outputs(self.fitted.network, self.fitted.test.inputs)

    def cut(self, values: np.ndarray) -> np.ndarray:
        """What the network sees of something that lies on the view's frame."""
        return middle(torch.as_tensor(np.asarray(values)), self.given.method.settings.size).numpy()

    @cached_property
    def shots(self) -> np.ndarray:  # (n, 8, H, W)
        """The frames."""
        return np.asarray(self.given.clips.select(self.rows).frames)

    @cached_property
    def exact(self) -> np.ndarray:  # (n, 7, 2, S, S)
        """The motion as it was rendered."""
        return self.cut(self.motion.flow[: len(self.rows)])

    @cached_property
    def face(self) -> np.ndarray:  # (n, S, S)
        """Where the face is."""
        return self.cut(self.motion.face[: len(self.rows)])

    @cached_property
    def moving(self) -> np.ndarray:  # (n, S, S)
        """Where the expression moves the skin."""
        return self.cut(moving_region(torch.stack([self._action(row) for row in self.rows]))) & self.face

    def _action(self, row: int) -> Tensor:  # (2, H, W)
        faces, spec = self.given.faces, self.given.faces.spec(self.given.table["clip"][row])
        parts = faces.flow_parts(spec.clip, spec.onset, spec.apex, self.given.method.view.size)
        return torch.tensor(parts["action"])

    @cached_property
    def flows(self) -> dict[str, np.ndarray]:  # (n, 7, 2, S, S) each
        """That nothing moves, an estimate of the kind that the released code learns from, the target, the network."""
        pairs = [self.shots[:, :-1], self.shots[:, 1:]]
        tvl1 = estimate_flows(*(part.reshape(-1, *part.shape[2:]) for part in pairs), "tvl1")
        made = {
            "nothing moved": np.zeros_like(self.exact),
            "TV-L1": self.cut(tvl1.reshape(*pairs[0].shape[:2], *tvl1.shape[1:])),
            "target in training": self.cut(self.fitted.test.inputs["flow"].float()),
        }
        return made | ({"network": self.outputs["flow"].numpy()} if "flow" in self.outputs else {})

    def flow_errors(self) -> pd.DataFrame:
        """Mean end-point errors, a row an answer, over the face and where the expression moves the skin."""
        regions = {"face": self.face, "moving skin": self.moving}
        return pd.DataFrame(
            {
                region: {
                    name: endpoint_error(flow, self.exact, where[:, None])
                    for name, flow in self.flows.items()
                }
                for region, where in regions.items()
            }
        )

    @property
    def clip(self) -> int:
        """The one that is shown: that which moves most, if it is in this fold."""
        return int(np.argmax(self.rows == self.given.most))

    @property
    def pair(self) -> int:
        """The pair of neighbours with the most motion."""
        return int(np.linalg.norm(self.exact[self.clip], axis=1).mean(axis=(1, 2)).argmax())

    def flow_pictures(self) -> go.Figure:
        """A frame, the exact motion to the next, and two estimates of it."""
        clip, pair = self.clip, self.pair
        strong = float(np.quantile(np.linalg.norm(self.exact[clip, pair], axis=0), 0.98))
        named = {"exact": self.exact} | {
            name: self.flows[name] for name in ("TV-L1", "network") if name in self.flows
        }
        pictures = {
            name: flow_colours(flow[clip, pair] * self.face[clip], strong) for name, flow in named.items()
        }
        alt = "A frame, the exact motion to the next one, that of TV-L1 and that of the network."
        return panels({"frame": self.cut(self.shots[clip, pair]), **pictures}, alt=alt)

    @cached_property
    def points(self) -> np.ndarray:  # (n, 7, 68, 2)
        """Exact landmarks."""
        return self.given.method.landmark_targets(self.fitted.test.inputs).numpy()

    @property
    def eyes(self) -> np.ndarray:  # (n, 7, 1, 1)
        """How far apart they are."""
        return eye_distance(self.points)[..., None, None]

    @cached_property
    def faces(self) -> dict[str, np.ndarray]:  # (n, 7, 68, 2) each
        """The mean face of the training clips, the network's, and the exact one of the first frame for all."""
        inside = (self.given.method.view.size - self.given.method.settings.size) / 2
        start = np.asarray(self.given.clips.select(self.rows).landmarks)[:, :1] - inside
        mean = mean_face(self.given, self.fitted).numpy()
        return {
            "mean face": np.broadcast_to(mean, self.points.shape),
            "network": self.outputs["landmarks"].numpy(),
            "first frame": np.broadcast_to(start, self.points.shape),
        }

    def landmark_errors(self, faces: Mapping[str, np.ndarray] | None = None) -> dict[str, float]:
        """In distances of the eyes."""
        faces = self.faces if faces is None else faces
        return {
            name: landmark_error(face / self.eyes, self.points / self.eyes) for name, face in faces.items()
        }

    def landmark_pictures(self) -> go.Figure:
        """The exact landmarks on a face, the mean face, and the network's."""
        picture = self.cut(self.shots[self.clip, self.pair + 1])
        shown = {"exact": self.points, **{name: self.faces[name] for name in ("mean face", "network")}}
        return panels(
            {name: dotted(picture, points[self.clip, self.pair]) for name, points in shown.items()},
            alt="The exact landmarks on a face, those of the mean face and those of the network.",
        )

    def placed_faces(self) -> dict[str, np.ndarray]:
        """The mean face where each exact one is; and as large as that, too."""
        mean = mean_face(self.given, self.fitted).numpy()
        mean = mean - mean.mean(axis=0)
        middles = self.points.mean(axis=2, keepdims=True)
        sizes = np.linalg.norm(self.points - middles, axis=(2, 3), keepdims=True) / np.linalg.norm(mean)
        return {"placed": mean + middles, "and as large": mean * sizes + middles}

    @cached_property
    def maps(self) -> dict[tuple[str, str], Tensor]:  # (n, S, S) each
        """What the score of a clip's class owes to the frames and to motion, trained and untrained."""
        x, labels = (
            middle(self.fitted.test.inputs["x"], self.given.method.settings.size),
            self.fitted.test.labels,
        )
        networks = {"trained": self.fitted.network, "untrained": untrained(self.given)}
        return {
            (who, of): attribution(network, x, labels, baseline=baseline)
            for who, network in networks.items()
            for of, baseline in {"frame": None, "motion": still(x)}.items()
        }

    def inside(self) -> pd.DataFrame:
        """The mean share of a map that lies on moving skin: a row a network, a column a question."""
        region, table = torch.tensor(self.moving), {}
        for (who, of), marked in self.maps.items():
            table.setdefault(of, {})[who] = share_inside(marked, region).mean().item()
        return pd.DataFrame(table)

    def area(self) -> tuple[float, float]:
        """What the moving region is of the picture, and of the face: the mean over clips."""
        of_picture, face = self.moving.mean(axis=(1, 2)), self.face.mean(axis=(1, 2))
        return float(of_picture.mean()), float((of_picture / face).mean())

    def map_pictures(self) -> go.Figure:
        """The maps over a face, with the outline of the region that moves."""
        face = self.cut(self.shots[self.clip, 0])
        return panels(
            {
                f"{who}: {of}": seen_on(face, marked[self.clip].numpy(), self.moving[self.clip])
                for (who, of), marked in self.maps.items()
            },
            alt="What the answer of the trained and of an untrained network depends on, in orange over a face, with "
            "the outline of the region that the expression moves.",
            width=180,
        )


def says_flow(errors: pd.DataFrame) -> str:
    """Whether the network has learnt to estimate motion: the end-point errors of its rows beside those of rivals."""
    if "network" not in errors.index:
        return "This preset estimates no flow."
    ratios = errors.loc["network"] / errors.drop(index="network")
    lines = [
        f"On the {region} the network's error is {of['nothing moved']:.2f} times that of the guess that nothing moves, "
        f"and {of['TV-L1']:.2f} times that of TV-L1."
        for region, of in ratios.items()
    ]
    least = ratios.loc["nothing moved"].min()
    if least >= 1:
        lines.append(
            "It has not learnt to estimate motion: that nothing moves is the better answer everywhere."
        )
    elif least > 0.9:
        lines.append("Its flow is hardly better than none.")
    else:
        best = ratios.loc["nothing moved"].idxmin()
        lines.append(f"So it has learnt something of motion, most on the {best}.")
    return " ".join(lines)


def says_landmarks(errors: Mapping[str, float]) -> str:
    """Whether the network places landmarks better than a mean face, and how little that has to do with motion."""
    ratio = errors["network"] / errors["mean face"]
    first, network = errors["first frame"], errors["network"]
    beside = "That" if first < network else "Even that"
    return (
        f"The network's error is {ratio:.2f} times that of the mean face"
        f"{'.' if ratio < 0.9 else ': no better.' if ratio >= 1 else ': hardly better.'} "
        f"Taking the first frame for all frames is wrong by {first:.3f} of the eyes' distance. {beside} is "
        f"{'less' if first < network else 'more'} than the network's {network:.3f}"
        + (
            ": landmarks hardly move in a micro-expression. Finding a face's landmarks and seeing them *move* are two "
            "different tasks, and the loss rewards the first."
            if first < network
            else ": what the network says of a frame is nearer to it than its neighbours are."
        )
    )


def says_maps(inside: pd.DataFrame, of_face: float) -> str:
    """Whether training has brought the network to look at the skin that moves."""
    motion, frame = inside["motion"]["trained"], inside["frame"]["trained"]
    gain = motion - inside["motion"]["untrained"]
    looks = (
        "So it looks at the moving skin more than by chance."
        if motion > of_face + 0.02
        else "That is no evidence that it looks at the moving skin."
    )
    return (
        f"Training has moved {abs(gain):.2f} of the map of motion {'into' if gain > 0 else 'out of'} the region that "
        f"moves. A map that knows the face and nothing else, spread evenly over it, would have {of_face:.2f} inside; "
        f"the trained network has {motion:.2f} for motion and {frame:.2f} for the frames. {looks}"
    )
