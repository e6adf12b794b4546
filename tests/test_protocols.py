from typing import get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mer_core import open_corpus
from mer_core.protocols import (
    CLASS_MAPS,
    CompositeError,
    Fold,
    LeaveOneSubjectOut,
    canonical_emotion,
    class_map,
    folds_in_words,
    hold_out_corpus,
    leave_one_subject_out,
    megc2019,
    megc2019_differences,
    published_counts,
    published_selections,
    published_tables,
    read_folds,
    read_megc2019,
    subject_groups,
)

SUBJECTS = ["synth/s1"] * 5 + ["synth/s2"] * 3 + ["synth/s3"] + ["synth/s4"] * 2


def test_leave_one_subject_out_has_a_fold_for_each_subject():
    assert [len(fold.test) for fold in leave_one_subject_out(SUBJECTS)] == [5, 3, 1, 2]


corpora = st.sampled_from(["casme2", "samm", "synth"])
names = st.builds("{}/s{}".format, corpora, st.integers(1, 6))
SPLITS = {
    "one subject": leave_one_subject_out,
    "groups": lambda subjects: subject_groups(subjects, k=2, seed=3),
    "a corpus": hold_out_corpus,
}


@pytest.mark.parametrize("split", SPLITS)
@given(subjects=st.lists(names, min_size=2, max_size=40).filter(lambda s: len({n[:2] for n in s}) > 1))
def test_every_clip_is_tested_once_by_a_model_that_never_saw_its_subject(split, subjects):
    folds = SPLITS[split](subjects)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(len(subjects)))
    for fold in folds:
        assert not {subjects[i] for i in fold.train} & {subjects[i] for i in fold.test}
        assert sorted([*fold.train, *fold.test]) == list(range(len(subjects)))


@given(st.lists(st.tuples(names, st.booleans()), max_size=8).filter(lambda d: len({s for _, s in d}) == 2))
def test_of_all_splits_only_those_between_subjects_can_be_constructed(drawn):
    subjects, is_test = np.array([name for name, _ in drawn]), np.array([side for _, side in drawn])
    sides = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    if set(subjects[is_test]) & set(subjects[~is_test]):
        with pytest.raises(ValueError, match="stand on both sides"):
            Fold("random", *sides, subjects)
    else:
        assert Fold("random", *sides, subjects).test is sides[1]


def test_groups_have_about_as_many_clips():
    assert sorted(len(fold.test) for fold in subject_groups(SUBJECTS, k=2)) == [5, 6]


def test_a_subject_on_both_sides_cannot_be_constructed():
    with pytest.raises(ValueError, match=r"synth/s1.*both sides"):
        Fold("leaky", np.array([0]), np.array([1]), np.array(SUBJECTS))


@pytest.mark.parametrize("k", [0, 1, 5])
def test_an_impossible_number_of_groups_is_refused(k):
    with pytest.raises(ValueError, match=f"2 to 4 groups of 4 subjects, got k={k}"):
        subject_groups(SUBJECTS, k)


def test_the_three_classes_leave_others_out():
    clips = pd.DataFrame(
        {"subject": ["synth/s1"] * 4, "emotion": ["disgust", "others", "happiness", "surprise"]}
    )
    assert class_map("megc2019-3class").label(clips).tolist() == [0, pd.NA, 1, 2]


def test_labels_that_are_classes_already_stay_what_they_are():
    megc = class_map("megc2019-3class")
    assert [megc("synth-smic", name) for name in megc.classes] == list(megc.classes)


def test_an_unknown_class_map_lists_the_known_ones():
    with pytest.raises(ValueError, match="megc2019-3class"):
        class_map("megc")


def test_a_map_takes_words_as_the_owners_tables_spell_them():
    samm = class_map("samm-5class")
    assert [samm("samm", word) for word in ("Anger", " Happiness", "OTHER", "Surprise\xa0")] == [
        "anger", "happiness", "others", "surprise",
    ]  # fmt: skip
    assert class_map("casme3-7class")("casme3", "sad") == "sadness"
    assert class_map("megc2019-3class")("CASME2", "Fear") is None  # known, and left out on purpose
    assert class_map("casme2-5class")("casme", "Tense") is None


@pytest.mark.parametrize("word", ["bored", "", "Angr", None, float("nan")])
def test_a_word_that_nobody_knows_is_no_silent_loss(word):
    with pytest.raises(ValueError, match="is none of happiness, surprise"):
        class_map("samm-5class")("samm", word)
    with pytest.raises(ValueError, match="is none of happiness, surprise"):
        class_map("samm-5class").label(pd.DataFrame({"subject": ["samm/006"], "emotion": [word]}))


# The licensed corpora


@pytest.mark.parametrize(
    ("word", "expected"),
    [("Happy", "happiness"), (" Other ", "others"), ("SAD", "sadness"), ("Others", "others")],
)
def test_an_emotion_has_one_spelling(word, expected):
    assert canonical_emotion(word) == expected


