"""Names from files: our format and the published ones, and what is wrong with a file."""

import math
from pathlib import Path

import pytest

from sieve_assets.stores.explanation_files import read_names
from sieve_assets.study_compare import Compare, Imported
from sieve_assets.study_file import load_study

ROOT = Path(__file__).parents[2]

# The first lines and the odd ones of files that the authors publish, shortened.
CLIP_DISSECT = """\
layer,unit,description,similarity
conv1,0,red,0.25616455
layer4,0,jukebox,0.07211304
layer4,1,bw,0.17407227
"""
MILAN = """\
layer,unit,description
conv1,0,Black lettering and numbers
fc,1,Birds
layer4,1,"Purple, red and blue fluorescent objects"
layer4,0,Dog 's face
"""
MILANNOTATIONS = """\
layer,unit,summary
layer4,1,eyes and objects that resemble them
layer4,1,eyes
layer4,1,eyes and objects that resemble them
layer2,900,brown dogs
"""
NETWORK_DISSECTION = """\
unit,category,label,score,scene-label
1,part,body,0.042096571,game_room-s
2,scene,game_room-s,0.127612946,x-s
8,color,red-c,0.001,y-s
"""
DESCRIBE_AND_DISSECT = """\
Neuron ID,Label 1,Label 2,Label 3
2,wooden furniture,wooden furniture, \n\
0,playing pool,playing pool with accessories,\"\"\"common objects\"\"\"
7,spiral-shaped objects,,
"""


class Study:
    """A study of a ResNet's layer with 8 neurons and of another, with a file of names."""

    def __init__(self, folder):
        self.file = folder / "names.csv"
        text = folder.joinpath("sieve.toml").read_text()
        second = text[: text.index("[probes")].replace("[targets.small]", "[targets.other]")
        folder.joinpath("sieve.toml").write_text(text + "\n" + second)
        self.study = load_study(folder / "sieve.toml")

    def read(self, content, model="small", **how):
        self.file.write_text(content, encoding="utf-8")
        how = {"targets": ["small"], **how}
        compare = Compare(imported={"milan": Imported(file=self.file, **how)})
        return read_names(self.study.model_copy(update={"compare": compare}), "milan", model)

    def named(self, content, **how):
        """Names by neuron, in order."""
        rows = self.read(content, **how).rows
        assert rows["place"].tolist() == rows.groupby("neuron").cumcount().tolist()
        return rows.groupby("neuron")["concept"].agg(list).to_dict()


@pytest.fixture
def study(study_folder):
    return Study(study_folder.root)


def test_names_stand_in_the_order_of_the_file(study):
    text = "neuron,description,note\n3,dog,a\n0,cat,b\n3,a  red\tdog ,c\n3,animal,d\n"

    assert study.named(text) == {0: ["cat"], 3: ["dog", "a red dog", "animal"]}
    assert study.read(text).rows["score"].isna().all()


def test_the_highest_score_goes_first_and_equal_ones_keep_their_order(study):
    text = "neuron,description,score\n3,dog,-1\n3,cat,2\n1,owl,1e1\n3,cow,2\n3,ant,2.5\n"

    assert study.named(text) == {1: ["owl"], 3: ["ant", "cat", "cow", "dog"]}
    assert study.read(text).rows["score"].tolist() == [10, 2.5, 2, 2, -1]


def test_published_results_are_read_as_they_are(study):
    assert study.named(CLIP_DISSECT) == {0: ["jukebox"], 1: ["bw"]}
    assert study.read(CLIP_DISSECT).rows["score"].tolist() == [0.07211304, 0.17407227]
    assert study.named(MILAN) == {
        0: ["Dog 's face"],
        1: ["Purple, red and blue fluorescent objects"],
    }
    assert study.named(MILAN, layer="fc") == {1: ["Birds"]}
    assert study.named(MILANNOTATIONS) == {1: ["eyes and objects that resemble them", "eyes"]}
    assert study.named(NETWORK_DISSECTION, first_neuron=1) == {
        0: ["body"],
        1: ["game room"],
        7: ["red"],
    }
    assert study.named(DESCRIBE_AND_DISSECT) == {
        0: ["playing pool", "playing pool with accessories", '"common objects"'],
        2: ["wooden furniture"],
        7: ["spiral-shaped objects"],
    }


def test_a_label_of_ones_own_is_not_taken_for_brodens(study):
    assert study.named("neuron,label\n0,semi_s-s\n") == {0: ["semi_s-s"]}


def test_repetitions_count_once_and_are_told(study):
    assert study.read(MILANNOTATIONS).n_repeated == 1
    assert study.read(DESCRIBE_AND_DISSECT).n_repeated == 1
    assert study.read("neuron,description,score\n1,dog,2\n2,dog,3\n1,dog,2\n").n_repeated == 1


