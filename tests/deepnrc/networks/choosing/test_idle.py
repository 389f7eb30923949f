import pytest

from deepnrc.networks.choosing.idle import leaving_out


@pytest.mark.parametrize(
    ("names", "others", "expected"),
    [
        (["critic.q.0", "critic.q.2"], ["actor.0"], ["!critic"]),
        (["critic.q.0", "critic_target.0"], ["actor.0"], ["!critic*"]),
        (["critic.q.0", "critic_target.0"], ["critical"], ["!critic", "!critic_target"]),
        (["decoder.0.a", "decoder.1.a"], ["decoder.2.a"], ["!decoder.0", "!decoder.1"]),
        (["aux.0", "head.b"], ["head.a"], ["!aux", "!head.b"]),
        (["fc"], ["fc.1"], ["!fc"]),
    ],
)
def test_what_is_idle_is_left_out_in_as_few_words_as_do(names, others, expected):
    assert leaving_out(names, others) == expected
