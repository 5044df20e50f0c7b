import pytest

from ablab.data.class_names import LONGEST, check_class_names, visible


def test_usual_names_of_any_script_are_taken():
    check_class_names(
        ("cat", "dog", "T-shirt/top", "thé", "猫", "US$ 5", "a, b", "नमस्ते", "x" * LONGEST), "names"
    )


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "'', which is empty"),
        ("  ", "'  ', which is empty"),
        ("caf\udce9", r"'caf\\udce9', which is not UTF-8"),
        ("a\nb", r"'a\\nb', which holds a control character"),
        ("a\x1b[31mb", r"'a\\x1b\[31mb', which holds a control character"),
        ("a\u2028b", r"'a\\u2028b', which holds a control character"),
        ("a\u202eb", r"'a\\u202eb', which holds a control character"),
        ("x" * (LONGEST + 1), "'x*…', which has 201 characters, more than 200"),
    ],
)
def test_a_name_that_cannot_be_written_is_refused(name, told):
    with pytest.raises(ValueError, match=f"^names must give each class a name .* got {told}"):
        check_class_names(("cat", name), "names")


@pytest.mark.parametrize(
    ("first", "second"),
    [("Cat", "cat"), ("caf\u00e9", "cafe\u0301"), ("dog", "dog "), ("ﬁsh", "fish"), ("a", "a")],
)
def test_names_that_look_alike_are_refused(first, second):
    with pytest.raises(ValueError, match=r"^names must give classes names that differ by more"):
        check_class_names((first, "other", second), "names")


def test_a_number_is_no_name():
    with pytest.raises(ValueError, match="names must give each class a text as its name, got 3"):
        check_class_names(("a", 3), "names")


@pytest.mark.parametrize("text", ["plain", "caf\udce9", "a\tb\x1b[0m", "\u2066x", "猫"])
def test_what_is_visible_can_be_written_and_moves_no_cursor(text):
    shown = visible(text)
    assert shown.encode().decode() == shown
    assert shown.isprintable()
