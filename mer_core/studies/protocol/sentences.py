"""What the chapter says of its numbers."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mer_core.scoring.conventions import Predictions
from mer_core.studies.protocol.habits import Habits, printed_by_seed
from mer_core.studies.protocol.methods import Methods
from mer_core.studies.protocol.pairs import misleading
from mer_core.studies.protocol.tables import PEEK, LeftOut
from mer_core.studies.words import SCORES, listing, starred

LEVEL = 0.05
FEW = 5  # methods: of fewer a rank correlation says nothing
LINKED = 0.4  # a rank correlation from which on one may speak of a connection
NEARLY_THE_SAME = 0.03  # between two gains
SHOWN = 5  # pairs that a sentence names


def says_peek(methods: Methods) -> str:
    """What each subject's choice of the epoch adds, and to how many networks more than their interval."""
    adds = methods.adds
    above = sum(methods.scores["printed"][name] > methods.last[name].high for name in adds.index)
    return (
        f"Choosing each subject's epoch adds {adds.mean():.3f} on the mean of {len(adds)} networks, from "
        f"{adds.min():+.3f} (*{adds.idxmin()}*) to {adds.max():+.3f} (*{adds.idxmax()}*); choosing once for each group "
        f"of subjects, {methods.group_adds.mean():+.3f}. For {above} of {len(adds)} the number that is printed lies "
        "above the whole interval of the honest one."
    )


def says_habits(added: pd.DataFrame, honest: pd.Series, networks: list[str], combinations: int) -> str:
    """What each habit adds on the mean over the networks, and what FDP's code makes of the rule that knows nothing."""
    mean = added.loc[networks].mean()
    ordered = mean.drop("at most").sort_values(ascending=False)
    lower = [name for name, value in ordered.items() if value < 0]
    nothing = (added["FDP"] + honest).get("majority", np.nan)
    return (
        f"On the mean over the networks: {', '.join(f'*{name}* {value:+.3f}' for name, value in ordered.items())}. "
        f"Those that lower the score: {starred(lower)}. Who tries all {combinations} combinations and prints the "
        f"highest number adds {mean['at most']:+.3f}."
        + (
            f" By FDP's code a rule that always names the commonest class is printed with {nothing:.3f}: weighting and "
            "averaging over subjects are kind to whoever knows nothing, before any epoch is chosen."
            if pd.notna(nothing)
            else ""
        )
    )


def says_luck(luck: pd.DataFrame) -> str:
    """How much of the gain by peeking others can have, too."""
    real, lucky = (luck["others"] - luck["honest"]).mean(), (luck["own"] - luck["others"]).mean()
    return (
        f"If others choose, the score changes by {real:+.3f} on the mean; if a subject's own clips choose, by "
        f"{lucky:+.3f} more. With these schedules {_what_is_luck(real, lucky)}."
    )


def _what_is_luck(real: float, lucky: float) -> str:
    if real > lucky:
        return "much of the gain is early stopping"
    if real > 0.1 * lucky:
        return "a little of the gain is early stopping, the rest luck"
    if real > -0.1 * lucky:
        return "there is no better epoch to be found, all of the gain is luck"
    return (
        "stopping where others did best even costs something: so few find no better epoch, and what one's own clips "
        "add is luck"
    )


def says_room(scores: pd.DataFrame, chance: pd.DataFrame) -> str:
    """Whether who knows less gains more. Both tables: honest, adds."""
    link, left = (
        scores["honest"].corr(scores["adds"], method="spearman"),
        scores["adds"] / (1 - scores["honest"]),
    )
    low, high = scores["honest"].idxmin(), scores["honest"].idxmax()
    more = chance["adds"].min() >= scores["adds"].max()
    return (
        f"The rank correlation of honest score and gain is {link:+.2f} over {len(scores)} networks: "
        f"{_who_gains(link, len(scores))}. The lowest, *{low}*, gains {scores['adds'][low]:+.3f}, the highest, "
        f"*{high}*, {scores['adds'][high]:+.3f}. As a share of what was left to gain it is {left.min():.0%} to "
        f"{left.max():.0%}. Answers at random would gain {chance['adds'].min():.3f} to {chance['adds'].max():.3f}"
        + (
            ": more, because they are drawn anew every time, while a network says much the same after one epoch more."
            if more
            else "."
        )
    )


