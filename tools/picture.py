"""Draw the two pictures of the book's first page, of clips of `synth`: one of them is in the README, too.

faces.webp    a clip a row: onset, apex, the movement magnified, the difference, and exact motion by cause
moving.webp   each clip as a camera sees it, and magnified below: twice from onset to offset, then it stands still
"""

import mer_core.pinned

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
MOMENTS, PACE = 30, 80  # pictures of a clip, milliseconds each: some five times slower than it was


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


def moving_column(corpus: object, clip: str) -> np.ndarray:  # (T, 2 × SIZE, SIZE, 3)
    """One clip over time, from onset to offset: as it is, and magnified below."""
    spec = corpus.spec(clip)
    moments = np.linspace(spec.onset, spec.offset, MOMENTS)
    seen = corpus.frames(clip, moments, SIZE)
    return np.concatenate([seen, corpus.frames(clip, moments, SIZE, magnify=6 / spec.peak_pixels)], axis=1)


def draw_moving(corpus: object, clips: list[str], out: Path) -> None:
    """An animation that ends by itself: who reads should not be disturbed for ever."""
    pictures = np.concatenate([moving_column(corpus, clip) for clip in clips], axis=2)
    animation = cv2.Animation()
    animation.loop_count = 2
    animation.frames = [np.ascontiguousarray(picture[..., ::-1]) for picture in pictures]
    animation.durations = [PACE] * len(pictures)
    cv2.imwriteanimation(str(out), animation, [cv2.IMWRITE_WEBP_QUALITY, 60])


def main() -> None:
    """Choose a clip with a clear movement of each emotion, and draw both pictures."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("chapters/images"), help="folder")
    out = parser.parse_args().out
    corpus = open_corpus("synth")
    table = corpus.clips.sort_values("peak_pixels", ascending=False).drop_duplicates("subject")
    clips = [table.loc[table["emotion"] == emotion, "clip"].iloc[0] for emotion in EMOTIONS]
    draw_moving(corpus, clips, out / "moving.webp")
    draw_still(corpus, clips, out / "faces.webp")


def draw_still(corpus: object, clips: list[str], out: Path) -> None:
    """All rows under their titles."""
    rows = np.vstack([clip_row(corpus, clip) for clip in clips])
    band = np.full((BAND, rows.shape[1], 3), 255, np.uint8)
    for column, title in enumerate(TITLES):
        place = (column * SIZE + 4, BAND - 7)
        cv2.putText(band, title, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (40, 40, 40), 1, cv2.LINE_AA)
    picture = np.vstack([band, rows])
    cv2.imwrite(str(out), picture[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, 88])


if __name__ == "__main__":
    main()
