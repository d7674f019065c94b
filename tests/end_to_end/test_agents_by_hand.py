"""What the README shows: agents started by hand, in several terminals, on files of one's own."""

import json
import signal
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.wasm_tasks.packages import reactor, translate

import fogbank_wasm_tasks.examples
from fogbank_wasm_tasks.examples import module_bytes

from .agents import FOGBANK, Agent, fogbank, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.end_to_end]

SAMPLES = Path(fogbank_wasm_tasks.examples.__file__).parent / "sensor_statistics" / "samples"
SUPPLY = 1_000_000_000
SUM = reactor(
    "(global.set $sum (i32.add (global.get $sum) (local.get 1)))"
    "(i32.store8 (i32.const 8) (global.get $sum))"
    "(i64.or (i64.shl (i64.const 8) (i64.const 32)) (i64.const 1))",
    fields="(global $sum (mut i32) (i32.const 100))",
)
LOCAL = ("--interface", "127.0.0.1")
FOREVER = (
    # (module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))
    bytes.fromhex("0061736d01000000010401600000030201000503010001")
    + bytes.fromhex("071302066d656d6f72790200065f737461727400000a09010700 03400c000b0b")
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Agent, Agent]]:
    """Two agents: the first makes a network, the second finds and joins it by mDNS."""
    folder = tmp_path_factory.mktemp("pair")
    first, second = Agent(folder / "first"), Agent(folder / "second")
    try:
        assert first("init", "--name", "terrace", *LOCAL).returncode == 0
        first.start()
        # By its id, because this machine may be in other networks at the same time.
        network = first.json("status")["network_id"]
        joined = second("init", "--join", network, *LOCAL)
        assert joined.returncode == 0, joined.stderr.decode()
        second.start()
        first.wait_peers(1)
        second.wait_peers(1)
        yield first, second
    finally:
        for agent in (first, second):
            for _ in list(agent.processes):
                agent.stop()


def test_they_found_each_other_and_are_in_one_network(pair: tuple[Agent, Agent]) -> None:
    first, second = (agent.json("status") for agent in pair)
    assert first["network_id"] == second["network_id"]
    assert second["network_name"] == "terrace"
    assert (first["ledger"]["validator"], second["ledger"]["validator"]) == (True, False)
    assert pair[0].json("peers")["peers"][0]["node_id"] == second["node_id"]


def test_a_run_on_a_file_of_ones_own_goes_to_standard_output_and_is_paid(
    pair: tuple[Agent, Agent],
) -> None:
    first, second = pair
    earned_before = second.status().provider.earned

    done = first("run", "sensor_statistics", "--input", SAMPLES / "greenhouse.csv")

    assert done.returncode == 0, done.stderr.decode()
    assert b"soil-moisture" in done.stdout
    assert second.status().short in done.stderr.decode()
    wait_until(
        "the provider is paid",
        lambda: second.status().provider.earned > earned_before,
    )
    assert first.json("task", "earnings")["royalties"] == []
    (channel,) = first.json("channels")["channels"]
    assert (channel["pays"], channel["state"], channel["paid"] > 0) == (True, "open", True)
    assert first.wallet().balance + channel["deposit"] == SUPPLY
    # What follows opens another one.
    assert first.json("channels", "close")["waiting"] == 0


def test_a_published_task_is_run_by_its_id_from_another_agent_and_paid(
    pair: tuple[Agent, Agent], tmp_path: Path
) -> None:
    first, second = pair
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "statistics.wasm").write_bytes(module_bytes("sensor_statistics"))
    (tmp_path / "fogtask.toml").write_text(
        '[package]\nname = "statistics"\nversion = "1"\n[build]\nlanguage = "rust"\n'
    )
    earned_before = second.status().provider.earned

    published = second.json("task", "publish", "--folder", tmp_path)
    done = first("run", published["package_id"], "--input", SAMPLES / "balcony.csv")

    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.startswith(b"sensor,")
    assert published["author"] == second.status().node_id
    assert first.json("runs")["runs"][0]["package"] == "statistics"
    wait_until("the provider is paid", lambda: second.status().provider.earned > earned_before)
    assert second("task", "withdraw", published["package_id"]).returncode == 0
    unknown = first("run", "00" * 32)
    assert unknown.returncode == 5
    assert b"no neighbour has the package" in unknown.stderr


