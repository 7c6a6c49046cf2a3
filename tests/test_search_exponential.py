"""The cheap exponential against the exact one."""

import numpy as np

from azul_tui.search.exponential import exp_negative


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