def test_an_unknown_emotion_is_refused():
    with pytest.raises(ValueError, match="'bored' is none of happiness, surprise"):
        canonical_emotion("bored")


def by_class(name, corpus, counts):
    """Clips of each class when a map meets the published counts of emotions."""
    made = dict.fromkeys(class_map(name).classes, 0)
    for emotion, n in counts.items():
        if label := class_map(name)(corpus, emotion):
            made[label] += n
    return made


PLAIN = [
    one for one in published_selections()
    if one.classes in CLASS_MAPS and not one.about and published_counts(one.corpus, one.version)
]  # fmt: skip


@pytest.mark.parametrize("one", PLAIN, ids=lambda one: f"{one.corpus} {one.version} {one.classes}")
def test_class_maps_take_as_many_clips_as_the_field_reports(one):
    made = by_class(one.classes, one.corpus, published_counts(one.corpus, one.version).counts)
    assert sum(made.values()) == one.clips
    assert made == (dict(one.counts) or made)


def test_every_class_map_of_a_licensed_corpus_is_compared_with_a_published_number():
    assert {one.classes for one in PLAIN} == set(CLASS_MAPS)


def test_published_numbers_agree_with_each_other():
    totals = {(one.corpus, one.version): sum(one.counts.values()) for one in published_tables()}
    assert len(totals) == len(published_tables())
    for one in published_selections():
        assert sum(one.counts.values()) in (0, one.clips)
        assert one.clips <= totals.get((one.corpus, one.version), 442)
    assert all(sum(n for name, n in one.action_units.items() if name != "all") <= one.action_units.get("all", 0)
               for one in published_tables())  # fmt: skip


def test_three_clips_that_differ_between_tables_change_every_count_of_casme2():
    older, newer = (published_counts("casme2", version).counts for version in ("2014", "2019"))
    assert {name: newer[name] - n for name, n in older.items() if newer[name] != n} == {
        "surprise": 3,
        "sadness": -3,
    }


def test_the_challenge_takes_casme2_negatives_from_two_emotions_only():
    megc = class_map("megc2019-3class")
    emotions = ("disgust", "repression", "fear", "sadness")
    assert [megc("casme2", emotion) for emotion in emotions] == ["negative", "negative", None, None]
    assert megc("samm", "fear") == megc("synth", "fear") == "negative"


def test_the_negatives_of_the_synthetic_corpus_include_its_fear_and_sadness():
    labels = class_map("megc2019-3class").label(open_corpus("synth").clips)
    assert labels.value_counts().sort_index().tolist() == [99, 32, 25]


@pytest.mark.parametrize("name", ["mmew-7class", "mmew-4class"])
def test_mmew_calls_its_other_clips_by_either_word(name):
    assert class_map(name)("mmew", "repression") == class_map(name)("mmew", "others") == "others"


def test_what_mmew_calls_by_either_word_is_in_none_of_three_classes():
    assert class_map("megc2019-3class")("mmew", "repression") is None
    assert class_map("megc2019-3class")("casme2", "repression") == "negative"


def test_a_map_that_is_not_meant_for_a_corpus_takes_none_of_its_emotions():
    assert [class_map("smic-3class")("casme3", emotion) for emotion in ("disgust", "happiness")] == [
        None,
        None,
    ]


def test_nothing_is_known_of_an_unknown_table():
    assert published_counts("casme2", "2099") is None


@pytest.mark.parametrize(
    ("word", "groups", "said"),
    [
        ("loso", None, "leave one subject out"),
        ("corpus", "corpus", "leave one corpus out"),
        ("5", 5, "5 subject groups"),
    ],
)
def test_folds_are_called_the_same_everywhere(word, groups, said):
    assert read_folds(word) == groups
    assert folds_in_words(groups) == said
    assert get_args(LeaveOneSubjectOut) == (folds_in_words(None),)


def test_a_corpus_can_be_held_out():
    folds = hold_out_corpus(["samm/006", "casme2/sub06", "smic/s06", "casme2/sub01"])
    assert [(fold.name, fold.test.tolist()) for fold in folds] == [
        ("casme2", [1, 3]),
        ("samm", [0]),
        ("smic", [2]),
    ]
    with pytest.raises(ValueError, match="at least two corpora, got samm"):
        hold_out_corpus(["samm/006", "samm/007"])


def test_a_clip_on_both_sides_cannot_be_constructed():
    with pytest.raises(ValueError, match=r"the clips \[1\] stand in it more than once"):
        Fold("twice", np.array([0, 1, 1]), np.array([9]), np.array(SUBJECTS))


# The composite of MEGC 2019, with a made-up list in the form of the organisers'