def test_a_column_of_models_says_which_rows_count(study):
    text = "model,neuron,description\nsmall,0,cat\nother,1,dog\nelsewhere,99,owl\n"

    assert study.named(text, targets=[]) == {0: ["cat"]}
    assert study.named(text, targets=[], model="other") == {1: ["dog"]}
    assert study.named(text) == {0: ["cat"]}
    assert study.named("model,neuron,description\nother,1,dog\n", targets=[]) == {}


def test_a_file_about_other_targets_is_not_even_read(study):
    assert study.read("no table", model="other").rows.empty


HEADER = "neuron,description,score\n"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("neuron,word\n0,dog\n", 1, "expected one column description, got neuron, word"),
        ("id,description\n0,dog\n", 1, "expected one column neuron, got id, description"),
        ("unit,neuron id,label\n0,0,dog\n", 1, "expected one column neuron, got unit and neuron"),
        (HEADER + "0,dog,1\nx,dog,1\n", 3, "a whole number from 0 to 7, got 'x'"),
        (HEADER + "1.0,dog,1\n", 2, "a whole number from 0 to 7, got '1.0'"),
        (HEADER + "-1,dog,1\n", 2, "a whole number from 0 to 7, got '-1'"),
        (HEADER + "\u00b2,dog,1\n", 2, "a whole number from 0 to 7, got '\u00b2'"),
        (HEADER + ",dog,1\n", 2, "a whole number from 0 to 7, got ''"),
        (HEADER + "8,dog,1\n", 2, "got '8'. Correct it. If the file counts from 1, say first_neu"),
        (HEADER + "0, ,1\n", 2, "expected a name of at most 1000 characters, got nothing"),
        (HEADER + f"0,{'a' * 1001},1\n", 2, "got 1001 characters"),
        (HEADER + "0,do\x07g,1\n", 2, "got the control character U+0007"),
        (HEADER + "0,dog,high\n", 2, "expected a finite score, got 'high'"),
        (HEADER + "0,dog,\n", 2, "expected a finite score, got ''"),
        (HEADER + "0,dog,inf\n", 2, "expected a finite score, got 'inf'"),
        (
            HEADER + "0,dog,1\n0,cat,1\n0,dog,2\n",
            4,
            "expected one score for 'dog' as a name of neuron 0, got 2 after 1 in line 2",
        ),
        ("neuron,label 2,label 1\n0,dog,\n", 2, "got nothing"),
    ],
)
def test_a_row_that_is_wrong_is_refused_with_file_line_and_remedy(study, text, line, problem):
    with pytest.raises(ValueError, match="expected") as caught:
        study.read(text)
    said = str(caught.value)
    assert said.startswith(f"compare.imported.milan: {study.file}, line {line}: expected ")
    assert problem in said
    assert said.endswith(".")


def test_neurons_counted_from_one_end_one_later(study):
    assert study.named("neuron,description\n8,dog\n1,cat\n", first_neuron=1) == {
        0: ["cat"],
        7: ["dog"],
    }
    with pytest.raises(ValueError, match=r"from 1 to 8, got '0'.*say first_neuron = 0"):
        study.read("neuron,description\n0,dog\n", first_neuron=1)


def test_rows_that_do_not_count_may_be_wrong(study):
    assert study.named("layer,neuron,description\nfc,999,\nlayer4,0,dog\n") == {0: ["dog"]}


def test_a_layer_or_model_that_no_row_is_about_is_refused_with_those_that_are(study):
    with pytest.raises(ValueError, match="a row of layer layer3 in its column layer, got conv1, l"):
        study.read(CLIP_DISSECT, layer="layer3")
    text = "model,neuron,description\nsmal,0,cat\n"
    with pytest.raises(ValueError, match="a row about small in its column model, got smal"):
        study.read(text)
    with pytest.raises(ValueError, match="about other or small in its column model, got smal"):
        study.read(text, targets=[])


def test_without_targets_a_column_has_to_say_them(study):
    with pytest.raises(ValueError, match="line 1: expected one column model, got neuron, desc"):
        study.read("neuron,description\n0,cat\n", targets=[])


def test_a_file_that_the_study_does_not_know_is_named(study):
    with pytest.raises(LookupError, match="expected a file called 'maia' in the study, got none"):
        read_names(study.study, "maia", "small")


def test_the_sample_names_neurons_of_the_demo_by_words_of_its_world():
    how = Imported(file=ROOT / "data" / "imported_sample.csv")
    demo = load_study(ROOT / "sieve.toml")
    demo = demo.model_copy(update={"compare": Compare(imported={"sample": how})})

    rows = read_names(demo, "sample", "terrarium_resnet").rows

    words = (ROOT / "data" / "terrarium" / "concepts.txt").read_text().splitlines()
    assert 15 <= rows["neuron"].nunique() <= len(rows) <= 25
    assert {*rows["concept"]} <= {*words}
    assert math.isnan(rows["score"].max())
    assert read_names(demo, "sample", "terrarium_vit").rows.empty
