"""Names for people, read where they are whole and passed over where they are not."""

from hypothesis import given
from hypothesis import strategies as st
from tests.wasm_tasks.packages import translate

from fogbank_wasm_tasks.module.function_names import have_equal_code, read_function_names

TEXT = """(module (import "env" "abort" (func $stop (param i32 i32 i32 i32)))
    (func $first) (func (export "x")) (func $main::third<i32> (nop)))"""
MODULE = translate(TEXT)


def test_the_names_of_functions_are_found_by_index() -> None:
    assert read_function_names(MODULE) == {0: "stop", 1: "first", 3: "main::third<i32>"}


def test_a_module_without_names_has_none() -> None:
    assert read_function_names(translate("(module (func))")) == {}


@given(st.integers(8, len(MODULE)))
def test_a_module_that_is_cut_off_names_what_it_names(end: int) -> None:
    assert read_function_names(MODULE[:end]) in ({}, read_function_names(MODULE))


def test_a_name_that_is_no_text_is_shown_as_far_as_it_can_be() -> None:
    assert read_function_names(MODULE.replace(b"first", b"f\xffrst"))[1] == "f\ufffdrst"


def test_code_is_compared_whatever_it_is_called() -> None:
    renamed = translate(TEXT.replace("$first", "$other"))
    assert have_equal_code(MODULE, renamed)
    assert not have_equal_code(MODULE, translate(TEXT.replace("(nop)", "")))
