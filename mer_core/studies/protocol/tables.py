"""The tables of the chapter: what each habit adds, to whom, and what a margin is worth then."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mer_core.ledger.licensed import licensed_papers, load_licensed
from mer_core.ledger.results import stored_run
from mer_core.scoring.conventions import Predictions
from mer_core.studies.protocol.habits import (
    Habits,
    chosen_by_others,
    one_a_fold,
    pooled,
    printed_by_seed,
    trainings,
)
from mer_core.studies.protocol.methods import Methods
from mer_core.studies.protocol.pairs import comparisons, flips, margins

HABITS = {
    "1 epoch": Habits(epoch="one"),
    "own epoch": Habits(epoch="fold"),
    "mean": Habits(scored="fold-mean"),
    "sub-clips": Habits(counted="sub-clips"),
    "seed": Habits(seeds="best"),
    "FDP": Habits(epoch="fold", scored="fold-weighted"),
}
LADDER = {
    "honest": Habits(),
    "best seed": Habits(seeds="best"),
    "and each subject's epoch": Habits(epoch="fold", seeds="best"),
    "and the mean of weighted F1": Habits(epoch="fold", scored="fold-weighted", seeds="best"),
    "and sub-clips": Habits("fold", "sub-clips", "fold-weighted", "best"),
}
PEEK = HABITS["own epoch"]
MARGINS = [0, 0.02, 0.05, 0.1, 0.2, 1]
MEASURED = {
    "STSTNet": (0.713, 0.774),
    "OFF-ApexNet": (0.703, 0.839),
}  # Varanka et al. 2022, UF1 of one run each


def kept_answers(methods: Methods) -> pd.DataFrame:
    """A row a method: how many trainings are stored, and answers after how many epochs."""
    rows = {name: (len(seeds), len(seeds[0].predicted)) for name, seeds in methods.by_subject.items()}
    return pd.DataFrame(rows, index=["trainings", "epochs"]).T


def three_rules(methods: Methods) -> pd.DataFrame:
    """A row a method: its score with its interval, by who chooses the epoch."""
    rules = {"last": methods.last, "PEEK, group": methods.grouped, "PEEK, subject": methods.peeked}
    return pd.DataFrame(rules).loc[methods.honest.index].map(str)


def added(methods: Methods) -> pd.DataFrame:
    """What each habit alone adds to the honest score, and the most that any combination of them adds."""
    rows = {
        name: {habit: methods.numbers[name][how] - honest for habit, how in HABITS.items()}
        | {"at most": max(methods.numbers[name].values()) - honest}
        for name, honest in methods.honest.items()
    }
    return pd.DataFrame(rows).T


def luck(methods: Methods) -> pd.DataFrame:
    """The score of each network if nobody chooses its epoch, if the others of a group do, or the subject itself."""
    others = {name: _chosen_by_others(methods, name) for name in methods.networks}
    scores = methods.scores.loc[methods.networks]
    return pd.DataFrame(
        {"honest": scores["honest"], "others": others, "own": scores["printed"]}, methods.networks
    )


def _chosen_by_others(methods: Methods, name: str) -> float:
    pairs = zip(methods.by_subject[name], methods.by_group[name], strict=True)
    values = [pooled(chosen_by_others(subject, group.folds), methods.score) for subject, group in pairs]
    return float(np.mean(values))


def at_random(methods: Methods, seed: int, draws: int = 20) -> pd.DataFrame:
    """Honest score and gain of answers drawn anew in every epoch, of the fewest and of the most epochs there are."""
    draw, like = np.random.default_rng(seed), methods.one
    share = np.bincount(like.truth) / len(like.truth)
    counts = {len(methods.by_subject[name][0].predicted) for name in methods.networks}
    rows = {}
    for epochs in sorted({min(counts), max(counts)}):
        scores = []
        for _ in range(draws):
            answers = draw.choice(len(share), size=(epochs, len(like.truth)), p=share)  # (E, N)
            drawn = replace(like, predicted=answers)
            scores.append([pooled(drawn, methods.score), pooled(one_a_fold(drawn, ""), methods.score)])
        honest, best = np.mean(scores, axis=0)
        rows[f"{epochs} epochs"] = {"honest": honest, "adds": best - honest}
    return pd.DataFrame(rows).T


def spreads(methods: Methods) -> pd.DataFrame:
    """Of each network that was trained several times: the standard deviation over seeds, and two gains beside it."""
    several = [name for name in methods.networks if len(methods.by_subject[name]) > 1]

    def spread(name: str, how: Habits) -> float:
        return float(np.std(printed_by_seed(methods.by_subject[name], how, methods.score), ddof=1))

    return pd.DataFrame(
        {
            "spread, honest": {name: spread(name, Habits()) for name in several},
            "spread, PEEK": {name: spread(name, PEEK) for name in several},
            "best seed adds": added(methods)["seed"].loc[several],
            "PEEK adds": methods.adds.loc[several],
        }
    ).loc[several]


def ranked(methods: Methods) -> pd.DataFrame:
    """A row a method: its score by four protocols, the honest one first."""
    grouped = {name: one.value for name, one in methods.grouped.items()}
    return pd.DataFrame(
        {
            "honest": methods.honest,
            "group's epoch": grouped,
            "subject's epoch": methods.scores["printed"],
            "FDP's code": added(methods)["FDP"] + methods.honest,
        }
    ).loc[methods.honest.index]


def moves(ranks: pd.DataFrame) -> pd.DataFrame:
    """How like the honest order that of each other protocol is, and how many methods move two places or more."""
    places = ranks.rank(ascending=False)
    away = (places.sub(places["honest"], axis=0)).abs() >= 2
    links = {name: ranks["honest"].corr(ranks[name], method="spearman") for name in ranks.columns[1:]}
    table = pd.DataFrame({"rank correlation": links, "move two places or more": away.sum()})
    return table.loc[list(links)]


def all_pairs(methods: Methods) -> dict[tuple[str, int], pd.DataFrame]:
    """Every two methods compared by one training of each, by the rule for the epoch and the number of the seed."""
    seeds = max(len(trained) for trained in methods.by_subject.values())
    return {
        (rule, seed): _compared(methods, rule, seed) for rule in ("last", "fold") for seed in range(seeds)
    }


def _compared(methods: Methods, rule: str, seed: int) -> pd.DataFrame:
    answers = {}
    for name in methods.honest.index:
        trained = methods.chosen(name, rule)
        answers[name] = trained[seed % len(trained)].predicted[0]
    like = methods.one
    return comparisons(answers, like.truth, like.folds, like.n_classes, methods.score)


def flipped(pairs: dict[tuple[str, int], pd.DataFrame]) -> pd.DataFrame:
    """How many pairs mean something else if each subject chooses, a row a seed; and with nothing but another seed."""
    seeds = range(len(pairs) // 2)
    peeks = {f"peek, seed {seed}": flips(pairs["last", seed], pairs["fold", seed]) for seed in seeds}
    others = {f"seed 0 to {seed}": flips(pairs["last", 0], pairs["last", seed]) for seed in seeds[1:]}
    return pd.DataFrame(peeks | others).T


def wins(methods: Methods) -> dict[str, pd.DataFrame]:
    """Every training of a network that is printed above one of another, in three cases: see `margins`."""

    def by_seed(how: Habits) -> dict[str, list[float]]:
        return {
            name: printed_by_seed(methods.by_subject[name], how, methods.score) for name in methods.networks
        }

    fair, lucky = by_seed(Habits()), by_seed(PEEK)
    return {
        "both honest": margins(fair, fair, fair),
        "both peek": margins(lucky, fair, lucky),
        "the winner peeks": margins(lucky, fair, fair),
    }


def better_indeed(cases: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """How often the winner is better indeed, by the margin that is printed."""
    return pd.DataFrame({name: _shares(won) for name, won in cases.items()})


def _shares(won: pd.DataFrame) -> pd.Series:
    better = (won["honest"] > 0).groupby(pd.cut(won["printed"], MARGINS), observed=False)
    shares = [
        f"{share:.0%} of {n}" if n else "–" for share, n in zip(better.mean(), better.size(), strict=True)
    ]
    return pd.Series(shares, better.size().index.astype(str))


# One subject left out, or five groups


@dataclass(frozen=True)
class LeftOut:
    """A network trained once for every subject, beside its trainings in groups."""

    alone: list[Predictions]
    by_subject: list[Predictions]
    by_group: list[Predictions]
    score: str

    def table(self) -> pd.DataFrame:
        """A row a training: its score by who chooses the epoch."""
        rows = {}
        ways = {
            "one subject left out": (self.alone, self.alone),
            "five groups": (self.by_subject, self.by_group),
        }
        for way, (by_subject, by_group) in ways.items():
            for seed, (subjects, folds) in enumerate(zip(by_subject, by_group, strict=True)):
                rows[f"{way}, seed {seed}"] = {
                    "last": pooled(subjects, self.score),
                    "PEEK, fold": pooled(one_a_fold(folds, ""), self.score),
                    "PEEK, subject": pooled(one_a_fold(subjects, ""), self.score),
                }
        return pd.DataFrame(rows).T


def left_out(methods: Methods, name: str = "STSTNet", run: str = "inflate/ststnet") -> LeftOut:
    """The run that leaves one subject out at a time, beside the main row of the same network."""
    return LeftOut(
        trainings(stored_run(run)), methods.by_subject[name], methods.by_group[name], methods.score
    )


# Elsewhere


def known_protocols() -> pd.DataFrame:
    """What is known of the four papers' protocols, a row a reading: for which corpora, and from where."""
    facts = ("epoch", "scored", "counted")
    rows = [
        {
            "paper": paper,
            "corpus": protocol.named,
            **{fact: getattr(protocol, fact) for fact in facts},
            "where": protocol.where.partition(":")[0],
        }
        for paper in licensed_papers()
        for protocol in load_licensed(paper).protocols
    ]
    table = pd.DataFrame(rows).astype(object)
    table = table.where(table.notna(), "not known").drop_duplicates()
    same = table.columns.drop("corpus").tolist()
    return table.groupby(same, sort=False)["corpus"].agg(", ".join).rename("corpora").reset_index()


