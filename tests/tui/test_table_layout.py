"""How the table shares out its cells."""

import pytest

from tui.layout import STEPS, Layout, layout


@pytest.mark.parametrize("longest", [3, 9, 16, 70])
def test_columns_take_all_cells(longest):
    for cells in range(32, 260):
        plan = layout(cells, longest)
        parts = [plan.label, plan.bar, 5, plan.label, plan.status]
        assert plan.mark + plan.name + sum(parts) + sum(part > 0 for part in parts) == cells
        assert plan.name >= min(12, cells - 29)
        assert plan.status or plan.mark == 4


@pytest.mark.parametrize(
    ("cells", "longest", "plan"),
    [
        (200, 3, Layout(3, 133, 4, 20, 26)),
        (79, 3, Layout(3, 34, 4, 8, 16)),
        (49, 3, Layout(3, 17, 4, 4, 7)),
        (49, 30, Layout(3, 18, 6, 0, 7)),
        (59, 30, Layout(3, 20, 10, 0, 7)),
        (34, 30, Layout(4, 14, 4, 0, 0)),
    ],
)
def test_what_gives_way(cells, longest, plan):
    assert layout(cells, longest) == plan


def test_a_wider_table_never_shows_less():
    for longest in (3, 12, 40):
        plans = [layout(cells, longest) for cells in range(30, 240)]
        steps = [
            [(bar, status, max(4, min(longest, most))) for bar, status, most in STEPS].index(
                (plan.bar, plan.status, plan.label)
            )
            for plan in plans
        ]
        assert steps == sorted(steps, reverse=True)
        assert steps[-1] == 0
