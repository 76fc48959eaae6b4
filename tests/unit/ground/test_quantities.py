import pytest

from sf_ml_framework.quantities import PoolSize, cpu_millis, memory_bytes, pool_size


@pytest.mark.parametrize(
    ("text", "number"),
    [("2Gi", 2 * 2**30), ("512Mi", 512 * 2**20), ("1.5Gi", 1610612736), ("8G", 8_000_000_000)],
)
def test_memory_is_read_as_bytes(text, number):
    assert memory_bytes(text) == number


@pytest.mark.parametrize("text", ["4 Gigs", "", "Gi", "-1Gi", "0Gi", "8", 8, None, "1e3Mi"])
def test_what_is_no_quantity_of_memory_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="write a number and a unit"):
        memory_bytes(text)


@pytest.mark.parametrize(("text", "number"), [("1", 1000), ("0.5", 500), ("500m", 500), (4, 4000)])
def test_processors_are_read_as_thousandths(text, number):
    assert cpu_millis(text) == number


@pytest.mark.parametrize("text", ["two", "", "0", "-1", "1 core"])
def test_what_is_no_number_of_processors_is_refused(text):
    with pytest.raises(ValueError, match="no number of processors"):
        cpu_millis(text)


def test_a_pool_size_is_read_in_any_case():
    assert pool_size("large") is PoolSize.LARGE


def test_an_unknown_pool_size_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="XSMALL, SMALL, MEDIUM, LARGE, XLARGE"):
        pool_size("HUGE")