def _who_gains(link: float, methods: int) -> str:
    if methods < FEW:
        return "too few methods to say more"
    if link < -LINKED:
        return "the less a method knows, the more it gains"
    return "who knows less does not gain more here"


def says_seeds(spreads: pd.DataFrame) -> str:
    """The luck of the seed beside that of the epoch, and whether peeking hides the first."""
    honest, peek = (spreads[["spread, honest", "spread, PEEK"]] ** 2).mean() ** 0.5
    gain = spreads["PEEK adds"].mean()
    kind = "about the same"
    if peek < 0.8 * honest:
        kind = "smaller: peeking hides how unsteady a training is"
    elif peek > 1.25 * honest:
        kind = "larger: peeking adds luck of its own"
    return (
        f"The standard deviation over seeds is {honest:.3f}, the gain by peeking {gain:.3f}, {gain / honest:.1f} times "
        f"as much. After peeking the seeds' spread is {peek:.3f}, {kind}."
    )


def says_turned(flipped: pd.DataFrame, pairs: Mapping[tuple[str, int], pd.DataFrame], seed: int) -> str:
    """How many comparisons change with the rule for the epoch, and how many with the seed alone."""
    seeds = len(pairs) // 2
    peek, other = flipped.iloc[:seeds].mean(), flipped.iloc[seeds:].mean()
    before, after = pairs["last", seed % seeds], pairs["fold", seed % seeds]
    appears = [
        _winner(pair) for pair in after[(after["p"] < LEVEL) & ~(before["p"] < LEVEL)].to_dict("records")
    ]
    shown = appears[:SHOWN] + [f"{len(appears) - SHOWN} others"] * (len(appears) > SHOWN)
    return (
        f"Of {len(before)} pairs {peek['before']:.1f} are significant on the mean of the seeds, {peek['after']:.1f} "
        f"after peeking; {peek['appear']:.1f} appear, {peek['vanish']:.1f} vanish, and in {peek['turn']:.1f} the other "
        f"one is in front. Another seed alone makes {other['appear'] + other['vanish']:.1f} appear or vanish, and "
        f"turns {other['turn']:.1f}. Significant only after peeking, with seed {seed % seeds}: {listing(shown)}."
    )


def _winner(pair: dict) -> str:
    winner, other = ("first", "second") if pair["difference"] > 0 else ("second", "first")
    return f"*{pair[winner]}* over *{pair[other]}*"


def says_margins(cases: Mapping[str, pd.DataFrame]) -> str:
    """How often the winner of a table is worse, by how much, and what a printed margin is worth."""

    def each(told: Mapping[str, str]) -> str:
        return listing(f"{text} if *{name}*" for name, text in told.items())

    worse = {name: f"{(won['honest'] <= 0).mean():.0%}" for name, won in cases.items()}
    largest = {name: says_misleading(won) for name, won in cases.items()}
    worth = {name: f"{kept(won) / 10:.2f}" for name, won in cases.items()}
    return (
        f"Printed above the other one, and worse: {each(worse)}. So large a margin only one in twenty of these "
        f"reaches: {each(largest)}. For every 0.10 that is printed, the honest scores are apart by {each(worth)}."
    )


def says_misleading(won: pd.DataFrame) -> str:
    """The margin that only one in twenty of the wrong winners reaches."""
    margin = misleading(won)
    return "0 (none is wrong)" if pd.isna(margin) else f"{margin:.2f}"


def kept(won: pd.DataFrame) -> float:
    """Which share of the margins that are printed the honest scores have, too."""
    return float(won["honest"].sum() / won["printed"].sum())


def says_wrong_winner(methods: Methods, won: pd.DataFrame) -> str:
    """The clearest wrong winner among networks that all peek, and what one must believe of a small margin."""
    return (
        _clearest(methods, won)
        + (
            "If both peek, the field is squeezed together, because those gain most who have most to gain: margins are "
            "small, and their order is partly luck. "
            if kept(won) > 1.05
            else "If both peek, a part of the margin is luck. "
        )
        + f"The gains of two networks by peeking differ by {_unlike(methods):.3f} on the mean. To believe that a "
        "margin of two hundredths between two such numbers is progress, one would have to believe that just these two "
        "gained the same; and to believe it against a number that did not peek, that the new method gained nothing."
    )


