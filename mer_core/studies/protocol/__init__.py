"""The chapter "What the protocol is worth": the same trainings, scored honestly and as tables of the field are made.

`habits` scores a method's trainings, `methods` all of them, `pairs` compares two; `tables` is what the chapter shows.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from mer_core.studies.parameters import Parameters
from mer_core.studies.protocol.figures import HONEST, INFLATED, dumbbells, gain_against_score, rank_flips
from mer_core.studies.protocol.habits import (
    EPOCHS,
    Habits,
    as_sub_clips,
    chosen_by_others,
    every_number,
    fold_mean,
    fold_weighted,
    has_epochs,
    interval,
    last,
    one_a_fold,
    one_for_all,
    pooled,
    printed_by_seed,
    trainings,
)
from mer_core.studies.protocol.methods import Methods, main_names, stored_methods
from mer_core.studies.protocol.pairs import comparisons, flips, margins, misleading
from mer_core.studies.protocol.sentences import (
    habits_told,
    left_out_told,
    luck_told,
    margins_told,
    peek_told,
    room_told,
    rule_told,
    seeds_told,
    turned_told,
    wrong_winner_told,
)
from mer_core.studies.protocol.tables import (
    HABITS,
    LADDER,
    LeftOut,
    added,
    all_pairs,
    at_random,
    better_indeed,
    fewer_epochs,
    flipped,
    kept_answers,
    known_protocols,
    left_out,
    luck,
    measured_elsewhere,
    moves,
    ranked,
    restlessness,
    spreads,
    three_rules,
    wins,
)

__all__ = [
    "EPOCHS", "HABITS", "HONEST", "INFLATED", "LADDER", "Chapter", "Habits", "LeftOut", "Methods", "added", "all_pairs",
    "as_sub_clips", "at_random", "better_indeed", "chosen_by_others", "comparisons", "dumbbells", "every_number",
    "fewer_epochs", "flipped", "flips", "fold_mean", "fold_weighted", "gain_against_score", "habits_told",
    "has_epochs", "interval", "kept_answers", "known_protocols", "last", "left_out", "left_out_told", "luck",
    "luck_told", "main_names", "margins", "margins_told", "measured_elsewhere", "misleading", "moves", "one_a_fold",
    "one_for_all", "peek_told", "pooled", "printed_by_seed", "rank_flips", "ranked", "restlessness", "room_told",
    "rule_told", "seeds_told", "spreads", "stored_methods", "three_rules", "trainings", "turned_told", "wins",
    "wrong_winner_told",
]  # fmt: skip


def _main_row(label: str) -> str:
    if label not in main_names():
        raise ValueError(f"There is no main row {label!r}; there are {', '.join(main_names())}.")
    return label


class Chapter(Parameters):
    """Parameters of the chapter."""

    score: Literal["uf1", "uar", "accuracy", "weighted_f1"] = Field(description="what is compared")
    method: Annotated[str, AfterValidator(_main_row)] = Field(
        description="the main row that is looked at closely"
    )
    seed: int = Field(ge=0, le=2, description="which of the trainings is compared by name")
