"""The picture of a network: each layer stands in a lane, joins what it reads, and leaves what others still need."""

from tui.chain import MOST, Node, picture


def drawn(*nodes: tuple[str, str], kept: tuple[str, ...] = ()) -> list[str]:
    made = [Node(tuple(reads.split()), tuple(writes.split())) for reads, writes in nodes]
    return [line.rstrip() for line in picture(made, kept)]


def test_a_chain_is_one_lane() -> None:
    assert drawn(("", "x"), ("x", "a"), ("a", "b")) == ["●", "●", "●"]


def test_what_is_read_again_keeps_its_lane() -> None:
    lines = drawn(("", "x"), ("x", "a"), ("a", "b"), ("x b", "sum"), ("sum", "y"))
    assert lines == ["●", "├─●", "│ ●", "●─╯", "●"]


def test_a_lane_that_is_crossed() -> None:
    lines = drawn(("", "x"), ("x", "a"), ("x", "b"), ("a b", "s"), ("x s", "y"))
    assert lines == ["●", "├─●", "├─┼─●", "│ ●─╯", "●─╯"]


def test_a_layer_of_several_outputs() -> None:
    assert drawn(("", "x"), ("x", "a b"), ("a", "c"), ("c b", "y")) == ["●", "●", "● │", "●─╯"]


def test_an_output_of_the_model_stays_to_the_end() -> None:
    assert drawn(("", "x"), ("x", "a"), ("a", "y"), kept=("a", "y"))[-1] == "├─●"


def test_what_nobody_reads_leaves_its_lane() -> None:
    assert drawn(("", "x"), ("x", "unused"), ("x", "y"), ("y", "z")) == ["●", "├─●", "●", "●"]


def test_many_lanes_end_in_one() -> None:
    nodes = [("", "x"), *(("x", f"b{n}") for n in range(20)), (" ".join(f"b{n}" for n in range(20)), "y")]
    assert max(map(len, drawn(*nodes))) <= 2 * MOST


def test_what_joins_several_lanes_goes_on_in_the_leftmost() -> None:
    nodes = (("", "x"), ("x", "a"), ("x", "b"), ("x", "c"), ("a b c", "y"), ("y", "z"))
    assert drawn(*nodes) == ["●", "├─●", "├─┼─●", "● │ │", "●─╯─╯", "●"]


def test_all_lines_are_equally_wide() -> None:
    lines = picture([Node((), ("x",)), Node(("x",), ("a",)), Node(("x", "a"), ("y",))], ())
    assert len(set(map(len, lines))) == 1


def test_a_name_that_is_written_again() -> None:
    assert len(drawn(("", "x"), ("x", "a"), ("a", "x"), ("x", "y"), ("missing", "z"))) == 5
