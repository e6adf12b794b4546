"""How often a bootstrap interval holds the truth: simulated people with uneven numbers of clips and unequal luck.

    python benchmarks/intervals.py --worlds 400

Prints, for several numbers of subjects, the share of 95 % intervals that hold the score of a very large crowd; once
with subjects drawn anew, as this book does, and once with single clips.
"""

import mer_core.pinned

from argparse import ArgumentParser

import numpy as np
import pandas as pd

from mer_core.scoring import bootstrap_interval, scores

SHARES = (0.6, 0.2, 0.2)  # of the classes
SKILL, SPREAD = 0.65, 0.15  # chance of a right answer: its mean and how people differ in it
CROWD = 20_000  # people that stand for the truth


def answers(random: np.random.RandomState, subjects: int) -> pd.DataFrame:
    """One simulated test: truth, predictions and subjects."""
    clips = 1 + random.poisson(random.gamma(1.5, 5, subjects))  # uneven, six clips or so
    subject = np.repeat(np.arange(subjects), clips)
    skill = np.clip(random.normal(SKILL, SPREAD, subjects), 0.05, 0.98)[subject]
    truth = random.choice(3, len(subject), p=SHARES)
    guess = random.choice(3, len(subject), p=SHARES)
    predicted = np.where(random.rand(len(subject)) < skill, truth, guess)
    return pd.DataFrame({"truth": truth, "predicted": predicted, "subject": subject})


def main() -> None:
    """Print the table."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=400)
    worlds = parser.parse_args().worlds
    crowd = answers(np.random.RandomState(0), CROWD)
    goal = scores(crowd["truth"].to_numpy(), crowd["predicted"].to_numpy(), 3).uf1
    rows = {}
    for subjects in (10, 26, 68):
        held = {"subjects drawn anew": 0, "clips drawn anew": 0}
        for world in range(worlds):
            table = answers(np.random.RandomState([subjects, world]), subjects)
            for name, unit in zip(held, (table["subject"], np.arange(len(table))), strict=True):
                made = bootstrap_interval(table["truth"], table["predicted"], unit, 3, draws=1000)
                held[name] += made.low <= goal <= made.high
        rows[f"{subjects} subjects"] = {name: n / worlds for name, n in held.items()}
    print(f"share of 95 % intervals of UF1 that hold the truth ({goal:.3f}), {worlds} worlds")
    print(pd.DataFrame(rows).T.to_string(float_format="{:.2f}".format))


if __name__ == "__main__":
    main()
