"""News never wait for a slow reader."""

from fogbank_dag_ledger.limits import EVENTS_WAITING_MAX
from fogbank_dag_ledger.service.news import NewsStand


async def test_every_reader_gets_what_is_published_while_it_reads() -> None:
    stand: NewsStand[int] = NewsStand()
    stand.publish([1])
    async with stand.reader() as one, stand.reader() as other:
        stand.publish([2, 3])
        assert [await one.receive(), await one.receive(), await other.receive()] == [2, 3, 2]
    stand.publish([4])


async def test_a_slow_reader_loses_the_oldest() -> None:
    stand: NewsStand[int] = NewsStand()
    async with stand.reader() as reader:
        stand.publish(range(EVENTS_WAITING_MAX + 5))
        assert await reader.receive() == 5
