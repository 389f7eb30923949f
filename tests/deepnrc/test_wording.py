from deepnrc.wording import did_you_mean, listing


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