def _clearest(methods: Methods, won: pd.DataFrame) -> str:
    wrong = won.query("honest <= 0").groupby(["winner", "other"])["printed"].agg(["size", "sum"])
    if not len(wrong):
        return ""
    (up, down), (times, total) = next(wrong.nlargest(1, "sum").iterrows())
    tried = len(methods.by_subject[up]) * len(methods.by_subject[down])
    below = methods.honest[down] - methods.honest[up]
    return (
        f"The clearest case: if both peek, *{up}* is printed above *{down}* in {times:.0f} of {tried} pairs of "
        f"trainings, by {total / times:.3f} on the mean; honestly it is {below:.3f} below. "
    )


def _unlike(methods: Methods) -> float:
    """How far the gains of two networks are apart, on the mean over pairs."""
    gains = methods.adds.to_numpy()
    return float(np.abs(np.subtract.outer(gains, gains))[np.triu_indices(len(gains), 1)].mean())


def says_left_out(compared: LeftOut) -> str:
    """Whether gains are the same where each subject has a network of its own."""
    alone, groups = (
        _honest_and_peeked(seeds, compared.score) for seeds in (compared.alone, compared.by_subject)
    )
    gains = [(peeked - honest).mean() for honest, peeked in (alone, groups)]
    inside = groups[0].min() <= alone[0].mean() <= groups[0].max()
    return (
        f"Chosen for each subject, the epoch adds {gains[0]:+.3f} where one subject was left out and {gains[1]:+.3f} "
        "with five groups. "
        + (
            "That is nearly the same: what counts is for how few clips a choice is made, not how the networks were "
            "trained, and the gains of this chapter stand for both."
            if abs(gains[0] - gains[1]) < NEARLY_THE_SAME
            else "How the networks were trained matters, too, and the gains of this chapter do not stand for both."
        )
        + f" The honest score with one subject left out, {alone[0].mean():.3f}, lies "
        f"{'within' if inside else 'outside'} what the seeds of the five groups span, {groups[0].min():.3f} to "
        f"{groups[0].max():.3f}."
    )


def _honest_and_peeked(seeds: list[Predictions], score: str) -> list[np.ndarray]:
    return [np.array(printed_by_seed(seeds, how, score)) for how in (Habits(), PEEK)]


def says_rule(methods: Methods, cases: Mapping[str, pd.DataFrame], flipped: pd.DataFrame) -> str:
    """What a reader may take off a number, ask of a margin, and read out of an order."""
    clips, subjects = len(methods.one.truth), len(set(methods.one.folds))
    turned = flipped[flipped.index.str.startswith("peek")].mean()
    margin = {name: says_misleading(won) for name, won in cases.items()}
    return (
        "Ask five things of a table: *which epoch, chosen on whom? pooled, or the mean of folds? clips, or sub-clips? "
        "how many seeds, and which is told? how many subjects?* If the caption does not say, assume the habit. Then, "
        f"as measured here with {SCORES[methods.score]}, {subjects} subjects and {clips / subjects:.0f} clips each:\n\n"
        f"- take off what peeking adds: {_says_gains(methods)};\n"
        f"- between two methods that peek, ask for more than {margin['both peek']} (only the new one peeks: "
        f"{margin['the winner peeks']}; nobody does: {margin['both honest']});\n"
        f"- do not read the order of a table that peeks: {turned['turn']:.0f} of {turned['pairs']:.0f} pairs turned;\n"
        "- ask for the last epoch, or one chosen on subjects who are neither trained on nor tested, pooled; it costs "
        "nothing but the luck."
    )


def _says_gains(methods: Methods) -> str:
    floor = max(1 / methods.one.n_classes, methods.honest.get("majority", 0))
    near = [name for name in methods.networks if methods.last[name].low <= floor]
    kinds = {"methods that work": methods.adds.drop(near), "methods near chance": methods.adds[near]}
    return "; ".join(f"{kind} {_span(gains)}" for kind, gains in kinds.items() if len(gains))


def _span(values: pd.Series) -> str:
    return " to ".join(dict.fromkeys(f"{value:.2f}" for value in (values.min(), values.max())))
