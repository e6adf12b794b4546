"""Draw `chapters/images/faces.webp`, the picture of the README and of the book's first page.

Six clips of `synth`, a row each: onset, apex, the movement magnified, the difference, and exact motion by cause.
"""

from argparse import ArgumentParser
from pathlib import Path

import cv2
import numpy as np

from mer_core import open_corpus
from mer_core.figures import flow_colours

SIZE = 144
EMOTIONS = ("happiness", "disgust", "surprise", "repression")
TITLES = ("onset", "apex", "magnified", "difference x 8", "action", "head", "total")
BAND = 22  # pixels for the titles


def clip_row(corpus: object, clip: str) -> np.ndarray:
    """One clip in seven pictures, side by side."""
    spec = corpus.spec(clip)
    onset, apex = corpus.frames(clip, [spec.onset, spec.apex], SIZE)
    magnified = corpus.frames(clip, [spec.apex], SIZE, magnify=6 / spec.peak_pixels)[0]
    difference = 255 - np.clip(8 * np.abs(apex.astype(int) - onset), 0, 255).astype(np.uint8)
    parts = corpus.flow_parts(clip, spec.onset, spec.apex, SIZE)
    total = corpus.flow(clip, spec.onset, spec.apex, SIZE)
    flows = [flow_colours(flow, np.abs(total).max()) for flow in (parts["action"], parts["head"], total)]
    return np.hstack([onset, apex, magnified, difference, *flows])


def main() -> None:
    """Choose a clip with a clear movement of each emotion, and put the rows together."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("chapters/images/faces.webp"))
    out = parser.parse_args().out
    corpus = open_corpus("synth")
    table = corpus.clips.sort_values("peak_pixels", ascending=False).drop_duplicates("subject")
    clips = [table.loc[table["emotion"] == emotion, "clip"].iloc[0] for emotion in EMOTIONS]
    rows = np.vstack([clip_row(corpus, clip) for clip in clips])
    band = np.full((BAND, rows.shape[1], 3), 255, np.uint8)
    for column, title in enumerate(TITLES):
        place = (column * SIZE + 4, BAND - 7)
        cv2.putText(band, title, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (40, 40, 40), 1, cv2.LINE_AA)
    picture = np.vstack([band, rows])
    cv2.imwrite(str(out), picture[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, 88])


if __name__ == "__main__":
    main()
