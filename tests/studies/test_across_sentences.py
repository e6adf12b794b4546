import pandas as pd
import pytest

from mer_core.studies import across

NAMES = ["method", "learnt", "asked"]


def units(negative, surprise):
    """Of three corpora alike: the share of clips of two classes that show AU4 and AU1; every smile is AU12."""
    rows = {
        f"{corpus}: {label}": {"AU4": four, "AU1": one, "AU12": twelve}
        for corpus in across.CORPORA
        for label, (four, one, twelve) in {
            "negative": (*negative, 0), "positive": (0, 0, 1), "surprise": (*surprise, 0)
        }.items()
    }  # fmt: skip
    return pd.DataFrame(rows).T


def test_a_unit_that_two_classes_share_is_named_and_only_brows_are_explained():
    told = across.says_overlap(units((0.2, 0.4), (0.0, 0.8)))
    assert "AU1 occurs in 40% of the negative clips as well as in 80%" in told
    assert told.endswith("fear raises the brows, too.")
    assert "AU4 occurs in 20%" in (told := across.says_overlap(units((0.2, 0.0), (0.3, 0.8))))
    assert "brows" not in told


def test_a_class_that_shows_other_units_elsewhere_changes_its_meaning_most():
    shares = units((0.2, 0.4), (0.0, 0.8))
    shares.loc["synth-samm: negative"] = [0.0, 0.0, 0.1]
    assert "*negative* that changes its meaning most" in across.says_overlap(shares)
    assert across.overlaps(shares).to_dict() == {
        "negative": pytest.approx(1 / 3),
        "positive": 1.0,
        "surprise": 1.0,
    }


def test_settings_are_told_of_those_that_differ():
    assert across.says_settings({"a": [], "b": []}) == "Every method is set on `synth` as it is away."
    told = across.says_settings({"a": [], "b": ["colour", "size"]})
    assert (
        told == "On `synth` set otherwise than away: *b* (colour, size); all others are set as they are away."
    )


def losses(*rows):
    index = pd.MultiIndex.from_tuples([row[0] for row in rows], names=NAMES)
    table = pd.DataFrame(
        {"difference": [row[1] for row in rows], "corrected": [row[2] for row in rows]}, index
    )
    return table.assign(low=table["difference"] - 0.1, high=table["difference"] + 0.1)


def test_only_what_remains_after_correction_is_called_lost_or_gained():
    rows = [(("m", "a", "b"), -0.3, 0.01), (("m", "b", "a"), 0.2, 0.2), (("n", "a", "b"), 0.4, 0.04)]
    told = across.says_losses(losses(*rows), 0.05)
    assert "1 score less than at home and 2 more" in told
    assert "Lost: *m* a → b (-0.30). Gained: *n* a → b (+0.40)." in told
    assert "about 0.10, half the width" in told
    assert "Lost: none. Gained: none." in across.says_losses(losses(*rows), 0.005)


def test_who_stands_on_the_floor_is_named():
    cells = pd.DataFrame(
        {"score": 0.4, "low": [0.2, 0.3, 0.1]},
        index=pd.MultiIndex.from_tuples([("a", "b"), ("b", "a"), ("a", "a")]),
    )
    floor = pd.Series(0.25, index=cells.index)
    assert across.on_the_floor({"m": cells}, floor) == [("m", "a", "b")]  # at home nothing is crossed
    assert "*m* (a → b)." in across.says_floor([("m", "a", "b")])
    assert "no method has an interval" in across.says_floor([])


@pytest.mark.parametrize(
    ("link", "words"), [(0.3, "Where more was learnt, less is lost"), (0.1, "does not explain")]
)
def test_quantity_explains_something_or_not(link, words):
    assert words in across.says_amount(link, 12)


def test_whoever_learnt_more_gains_more_or_does_not():
    clips = pd.Series({("a", "b"): 200, ("b", "b"): 100, ("b", "a"): 50, ("a", "a"): 100})
    rows = [(("m", "a", "b"), 0.1, 1), (("m", "b", "a"), -0.1, 1)]
    assert across.more_is_better(losses(*rows), clips) == pytest.approx(1)


def test_the_class_that_moves_most_is_named_on_the_mean_and_alone():
    index = pd.MultiIndex.from_tuples([("a", "b"), ("b", "a")])
    one = pd.DataFrame({"negative": [0.1, 0.2], "positive": [-0.5, 0.1]}, index)
    told = across.says_classes({"m": one, "n": one * 0})
    assert "*positive* changes by -0.10 and *negative* by +0.07" in told.replace("+0.08", "+0.07")
    assert "that of *positive* by m, a → b (-0.50)" in told
    assert "that of *negative* by m, b → a (+0.20)" in told


def test_the_mix_alone_moves_a_score():
    moved = pd.DataFrame({"a": [0.2, 0.5, 0.6], "b": [0.3, 0.5, 0.4]}, index=["majority", "m", "n"])
    told = across.says_mix(moved)
    assert "between 0.200 and 0.300" in told
    assert "*n* moves most, from 0.400 to 0.600" in told


def test_what_other_subjects_of_a_corpus_are_worth_leaves_out_who_looks_at_nothing():
    rows = {("majority", "two"): 0.2, ("majority", "all"): 0.2, ("m", "two"): 0.5, ("m", "all"): 0.45}
    bag = pd.DataFrame({"pooled": pd.Series(rows), "mean of the three": 0.4})
    told = across.says_composite(bag, "two", "all", "uf1")
    assert "changes the pooled UF1 by -0.050 for m." in told
    assert "by up to 0.200" in told


def test_an_order_that_is_kept_has_a_tau_of_one_and_one_that_is_turned_minus_one():
    places = pd.MultiIndex.from_tuples([("a", "a"), ("b", "a"), ("a+b", "a")], names=across.PLACES)
    wide = pd.DataFrame([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1], [0.4, 0.5, 0.6]], places, columns=list("xyz"))
    assert across.kept_orders(wide)["tau"].to_dict() == {("a", "b"): -1.0, ("a", "a+b"): 1.0}
    assert across.kept_orders(wide[["x", "y"]])["tau"].isna().all()  # of two methods nothing can be said


def test_at_home_a_fifth_of_the_clips_is_not_learnt():
    mix = pd.DataFrame({"negative": [60, 30], "positive": [40, 20]}, index=["a", "b"])
    places = pd.MultiIndex.from_tuples([("a", "a"), ("a", "b"), ("a+b", "a")])
    assert across.learnt_clips(places, mix).tolist() == [80, 100, 120]


def test_whoever_knows_the_corpus_gains_if_each_shows_one_class():
    assert across.knowing_the_corpus(pd.DataFrame([[9, 0], [0, 5]]), draws=3)["knows the corpus"] == 1
    alike = across.knowing_the_corpus(pd.DataFrame([[20, 20], [20, 20]]))
    assert alike["knows nothing"] == pytest.approx(alike["knows the corpus"], abs=0.02)


def test_every_method_of_the_list_is_found_at_home_and_away():
    runs = across.method_runs()
    assert {"majority", "HOOF", "MA2MI"} <= set(runs)
    assert all(set(across.WAYS) <= set(one.away) for one in runs.values())


def test_a_published_floor_follows_from_the_counts():
    floors = across.published_floors("megc2019-3class")
    assert floors.loc["smic", "always negative"] == pytest.approx(2 * 70 / (164 + 70) / 3)
