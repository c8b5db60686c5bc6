import numpy as np

from grading.checker.hashing import HashTable


def test_every_key_has_its_value_and_every_other_the_default() -> None:
    keys = np.random.default_rng(0).permutation(1 << 20)[:100_000].astype(np.int64) << 40
    table = HashTable(keys, np.arange(len(keys)))
    assert (table.get(keys, -1) == np.arange(len(keys))).all()
    assert (table.get(keys + 1, -1) == -1).all()


def test_an_empty_table_and_no_keys_are_answered() -> None:
    nothing = np.zeros(0, np.int64)
    assert HashTable(nothing, nothing).get(np.array([5]), -1).tolist() == [-1]
    assert HashTable(nothing, nothing).get(nothing, -1).tolist() == []
