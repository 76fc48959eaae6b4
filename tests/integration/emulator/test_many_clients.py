"""Many clients at once: writers queue, nothing is lost."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from snowflake.connector import connect

CLIENTS = 16


def test_sixteen_clients_lose_no_update(place, run):
    run("create table counter as select 0 as n")
    run("create table log (client int, step int)")

    def client(number):
        with connect(**place) as connection:
            cursor = connection.cursor()
            for step in range(5):
                cursor.execute("update counter set n = n + 1")
                cursor.execute(f"insert into log values ({number}, {step})")

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(client, range(CLIENTS)))

    assert run("select n from counter") == [(CLIENTS * 5,)]
    assert run("select count(*), count(distinct client, step) from log") == [
        (CLIENTS * 5, CLIENTS * 5)
    ]


def test_a_second_writer_waits_for_the_first_transaction(place, run):
    run("create table t as select 0 as n")
    with connect(**place) as first, connect(**place) as second:
        first.cursor().execute("begin")
        first.cursor().execute("update t set n = 1")
        done = threading.Event()

        def write():
            second.cursor().execute("update t set n = n + 10")
            done.set()

        writer = threading.Thread(target=write)
        writer.start()
        waited = not done.wait(0.5)
        first.cursor().execute("commit")
        writer.join(timeout=120)

    assert waited
    assert run("select n from t") == [(11,)]


def test_readers_do_not_wait_for_writers(place, run):
    run("create table t as select 0 as n")
    with connect(**place) as writer:
        writer.cursor().execute("begin")
        writer.cursor().execute("update t set n = 1")

        assert run("select n from t") == [(0,)]


def test_of_two_that_wait_for_each_other_one_is_refused(place, run):
    run("create table a as select 0 as n")
    run("create table b as select 0 as n")
    errors = []

    with connect(**place) as one, connect(**place) as two:
        for connection, table in ((one, "a"), (two, "b")):
            connection.cursor().execute("begin")
            connection.cursor().execute(f"update {table} set n = 1")

        def cross(connection, table):
            try:
                connection.cursor().execute(f"update {table} set n = 2")
            except Exception as error:
                errors.append(error.errno)
            finally:
                connection.cursor().execute("rollback")

        threads = [threading.Thread(target=cross, args=pair) for pair in ((one, "b"), (two, "a"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=120)

    assert errors == [625]


def test_many_that_drop_at_once_all_may_and_each_gets_its_own_back(place, run, database):
    clients = range(6)
    for number in clients:
        run(f"create schema {database}.s{number}")
        run(f"create table {database}.s{number}.t as select {number} as n")

    def client(number):
        with connect(**place) as connection:
            for _ in range(4):
                connection.cursor().execute(f"drop table {database}.s{number}.t")
                connection.cursor().execute(f"undrop table {database}.s{number}.t")
            connection.cursor().execute(f"drop schema {database}.s{number}")
            connection.cursor().execute(f"undrop schema {database}.s{number}")

    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(client, clients))

    assert [run(f"select n from {database}.s{number}.t") for number in clients] == [
        [(number,)] for number in clients
    ]