SIZES = {"casme2": (24, (88, 32, 25)), "samm": (28, (92, 26, 15)), "smic": (16, (70, 51, 43))}
EMOTIONS = {"smic": ("negative", "positive", "surprise")}
SPELLINGS = {  # subject and clip as ClipSets and as the list write them
    "casme2": ("sub{0:02d}", "EP{1:03d}f", "sub{0:02d}", "EP{1:03d}f"),
    "samm": ("{0:03d}", "{0:03d}_{1}_1", "{0}", "{0:03d}_{1}_1"),
    "smic": ("s{0:02d}", "s{0}_ne_{1:02d}", "s{0:02d}", "s{0:02d}_ne_{1:02d}"),
}


def composite():
    """442 clips, named as ClipSets name them, and their lines in the organisers' spelling."""
    rows, lines = [], []
    for corpus, (subjects, counts) in SIZES.items():
        labels = np.repeat([0, 1, 2], counts)
        for i, label in enumerate(labels):
            subject, clip, listed, clip_listed = (s.format(i % subjects + 1, i) for s in SPELLINGS[corpus])
            emotion = EMOTIONS.get(corpus, ("disgust", "happiness", "surprise"))[label]
            rows.append((f"{corpus}/{subject}/{clip}", f"{corpus}/{subject}", emotion))
            lines.append(f"{corpus},{listed},{clip_listed},{label}")
    return pd.DataFrame(rows, columns=["clip", "subject", "emotion"]), lines


@pytest.fixture
def official(tmp_path):
    path = tmp_path / "combined_3class_gt.csv"
    path.write_bytes("\r\n".join([*composite()[1], ""]).encode())
    return path


def test_the_official_list_chooses_its_442_clips_and_68_folds(official):
    clips, _ = composite()
    more = pd.DataFrame([("casme2/sub01/extra", "casme2/sub01", "disgust")], columns=clips.columns)
    table = pd.concat([more, clips.sample(frac=1, random_state=0)])  # the index says nothing
    rows = table.iloc[megc2019(table, official)]
    assert rows["clip"].tolist() == table["clip"].tolist()[1:]
    labels = class_map("megc2019-3class").label(rows).set_axis(rows["clip"])
    assert labels.to_dict() == read_megc2019(official).set_index("clip")["label"].to_dict()
    assert labels.value_counts().sort_index().tolist() == [250, 109, 83]
    assert len(leave_one_subject_out(rows["subject"])) == 68
    assert megc2019_differences(rows) == []


def test_a_clip_of_the_official_list_that_is_missing_is_named(official):
    clips, _ = composite()
    with pytest.raises(CompositeError, match=r"^2 of the 442 clips are missing \(casme2/sub01/EP000f"):
        megc2019(clips.iloc[2:], official)


@pytest.mark.parametrize("emotion", ["surprise", "sadness"])
def test_a_clip_that_the_official_list_labels_otherwise_is_named(official, emotion):
    clips, _ = composite()
    clips.loc[7, "emotion"] = emotion  # another class, or none
    with pytest.raises(CompositeError, match=r"^1 clips have another label .* \(casme2/sub08/EP007f"):
        megc2019(clips, official)


def test_without_the_list_the_two_clips_that_it_leaves_out_are_left_out():
    clips = ["casme2/sub04/EP12_01f", "casme2/sub05/EP09_05f", "casme2/sub06/EP01_01", "casme2/sub06/EP02_01"]
    subjects = [clip.rpartition("/")[0] for clip in clips]
    emotions = ["disgust", "repression", "disgust", "others"]
    table = pd.DataFrame({"clip": clips, "subject": subjects, "emotion": emotions})
    assert megc2019(table).tolist() == [2]


def test_what_differs_from_the_published_composite_is_said_for_each_corpus():
    clips, _ = composite()
    chosen = clips[clips["clip"] != "samm/001/001_0_1"]
    assert megc2019_differences(chosen) == [
        "samm: [91, 26, 15] clips (negative, positive, surprise) of 28 subjects, published are [92, 26, 15] of 28"
    ]
    assert [said[:15] for said in megc2019_differences(chosen.iloc[:145])] == [
        "samm: [0, 0, 0]",
        "smic: [0, 0, 0]",
    ]


@pytest.mark.parametrize("between", ["\n\n", "\r\n,,,\r\n"])
def test_the_older_copy_of_the_list_is_recognised(tmp_path, between):
    path = tmp_path / "combined_3class_gt-2.csv"
    path.write_text(between.join(composite()[1][:-1]))
    with pytest.raises(CompositeError, match=r"expected 442 different clips, got 441 .* An older copy"):
        read_megc2019(path)


@pytest.mark.parametrize(
    "line", ["clip;label", "casme3,spNO.1,b_166,0", "samm,6,006_1_2,3", "samm,6,006_1_2"]
)
def test_a_line_of_another_form_is_shown(tmp_path, line):
    path = tmp_path / "list.csv"
    path.write_text(f"casme2,sub01,EP02_01f,1\n{line}\n")
    with pytest.raises(CompositeError, match=f"such as casme2,sub01,EP02_01f,1; got '{line}'"):
        read_megc2019(path)