def measured_elsewhere(methods: Methods) -> pd.DataFrame:
    """What choosing on the tested subject does on licensed corpora, as it was published, and here."""
    rows = {}
    for name, values in MEASURED.items():
        here = methods.scores.loc[name].tolist() if name in methods.scores.index else [np.nan, np.nan]
        for where, (honest, printed) in {"licensed": values, "here": here}.items():
            rows[name, where] = {"last": honest, "PEEK, subject": printed, "adds": printed - honest}
    return pd.DataFrame(rows).T


# Exercises


def fewer_epochs(trained: list[Predictions], score: str) -> pd.Series:
    """The printed score if each subject chooses among the last few epochs only."""
    best = {}
    for n in (1, 2, 5, 10, len(trained[0].predicted)):
        fewer = [replace(one, predicted=one.predicted[-n:]) for one in trained]
        best[n] = np.mean(printed_by_seed(fewer, PEEK, score))
    return pd.Series(best, name=score).rename_axis("last epochs")


def restlessness(methods: Methods) -> pd.DataFrame:
    """The share of answers that change from one epoch to the next, beside the gain; the calmest network first."""
    changes = {
        name: np.mean([(one.predicted[1:] != one.predicted[:-1]).mean() for one in methods.by_subject[name]])
        for name in methods.networks
    }
    return pd.DataFrame({"change": changes, "adds": methods.adds}).sort_values("change")