def test_a_service_remembers_between_calls_is_paid_and_stopped(
    pair: tuple[Agent, Agent], tmp_path: Path
) -> None:
    first, second = pair
    task = tmp_path / "sum.wasm"
    task.write_bytes(translate(SUM))
    earned_before = second.status().provider.earned

    checked = first("service", "start", task, "--verify", "audit")
    assert b"start it with --verify none" in checked.stderr
    options = ("--fuel-max", "1000000", "--verify", "none")
    started = first.json("service", "start", task, *options)
    assert started["live"]
    outputs: list[bytes] = []
    for length in (1, 2, 3):
        (tmp_path / "input").write_bytes(bytes(length))
        called = first("service", "call", started["service"][:8], tmp_path / "input")
        assert called.returncode == 0, called.stderr.decode()
        outputs.append(called.stdout)
    assert outputs == [bytes([101]), bytes([103]), bytes([106])]

    stopped = first.json("service", "stop", started["service"][:8])
    assert (stopped["live"], stopped["reason"], stopped["calls"]) == (False, "service_stopped", 3)
    assert stopped["paid"] == stopped["drops"] > 3
    listed = first("service", "list").stdout.decode()
    assert "the requestor stopped the service" in listed
    wait_until(
        "the provider is paid",
        lambda: second.status().provider.earned == earned_before + stopped["paid"],
    )
    late = first("service", "call", started["service"][:8])
    assert (late.returncode, b"the service has ended" in late.stderr) == (5, True)


def test_a_folder_is_mapped_to_a_folder(pair: tuple[Agent, Agent], tmp_path: Path) -> None:
    first, _ = pair
    done = first("run", "sensor_statistics", "--map", SAMPLES, "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == b""
    names = sorted(path.name for path in SAMPLES.iterdir())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    assert all((tmp_path / "out" / name).stat().st_size > 100 for name in names)


def test_a_run_has_a_story_and_a_place_in_the_list(pair: tuple[Agent, Agent]) -> None:
    first, second = pair
    sample = SAMPLES / "balcony.csv"
    answer = first.json("run", "sensor_statistics", "--input", sample, "--arg=--json")
    run = answer["runs"][0]
    assert answer["schema"] == 1
    assert (answer["ok"], answer["failed"], run["ok"], run["name"]) == (1, 0, True, "balcony.csv")
    assert run["run_id"] in [one["run_id"] for one in first.json("runs")["runs"]]

    story = first("why", run["run_id"][:12]).stdout.decode()

    assert second.status().short in story
    assert "Agreed" in story


def test_an_argument_reaches_the_task(pair: tuple[Agent, Agent]) -> None:
    first, _ = pair
    sample = SAMPLES / "balcony.csv"
    done = first("run", "sensor_statistics", "--input", sample, "--arg=--json")
    assert json.loads(done.stdout)


def test_a_task_that_never_ends_is_told_apart_and_why_explains_it(
    pair: tuple[Agent, Agent], tmp_path: Path
) -> None:
    first, _ = pair
    (tmp_path / "forever.wasm").write_bytes(FOREVER)
    done = first("run", tmp_path / "forever.wasm", "--fuel-max", 10_000_000)
    assert done.returncode == 1
    message = done.stderr.decode()
    assert "out of fuel" in message
    assert "fogbank why " in message
    run = message.rpartition("fogbank why ")[2].strip().rstrip("'")
    assert first("why", run).returncode == 0


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "the task cannot be run"),
        (b"this is no module", "the task cannot be run"),
        (b"\0asm\1\0\0\0", "the task cannot be run"),
        (FOREVER[:-3], "the task cannot be run"),
    ],
)
def test_what_is_no_task_is_refused_in_a_sentence(
    pair: tuple[Agent, Agent], tmp_path: Path, data: bytes, sentence: str
) -> None:
    (tmp_path / "task.wasm").write_bytes(data)
    done = pair[0]("run", tmp_path / "task.wasm")
    assert done.returncode == 5
    assert sentence in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_a_price_that_nobody_asks_is_declined_with_the_reason(pair: tuple[Agent, Agent]) -> None:
    sample = SAMPLES / "balcony.csv"
    options = ("--start-price-max", 0, "--price-max", 0, "--patience", 1)
    done = pair[0]("run", "sensor_statistics", "--input", sample, *options)
    assert done.returncode == 1
    run = done.stderr.decode().rpartition("fogbank why ")[2].strip().rstrip("'")
    assert "asks more than the order allows" in pair[0]("why", run).stdout.decode()


