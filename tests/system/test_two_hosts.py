"""A bot that outgrows one computer: two hosts behind one address, and one PostgreSQL.

Each host has an address, a folder and two processes of its own.  They share nothing but the
database, which they reach over TCP.  The chat, and every browser, knows only the address of the
load balancer, which gives each connection to the next host.
"""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from faults_world import SIX_DIGITS, Sender, open_storage, visit
from hosts_world import DATABASE_HOST, Forwarder, Host
from serve_world import QUICK_LOOKS, SHORT_LEASE, free_port, wait_until
from sizes import Size

PEOPLE, DOUBLED, BURST = Size(6, nightly=60), Size(40, nightly=200), Size(120, nightly=1_000)


@pytest.fixture
def database(postgresql_url):
    """The address of the database over TCP; the server itself listens at a socket."""
    url = sa.make_url(postgresql_url)
    place = f"{url.query['host']}/.s.PGSQL.{url.port or 5432}"

    def way():
        one = socket.socket(socket.AF_UNIX)
        one.connect(place)
        return one

    forwarder = Forwarder(DATABASE_HOST, [way])
    url = url.set(host=DATABASE_HOST, port=forwarder.port, query={})
    yield url.render_as_string(hide_password=False)
    forwarder.close()


@pytest.fixture
def hosts(tmp_path):
    limits = SHORT_LEASE | QUICK_LOOKS
    hosts = [Host(number, tmp_path / f"host-{number}", limits) for number in (0, 1)]
    yield hosts
    for host in hosts:
        host.close()


@pytest.fixture
def address(hosts):
    """The public one, of the load balancer."""
    balancer = Forwarder("127.0.0.1", [host.way for host in hosts], free_port())
    yield f"http://127.0.0.1:{balancer.port}"
    balancer.close()


@pytest.fixture
def settings(town, address, database):
    return town.settings(address, database)


@pytest.fixture
def running(hosts, town, address, settings):
    """Both hosts run the bot, and it is installed."""
    for host in hosts:
        host.start(settings)
    town.install(address)
    return hosts


def test_people_connect_whichever_host_each_request_comes_to(running, town, address, database):
    people = [town.person(number) for number in range(PEOPLE)]
    for person in people:
        person.write("profile")
    callbacks = [person.approves(person.reads(), address) for person in people]
    with ThreadPoolExecutor(PEOPLE) as pool:
        pages = [page for page, _ in pool.map(visit, callbacks)]
    assert {page.status_code for page in pages} == {200}
    for person, page in zip(people, pages, strict=True):
        person.write(SIX_DIGITS.search(page.text)[0])
    for person in people:
        assert person.reads().startswith("Connected to GitHub as **alice-practice**")
        assert person.say("profile").startswith("Here is your GitHub profile")
    storage = open_storage(database)
    assert {row.user_id for row in storage.find_services()} == {one.user_id for one in people}
    storage.close()
    assert set(town.exchanges.values()) == {1} and town.hears()
    for host in running:  # nothing that the other one would miss
        assert {one.name for one in host.folder.iterdir()} <= {"errors.txt", "__pycache__"}
        assert "Traceback" not in host.bot.errors


def test_what_both_hosts_are_told_is_answered_once(running, town, database, say):
    addresses = [host.address for host in running]
    sender = Sender(town, database, addresses)
    for number in range(DOUBLED):
        sender.chats[number] = town.person(number)
    twice = [(number, there) for number in range(DOUBLED) for there in addresses]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda one: sender.send(*one), twice)) == {200}
    sender.waits_for_answers()
    say(f"{len(twice)} deliveries to two hosts: {sender.verdict()}")
    assert list(sender.replies().values()) == [1] * DOUBLED


def test_a_host_that_loses_its_power_in_a_burst_is_not_missed(
    running, town, address, database, settings, say
):
    sender = Sender(town, database, [address])
    for number in range(BURST):
        sender.chats[number] = town.person(number)
    down = threading.Event()

    def deliver(number):
        while sender.send(number) != 200:  # the connection ended: whoever asks comes again
            assert down.wait(20)

    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(deliver, number) for number in range(BURST)]
        wait_until(lambda: len(sender.answered) >= BURST // 3)
        running[0].loses_power()
        down.set()
        for one in sent:
            one.result()
    sender.waits_for_answers()
    say(f"One of two hosts lost its power: {sender.verdict()}")
    assert len(sender.answered) == BURST and set(sender.replies().values()) == {1}
    # A delivery of the chat's own may have been lost with the host.  Then the chat has given the
    # bot up, and the other host has seen to that.
    wait_until(town.hears)
    running[0].start(settings)
    town.chat.settle()
    running[1].loses_power()
    assert town.person(BURST).say("help").startswith("I understand")
    assert "Traceback" not in running[0].bot.errors + running[1].bot.errors
