import numpy as np

from pneumo.evaluation.intervals import patient_intervals

VALUES = np.random.default_rng(0).normal(size=60)


def mean_and_share(values: np.ndarray):
    return lambda index: np.array([values[index].mean(), (values[index] > 0).mean()])


def patients(count: int) -> list[str]:
    return [f"p{i}" for i in range(count)]


def test_interval_covers_the_value_and_has_the_normal_width():
    low, high = patient_intervals(mean_and_share(VALUES), patients(60))
    assert low.shape == high.shape == (2,)
    assert np.all(low < [VALUES.mean(), (VALUES > 0).mean()])
    assert np.all(high > [VALUES.mean(), (VALUES > 0).mean()])
    error = VALUES.std() / np.sqrt(60)
    np.testing.assert_allclose([low[0], high[0]], VALUES.mean() + np.array([-1.96, 1.96]) * error, atol=0.3 * error)


def test_copies_of_a_patient_do_not_narrow_the_interval():
    once = patient_intervals(mean_and_share(VALUES), patients(60), resamples=2000)
    copied = np.tile(VALUES, 4)
    clustered = patient_intervals(mean_and_share(copied), patients(60) * 4, resamples=2000)
    naive = patient_intervals(mean_and_share(copied), patients(240), resamples=2000)
    width, clustered_width, naive_width = (high[0] - low[0] for low, high in (once, clustered, naive))
    np.testing.assert_allclose(clustered_width, width, rtol=0.1)
    np.testing.assert_allclose(naive_width, width / 2, rtol=0.1)


def test_all_images_of_a_patient_are_drawn_together():
    names = ["a", "b", "a", "c", "b", "a"]
    seen = []
    patient_intervals(lambda index: seen.append(sorted(index.tolist())) or np.zeros(1), names, resamples=50)
    images = {"a": [0, 2, 5], "b": [1, 4], "c": [3]}
    possible = [sorted(images[x] + images[y] + images[z]) for x in "abc" for y in "abc" for z in "abc"]
    possible += [sorted(images[x] + images[y]) for x, y in ("ab", "ac", "bc")]  # the jackknife leaves one patient out
    assert len(seen) == 1 + 50 + 3
    assert all(draw in possible for draw in seen)


def test_seed_repeats():
    first, again, other = (patient_intervals(mean_and_share(VALUES), patients(60), seed, 200) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_one_patient_has_no_interval():
    low, high = patient_intervals(mean_and_share(VALUES), ["only"] * 60)
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [True, True]