def test_money_goes_from_hand_to_hand(pair: tuple[Agent, Agent]) -> None:
    first, second = pair
    key, short = second.status().node_id, second.status().short
    before, received = first.wallet().balance, second.wallet().balance

    for name in (short, key[:10], key):
        paid = first.json("pay", name, 1000, "--wait")
        assert paid["final"] is True

    assert first.wallet().balance == before - 3000
    wait_until("it is claimed", lambda: second.wallet().balance == received + 3000)


@pytest.mark.parametrize(
    ("to", "drops", "sentence"),
    [
        ("nobody-here", 1, "see 'fogbank peers'"),
        ("ab" * 32, SUPPLY * 2, "drops"),
        ("", 1, "see 'fogbank peers'"),
    ],
)
def test_a_payment_that_is_not_possible_is_refused(
    pair: tuple[Agent, Agent], to: str, drops: int, sentence: str
) -> None:
    done = pair[0]("pay", to, drops)
    assert done.returncode == 5
    assert sentence in done.stderr.decode()


def test_both_ledgers_agree_and_no_drop_is_made_or_lost(pair: tuple[Agent, Agent]) -> None:
    def settled() -> bool:
        ledgers = [agent.status().ledger for agent in pair]
        for ledger in ledgers:
            assert ledger.supply == ledger.supply_held == SUPPLY
        alike = ledgers[0].state_hash == ledgers[1].state_hash
        return alike and all(ledger.payments_pending == 0 for ledger in ledgers)

    wait_until("the ledgers agree", settled)


def test_a_second_agent_in_the_folder_is_told_which_process_is_there(
    pair: tuple[Agent, Agent],
) -> None:
    done = pair[0]("up")
    assert done.returncode == 4
    assert f"(process {pair[0].status().process})" in done.stderr.decode()


def test_a_network_gives_its_second_agent_a_seat_and_takes_it_back(tmp_path: Path) -> None:
    first, second = Agent(tmp_path / "first"), Agent(tmp_path / "second")
    try:
        assert first("init", "--name", "roof", *LOCAL).returncode == 0
        first.start()
        network = first.json("status")["network_id"]
        assert second("init", "--join", network, *LOCAL).returncode == 0
        second.start()
        first.wait_peers(1)
        name = second.status().short
        refused = second("network", "add-seat", name)
        assert refused.returncode != 0
        assert "this agent has no seat" in refused.stderr.decode()

        added = first.json("network", "add-seat", name)

        assert (added["epoch"], len(added["seats"]), added["quorum"]) == (1, 2, 2)
        assert first.json("pay", name, 5, "--wait")["final"]
        assert "2 seats, 2 votes decide" in second("network", "seats").stdout.decode()
        again = first("network", "add-seat", name)
        assert "has a seat already" in again.stderr.decode()
        _make_a_home(first, second)
        thawed = first("network", "unfreeze", name)
        assert "is not frozen" in thawed.stderr.decode()
        # One of two could be lying, so both have to want it.
        assert second.json("network", "remove-seat", name, "--wait-s", 0)["epoch"] == 1
        removed = first.json("network", "remove-seat", name)
        assert (removed["epoch"], len(removed["seats"]), removed["quorum"]) == (2, 1, 1)
        assert first.json("pay", name, 5, "--wait")["final"]
    finally:
        for agent in (first, second):
            for _ in list(agent.processes):
                agent.stop()


def test_a_network_of_one_grows_to_four_while_payments_go_on(tmp_path: Path) -> None:
    agents = [Agent(tmp_path / str(number)) for number in range(4)]
    first = agents[0]
    try:
        assert first("init", "--name", "yard", *LOCAL).returncode == 0
        first.start()
        network = first.json("status")["network_id"]
        for agent in agents[1:]:
            assert agent("init", "--join", network, *LOCAL).returncode == 0
            agent.start()
        first.wait_peers(3)
        names = [agent.status().node_id for agent in agents]
        for count, name in enumerate(names[1:], 1):
            # As many as it takes want it; the last of them waits until it has happened.
            needed = first.json("network", "seats")["votes_needed"]
            # Not waited for: it becomes final before, while or after the seats change.
            first.json("pay", name, 7)
            for agent in agents[1:needed]:
                agent.json("network", "add-seat", name, "--wait-s", 0)
            added = first.json("network", "add-seat", name)
            assert (added["epoch"], len(added["seats"])) == (count, count + 1)
            assert first.json("pay", name, 5, "--wait")["final"]
        found = agents[2].json("network", "seats")
        assert (found["epoch"], len(found["seats"]), found["quorum"]) == (3, 4, 3)
        # Three of the four are enough, whoever began.
        agents[3].stop()
        assert first.json("pay", names[1], 1, "--wait")["final"]
        wait_until("all is paid", lambda: not first.status().ledger.payments_pending)
        ledger = first.status().ledger
        assert ledger.supply == ledger.supply_held == SUPPLY
    finally:
        for agent in agents:
            for _ in list(agent.processes):
                agent.stop()


