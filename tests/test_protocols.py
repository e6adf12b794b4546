import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mer_core.protocols import (
    CompositeError,
    Fold,
    canonical_emotion,
    class_map,
    hold_out_corpus,
    leave_one_subject_out,
    megc2019,
    published_counts,
    read_megc2019,
    subject_groups,
)

SUBJECTS = ["synth/s1"] * 5 + ["synth/s2"] * 3 + ["synth/s3"] + ["synth/s4"] * 2


def test_leave_one_subject_out_has_a_fold_for_each_subject():
    assert [len(fold.test) for fold in leave_one_subject_out(SUBJECTS)] == [5, 3, 1, 2]


@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=8, max_size=40).filter(lambda s: len(set(s)) >= 4),
    st.integers(2, 4),
)
def test_every_clip_is_tested_once_by_a_model_that_never_saw_its_subject(subjects, k):
    folds = subject_groups(subjects, k)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(len(subjects)))
    for fold in folds:
        assert not {subjects[i] for i in fold.train} & {subjects[i] for i in fold.test}


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


def classes(name, corpus, version):
    """Clips of each class when a map meets the published counts of a table."""
    chosen, made = class_map(name), {}
    for emotion, n in published_counts(corpus, version).counts.items():
        if label := chosen(corpus, emotion):
            made[label] = made.get(label, 0) + n
    return made


@pytest.mark.parametrize(
    ("name", "corpus", "version", "expected"),
    [
        ("casme2-5class", "casme2", "2014", 246),
        ("casme2-5class", "casme2", "2019", 249),
        ("casme2-5class", "casme2", "updated", 247),
        ("casme2-3class", "casme2", "2014", {"negative": 90, "positive": 32, "surprise": 25}),
        ("casme2-3class", "casme2", "2019", 150),
        ("casme2-3class-all-negative", "casme2", "2014", {"negative": 99, "positive": 32, "surprise": 25}),
        ("casme2-3class-all-negative", "casme2", "2019", 156),
        (
            "samm-5class",
            "samm",
            "v2",
            {"anger": 57, "contempt": 12, "happiness": 26, "others": 26, "surprise": 15},
        ),
        ("megc2019-3class", "samm", "v2", {"negative": 92, "positive": 26, "surprise": 15}),
        ("megc2019-3class", "smic", "HS", {"negative": 70, "positive": 51, "surprise": 43}),
        ("smic-3class", "smic", "HS-E", 157),
        ("mmew-7class", "mmew", "300 rows", 300),
        ("mmew-6class", "mmew", "300 rows", 234),
        ("mmew-4class", "mmew", "300 rows", 263),
        ("mmew-3class", "mmew", "300 rows", {"negative": 109, "positive": 36, "surprise": 89}),
        ("casme-sq-4class", "casme_sq", "micro, valence", 57),
        ("casme-sq-3class", "casme_sq", "micro, valence", 38),
        ("casme3-7class", "casme3", "part A, v2", 860),
        (
            "casme3-4class",
            "casme3",
            "part A, v2",
            {"negative": 457, "surprise": 187, "others": 161, "positive": 55},
        ),
        ("casme3-3class", "casme3", "part A, v2", 699),
    ],
)
def test_class_maps_give_the_numbers_of_clips_that_the_field_reports(name, corpus, version, expected):
    made = classes(name, corpus, version)
    assert (made if isinstance(expected, dict) else sum(made.values())) == expected


def test_the_challenge_takes_casme2_negatives_from_two_emotions_only():
    megc = class_map("megc2019-3class")
    assert [megc("casme2", e) for e in ("disgust", "repression", "fear", "sadness")] == [
        "negative",
        "negative",
        None,
        None,
    ]
    assert megc("samm", "fear") == megc("synth", "fear") == "negative"


def test_nothing_is_known_of_an_unknown_table():
    assert published_counts("casme2", "2099") is None


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
    with pytest.raises(ValueError, match="a clip stands in it more than once"):
        Fold("twice", np.array([0, 1, 1]), np.array([9]), np.array(SUBJECTS))


# The composite of MEGC 2019, with a made-up list in the form of the organisers'


def composite():
    """442 clips, named as ClipSets name them, and their lines in the organisers' spelling."""
    rows, lines = [], []
    sizes = {"casme2": 24, "samm": 28, "smic": 16}
    for corpus, counts in {"casme2": (88, 32, 25), "samm": (92, 26, 15), "smic": (70, 51, 43)}.items():
        labels = [label for label, n in enumerate(counts) for _ in range(n)]
        for i, label in enumerate(labels):
            subject = i % sizes[corpus] + 1
            emotion = ("disgust", "happiness", "surprise")[label]
            if corpus == "casme2":
                names = (f"sub{subject:02d}", f"EP{i:03d}f") * 2
            elif corpus == "samm":
                names = (f"{subject:03d}", f"{subject:03d}_{i}_1", f"{subject}", f"{subject:03d}_{i}_1")
            else:
                emotion = ("negative", "positive", "surprise")[label]
                names = (
                    f"s{subject:02d}",
                    f"s{subject}_ne_{i:02d}",
                    f"s{subject:02d}",
                    f"s{subject:02d}_ne_{i:02d}",
                )
            rows.append((f"{corpus}/{names[0]}/{names[1]}", f"{corpus}/{names[0]}", emotion))
            lines.append(f"{corpus},{names[2]},{names[3]},{label}")
    return pd.DataFrame(rows, columns=["clip", "subject", "emotion"]), lines


def test_the_official_list_chooses_its_442_clips_and_68_folds(tmp_path):
    clips, lines = composite()
    more = pd.DataFrame([("casme2/sub01/extra", "casme2/sub01", "disgust")], columns=clips.columns)
    table = pd.concat([more, clips.sample(frac=1, random_state=0)], ignore_index=True)
    path = tmp_path / "combined_3class_gt.csv"
    path.write_bytes("\r\n".join(lines).encode() + b"\r\n")
    rows = table.iloc[megc2019(table, path)]
    assert rows["clip"].tolist() == clips["clip"].tolist()
    labels = class_map("megc2019-3class").label(rows)
    assert labels.tolist() == read_megc2019(path)["label"].tolist()
    assert labels.value_counts().sort_index().tolist() == [250, 109, 83]
    assert len(leave_one_subject_out(rows["subject"])) == 68
    with pytest.raises(CompositeError, match="2 of the 442 clips are missing, such as casme2/sub01/EP000f"):
        megc2019(clips.iloc[2:], path)


def test_without_the_list_the_two_clips_that_it_leaves_out_are_left_out():
    table = pd.DataFrame(
        {
            "clip": [
                "casme2/sub04/EP12_01f",
                "casme2/sub05/EP09_05f",
                "casme2/sub06/EP01_01",
                "casme2/sub06/EP02_01",
            ],
            "subject": ["casme2/sub04", "casme2/sub05", "casme2/sub06", "casme2/sub06"],
            "emotion": ["disgust", "repression", "disgust", "others"],
        }
    )
    assert megc2019(table).tolist() == [2]


def test_the_older_copy_of_the_list_is_recognised(tmp_path):
    _, lines = composite()
    path = tmp_path / "old.csv"
    path.write_text("\n\n".join(lines[:-1]))
    with pytest.raises(CompositeError, match=r"expected 442 clips, got 441\. An older copy"):
        read_megc2019(path)
    path.write_text("clip;label\n")
    with pytest.raises(CompositeError, match="expected lines such as casme2,sub01,EP02_01f,0"):
        read_megc2019(path)
