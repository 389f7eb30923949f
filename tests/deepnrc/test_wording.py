import pytest

from deepnrc.wording import Argument, Either, Given, OneOf, Phrase, Remedy, did_you_mean, listing, said, shown

FLAGS = {
    name: f"--{name.replace('_', '-')}"
    for name in ("layers", "probes", "repeats", "variant", "rank", "max_samples", "pretrained", "targets", "checkpoint")
}


@pytest.mark.parametrize(
    ("parts", "library", "command"),
    [
        (["leave it out with ", Remedy("layers", ["!fc"]), "."], "with layers=['!fc'].", "with --layers '!fc'."),
        ([Remedy("layers", ["...", "!a", "!b.*"])], "layers=['...', '!a', '!b.*']", "--layers ... '!a' '!b.*'"),
        ([Given("layers", ["!b.[01]"]), " leaves"], "layers=['!b.[01]'] leaves", "--layers '!b.[01]' leaves"),
        ([Remedy("layers", ["it's"])], 'layers=["it\'s"]', "--layers 'it'\"'\"'s'"),
        ([Given("probes", [])], "probes=[]", "--probes"),
        (
            [OneOf("repeats", ("first", "last", "each"))],
            "repeats='first', 'last' or 'each'",
            "--repeats first, last or each",
        ),
        ([OneOf("rank", (1, 2))], "rank=1 or 2", "--rank 1 or 2"),
        ([OneOf("rank", (1,))], "rank=1", "--rank 1"),
        (["Use ", Remedy("layers", "weights"), ","], "Use layers='weights',", "Use --layers weights,"),
        (["Add it to ", Remedy("probes", [...]), "."], "Add it to probes=[...].", "Add it to --probes."),
        ([Given("variant", "signal"), " goes"], "variant='signal' goes", "--variant signal goes"),
        ([Argument("max_samples", 0), " must be"], "max_samples must be", "--max-samples must be"),
        ([Given("pretrained", True), " is"], "pretrained=True is", "--pretrained is"),
        ([Remedy("checkpoint"), " too"], "checkpoint too", "--checkpoint too"),
        ([Remedy("targets", "-2,-1")], "targets='-2,-1'", "--targets -2,-1"),
        ([Remedy("hue", "run")], "hue='run'", "hue='run'"),
        (["at least 1", Either(", or None for all", ""), "."], "at least 1, or None for all.", "at least 1."),
        (["layers='fc' and {braces}"], "layers='fc' and {braces}", "layers='fc' and {braces}"),
    ],
)
def test_an_argument_is_put_into_words_twice_from_the_same_fields(
    parts: list[Phrase], library: str, command: str
) -> None:
    assert said(parts).endswith(library)
    assert said(parts, FLAGS).endswith(command)


def test_listing_counts_what_it_does_not_show() -> None:
    assert listing(list("abc")) == "'a', 'b', 'c'"
    assert listing([str(i) for i in range(11)], limit=2) == "'0', '1' and 9 more"
    assert listing([str(i) for i in range(8)]).endswith("'6', '7'")
    assert listing([str(i) for i in range(9)]).endswith("'7' and 1 more")
    assert listing([]) == "none"


def test_did_you_mean_names_what_is_near_and_is_silent_otherwise() -> None:
    assert did_you_mean("resnet81", ["resnet18", "vit"]) == " Did you mean 'resnet18'?"
    assert did_you_mean("zzz", ["resnet18", "vit"]) == ""
    assert did_you_mean("PRICE", ["price"]) == " Did you mean 'price'?"
    assert did_you_mean("layer", [f"layer{i}" for i in range(9)]).count(" or ") == 2


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("fc\x1b[2J\x1b]0;title\x07", r"fc\x1b[2J\x1b]0;title\x07"),
        ("a\rb\nc\td", r"a\rb\nc\td"),
        ("\x9b31m\x85", r"\x9b31m\x85"),
        ("a\u202eb\u2066c\u2028d", r"a\u202eb\u2066c\u2028d"),
        ("\udc80", r"\udc80"),
        ("Straße Ω λ′ 層\N{NO-BREAK SPACE}→ 👩\u200d🔬", "Straße Ω λ′ 層\N{NO-BREAK SPACE}→ 👩\u200d🔬"),
    ],
)
def test_what_a_terminal_would_obey_is_shown(text: str, printed: str) -> None:
    assert shown(text) == shown(shown(text)) == printed
    assert listing([text]) == f"'{printed}'"
    assert shown(said(["The layer ", text, " is none."]), "") == f"The layer {printed} is none."
    assert "\x1b" not in said([Given("layers", [text]), " or ", Remedy("layers", text)], {"layers": "--layers"})