def _make_a_home(first: Agent, second: Agent) -> None:
    """Let two seats make a home, and the first one's account move in and out again."""
    names = [agent.status().node_id for agent in (first, second)]
    seats = [part for name in names for part in ("--seat", name)]
    missing = first("network", "create-home", *seats)
    assert "has not signed" in missing.stderr.decode()
    signature = second.json("network", "sign-home", names[0], *seats)["signature"]
    made = first.json("network", "create-home", *seats, "--signature", signature)
    assert (made["own"], len(made["homes"]), made["done"]) == ("", 1, True)
    home = made["homes"][0]["home"]
    assert first.json("network", "move-home", home[:16])["own"] == home
    assert "8.18.4" in first("network", "move-home", home).stderr.decode()
    assert first.json("pay", names[1], 3, "--wait")["final"]
    assert first.json("ledger", "account", names[0])["home"] == home
    assert home in second("network", "home").stdout.decode()
    assert first.json("network", "move-home", "community")["own"] == ""
    # The same seats, of which both have to agree: who lived there would follow.
    heir = (*seats, "--quorum", 2, "--succeeds", home[:12])
    signature = second.json("network", "sign-home", names[0], *heir)["signature"]
    larger = first.json("network", "create-home", *heir, "--signature", signature)
    assert [one["succeeds"] for one in larger["homes"]] == ["", home]
    unknown = first("network", "create-home", *seats, "--succeeds", "00")
    assert "no home begins with '00'" in unknown.stderr.decode()


def test_up_with_json_says_once_where_it_listens_when_commands_reach_it(tmp_path: Path) -> None:
    agent = Agent(tmp_path / "state")
    assert agent("init", "--name", "loft", *LOCAL).returncode == 0
    with subprocess.Popen(
        [*FOGBANK, "up", "--json", "--state", str(agent.state)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        status = agent.json("status")
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == b""
    assert process.returncode == 0
    keys = {"node_id", "short", "network_id", "network_name", "port", "process", "state_folder"}
    assert set(said) == {"schema", *keys}
    assert {key: status[key] for key in keys} == {key: said[key] for key in keys}


def test_a_port_in_use_is_one_sentence(pair: tuple[Agent, Agent], tmp_path: Path) -> None:
    port = pair[0].status().port
    state = tmp_path / "state"
    fogbank("init", "--port", port, *LOCAL, "--state", state)
    done = fogbank("up", "--state", state)
    assert done.returncode == 6
    assert str(port) in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_an_unknown_setting_is_named_with_file_and_line(tmp_path: Path) -> None:
    state = tmp_path / "state"
    fogbank("init", "--state", state)
    (state / "config.toml").write_text("[provider]\nprise = 1\n")
    done = fogbank("up", "--state", state)
    assert done.returncode == 4
    assert "config.toml, line 2: unknown setting 'prise'" in done.stderr.decode()
    assert "did you mean 'price'?" in done.stderr.decode()


def test_a_liar_is_refused_outside_demonstrations(tmp_path: Path) -> None:
    state = tmp_path / "state"
    fogbank("init", "--name", "earnest", *LOCAL, "--state", state)
    with (state / "config.toml").open("a") as file:
        file.write("lie_ppm = 1000\n")
    done = fogbank("up", "--state", state)
    assert done.returncode == 4
    assert "only in networks whose name begins with 'demo'" in done.stderr.decode()


def test_an_agent_comes_back_with_its_money_however_it_ended(tmp_path: Path) -> None:
    agent = Agent(tmp_path / "state")
    agent("init", *LOCAL)
    agent.start()
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        agent.json("pay", "ab" * 32, 5, "--wait")
        before = agent.status()

        code = agent.stop(number)

        assert code == (-number if number == signal.SIGKILL else 0)
        assert not agent.is_up()
        agent.start()
        after = agent.status()
        assert after.balance == before.balance
        assert after.ledger.state_hash == before.ledger.state_hash
        assert after.port == before.port
    assert agent.wallet().balance == SUPPLY - 15
    assert agent.stop() == 0
    assert "Traceback" not in agent.log()
