import pytest
from grey_sites import grey_picture, write_site

from pneumo.errors import DataError
from pneumo.site.cases import digest_of, read_cases


def test_a_csv_is_read_with_what_it_tells(tmp_path):
    path = write_site(tmp_path, [200], [60], age=["3", "1.5"], sex=["f", "Male"], device=["DX-1"], view=["ap", ""])
    first, second = read_cases(path)
    assert (first.label, first.patient, first.age, first.sex, first.device, first.view) == (
        "PNEUMONIA",
        "child-1-0",
        3,
        "F",
        "DX-1",
        "AP",
    )
    assert (second.label, second.age, second.sex, second.view) == ("NORMAL", 1.5, "M", "")


def test_a_folder_is_read_with_patients_by_file_name(tmp_path):
    for name in ("NORMAL/IM-0001-0001.png", "test/Pneumonia/person7_virus_1.png", "test/pneumonia/person7_virus_2.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(grey_picture(100))
    by_name = {case.name: (case.label, case.patient) for case in read_cases(tmp_path)}
    assert by_name == {
        "NORMAL/IM-0001-0001.png": ("NORMAL", "IM-0001"),
        "test/Pneumonia/person7_virus_1.png": ("PNEUMONIA", "virus-7"),
        "test/pneumonia/person7_virus_2.png": ("PNEUMONIA", "virus-7"),
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("picture-000.png,perhaps,a", "line 4: the label is 'perhaps'; expected NORMAL or PNEUMONIA"),
        ("picture-009.png,NORMAL,a", "line 4: picture-009.png: no such file"),
        ("cases.csv,NORMAL,a", "line 4: cases.csv: no image"),
        ("picture-001.png,NORMAL,", "line 4: no patient"),
        (",NORMAL,a", "line 4: no file"),
        ("picture-001.png,NORMAL,a", "named 2 times"),
    ],
)
def test_every_fault_of_a_row_is_reported_before_any_answer(tmp_path, line, said):
    path = write_site(tmp_path, [200], [60])
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(DataError, match=said):
        read_cases(path)


@pytest.mark.parametrize(("column", "value"), [("age", "three"), ("age", "-1"), ("sex", "x"), ("half", "third")])
def test_odd_values_are_reported(tmp_path, column, value):
    with pytest.raises(DataError, match=f"the {column} is '{value}'"):
        read_cases(write_site(tmp_path, [200], [60], **{column: [value]}))


def test_columns_that_are_missing_or_unknown(tmp_path):
    path = write_site(tmp_path, [200], [60], gender=["f"])
    with pytest.raises(DataError, match="unknown columns gender"):
        read_cases(path)
    path.write_text("file,label\n")
    with pytest.raises(DataError, match="lacks the columns patient"):
        read_cases(path)


def test_one_class_alone_cannot_be_tested(tmp_path):
    with pytest.raises(DataError, match="no case of NORMAL"):
        read_cases(write_site(tmp_path, [200, 210], []))


def test_no_folder_or_no_images(tmp_path):
    with pytest.raises(DataError, match="Expected a folder"):
        read_cases(tmp_path / "nowhere")
    with pytest.raises(DataError, match="No X-ray in"):
        read_cases(tmp_path)


def test_the_digest_is_of_the_cases_and_not_of_their_order(tmp_path):
    cases = read_cases(write_site(tmp_path, [200], [60]))
    assert digest_of(cases) == digest_of(cases[::-1]) != digest_of(cases[:1])
