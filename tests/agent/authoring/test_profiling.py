"""Names of functions as authors wrote them."""

import pytest

from fogbank_agent.authoring.profiling import plain_name


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("_start", "_start"),
        ("runtime.memclrNoHeapPointers", "runtime.memclrNoHeapPointers"),
        ("_ZN6t_rust4main17h65cf9c6331a96d12E", "t_rust::main"),
        (
            "_ZN44_$LT$$RF$T$u20$as$u20$core..fmt..Display$GT$3fmt17h26a85cf2ce8d5a2fE",
            "<&T as core::fmt::Display>::fmt",
        ),
        # C++ writes names in another way, which is left as it is.
        ("_ZN3foo3barEv", "_ZN3foo3barEv"),
        ("_ZN99x17h65cf9c6331a96d12E", "x"),
        ("_ZNx17h65cf9c6331a96d12E", ""),
    ],
)
def test_what_a_compiler_wrapped_is_unwrapped(name: str, plain: str) -> None:
    assert plain_name(name) == plain
