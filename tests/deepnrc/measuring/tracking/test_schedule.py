from deepnrc.measuring import log_spaced


def test_log_spaced_points_are_dense_at_first_and_about_eight_a_decade() -> None:
    points = [step for step in range(1001) if log_spaced(step)]
    assert points[:15] == [0, 1, 2, 3, 4, 6, 7, 10, 13, 18, 24, 32, 42, 56, 75]
    assert len([point for point in points if 100 < point <= 1000]) == 8
    assert points[-1] == 1000
    assert not log_spaced(-1)
