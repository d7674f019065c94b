"""What is told of packages and modules."""

from tests.agent.authoring.manifests import manifest
from tests.wasm_tasks.packages import AUTHOR, command, translate, wasi

from fogbank_agent.authoring.inspection import inspect
from fogbank_agent.authoring.packing import open_task, pack
from fogbank_protocol.blobs.naming import blob_id

MODULE = translate(
    command(
        "(call $proc_exit (i32.const 0))", fields=wasi("proc_exit", "(param i32)"), memory="2 5"
    )
)


def test_a_module_is_told_by_what_it_imports_exports_and_weighs() -> None:
    found = inspect(open_task(MODULE, "m.wasm"), is_bare=True)

    assert found.package is None
    assert found.shape == "command"
    assert found.module_bytes == len(MODULE)
    assert (found.functions, found.operators) == (2, 3)
    assert (found.memory_bytes_start, found.memory_bytes_own_max) == (2 * 65_536, 5 * 65_536)
    assert found.imports == ["wasi_snapshot_preview1.proc_exit (i32) -> ()"]
    assert found.exports == ["memory (memory)", "_start () -> ()"]


def test_a_package_is_told_by_its_id_and_author() -> None:
    data = pack(manifest("royalty_ppm = 7"), MODULE, AUTHOR)

    found = inspect(open_task(data, "p"), is_bare=False).package

    assert found is not None
    assert (found.package_id, found.author) == (blob_id(data), AUTHOR.node_id)
    assert (found.package_bytes, found.royalty_ppm) == (len(data), 7)
