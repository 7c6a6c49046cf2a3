"""The cheap exponential and logarithm against the exact ones."""

import numpy as np

from azul_tui.search.select import exp_negative, log_positive


def test_it_is_exact_to_four_millionths_down_to_its_clamp():
    rng = np.random.default_rng(0)
    arguments = np.concatenate([-np.geomspace(1e-9, 80.0, 4000), -80.0 * rng.random(4000)])
    arguments = arguments.astype(np.float32)
    found = np.array([exp_negative(x) for x in arguments], np.float64)
    exact = np.exp(arguments.astype(np.float64))
    np.testing.assert_allclose(found, exact, rtol=4e-6)
    small = arguments > -1.0
    np.testing.assert_allclose(found[small], exact[small], rtol=4e-7)


def test_at_zero_it_is_one_and_below_the_clamp_it_stays_positive():
    assert exp_negative(np.float32(0.0)) == 1.0
    for x in (-80.0, -81.0, -1e4, -1e30, -np.inf):
        assert exp_negative(np.float32(x)) == exp_negative(np.float32(-80.0)) > 0.0


def test_the_logarithm_is_exact_to_single_precision_all_over_its_range():
    rng = np.random.default_rng(0)
    arguments = np.concatenate(
        [
            np.geomspace(1.2e-38, 3e38, 3000),
            1.0 + np.geomspace(6e-8, 0.5, 1000),
            1.0 - np.geomspace(6e-8, 0.5, 1000),
            rng.random(2000),
        ]
    ).astype(np.float32)
    found = np.array([log_positive(x) for x in arguments], np.float64)
    exact = np.log(arguments.astype(np.float64))
    assert (np.abs(found - exact) <= 2e-7 * np.maximum(np.abs(exact), 1.0)).all()
    assert log_positive(np.float32(1.0)) == 0.0


def test_noise_made_of_the_rarest_numbers_is_finite_and_ordered():
    """Gumbel noise is -log(-log u) for u in (0, 1): its ends are where logarithms go wrong."""
    ends = np.array([2.0**-24, 1e-6, 0.5, 1.0 - 1e-6, 1.0 - 2.0**-24], np.float32)
    noise = np.array([-log_positive(-log_positive(u)) for u in ends])
    np.testing.assert_allclose(noise, -np.log(-np.log(ends.astype(np.float64))), rtol=1e-5)
